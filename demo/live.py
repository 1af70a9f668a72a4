"""Labels the people in front of a camera live; see `mmskelseg live`."""

from mmskelseg_runtime.commands.live import main

if __name__ == '__main__':
    main(prog='python demo/live.py')
