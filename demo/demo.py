"""Segments videos with a trained model; see `mmskelseg segment`."""

from mmskelseg.commands.segment import main

if __name__ == '__main__':
    main(prog='python demo/demo.py')
