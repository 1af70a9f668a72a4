"""Scores the mean of several dumped predictions; see `mmskelseg ensemble`."""

from mmskelseg.commands.ensemble import main

if __name__ == '__main__':
    main(prog='python tools/ensemble.py')
