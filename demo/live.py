"""Labels what a camera sees while it runs: `mmskelseg live`."""

from mmskelseg.commands.live import main

if __name__ == '__main__':
    main(prog='python demo/live.py')
