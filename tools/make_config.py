"""Writes a config for a data set of your own: `mmskelseg make-config`."""

from mmskelseg.commands.make_config import main

if __name__ == '__main__':
    main(prog='python tools/make_config.py')
