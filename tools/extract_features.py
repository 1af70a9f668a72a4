"""Computes the features of a config ahead of training; see `mmskelseg features`."""

from mmskelseg.commands.features import main

if __name__ == '__main__':
    main(prog='python tools/extract_features.py')
