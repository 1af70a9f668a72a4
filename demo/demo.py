"""Segments videos by a trained model: `mmskelseg segment`."""

from mmskelseg.commands.segment import main

if __name__ == '__main__':
    main(prog='python demo/demo.py')
