"""Estimates the poses in videos; see `mmskelseg poses`."""

from mmskelseg_runtime.commands.poses import main

if __name__ == '__main__':
    main(prog='python tools/extract_poses.py')
