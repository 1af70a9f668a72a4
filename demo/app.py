"""Segments videos on a web page; see `mmskelseg app`."""

from mmskelseg_studio.commands.app import main

if __name__ == '__main__':
    main(prog='python demo/app.py')
