"""Trains and tests a config on every fold; see `mmskelseg cross-validate`."""

from mmskelseg.commands.cross_validate import main

if __name__ == '__main__':
    main(prog='python tools/cross_validate.py')
