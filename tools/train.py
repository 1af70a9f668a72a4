"""Trains a segmentor; see `mmskelseg train`."""

from mmskelseg.commands.train import main

if __name__ == '__main__':
    main(prog='python tools/train.py')
