"""Adds label statistics to a checkpoint; see `mmskelseg fit-decoder`."""

from mmskelseg.commands.fit_decoder import main

if __name__ == '__main__':
    main(prog='python tools/fit_decoder.py')
