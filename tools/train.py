"""Trains a segmentor: `mmskelseg train`."""

from mmskelseg.commands.train import main

if __name__ == '__main__':
    main(prog='python tools/train.py')
