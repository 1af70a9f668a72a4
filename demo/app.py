"""Segments videos on a web page: `mmskelseg app`."""

from mmskelseg.commands.app import main

if __name__ == '__main__':
    main(prog='python demo/app.py')
