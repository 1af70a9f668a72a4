"""Compares cross-validations of several configs; see `mmskelseg compare`."""

from mmskelseg.commands.compare import main

if __name__ == '__main__':
    main(prog='python tools/analysis/compare.py')
