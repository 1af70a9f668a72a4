"""Segments videos with a trained model; see `mmskelseg segment`."""

from mmskelseg_runtime.commands.segment import main

if __name__ == '__main__':
    main(prog='python demo/demo.py')
