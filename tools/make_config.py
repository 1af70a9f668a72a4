"""Writes a config for your own data set; see `mmskelseg make-config`."""

from mmskelseg.commands.make_config import main

if __name__ == '__main__':
    main(prog='python tools/make_config.py')
