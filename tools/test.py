"""Scores a trained segmentor; see `mmskelseg test`."""

from mmskelseg.commands.test import main

if __name__ == '__main__':
    main(prog='python tools/test.py')
