"""Scores a trained segmentor: `mmskelseg test`."""

from mmskelseg.commands.test import main

if __name__ == '__main__':
    main(prog='python tools/test.py')
