"""MMAction2's `webcam_demo.py`: its arguments for `mmskelseg live`."""

import argparse

from mmskelseg_io.jobs import main

parser = argparse.ArgumentParser(
    description='Label what a camera sees with a causal segmentor, which `mmskelseg '
    "make-config --streaming` configures. Other options are those of 'mmskelseg live'.",
)
parser.add_argument('config')
parser.add_argument('checkpoint')
parser.add_argument('label', nargs='?', help='not needed: a segmentor has its classes')
parser.add_argument('--camera-id', default='0', help='number of the camera')

if __name__ == '__main__':
    args, more = parser.parse_known_args()
    main(['live', args.camera_id, args.config, args.checkpoint, *more])
