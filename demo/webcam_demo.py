"""MMAction2's `webcam_demo.py`: its arguments for `mmskelseg live`."""

import argparse

from mmskelseg_io.jobs import main

parser = argparse.ArgumentParser(
    description="Label what a camera sees with a segmentor of 'mmskelseg make-config "
    "--streaming', or with a recogniser of skeletons in sliding windows. Other options "
    "are those of 'mmskelseg live'.",
)
parser.add_argument('config')
parser.add_argument('checkpoint')
parser.add_argument('label', nargs='?', help='label map of a recogniser')
parser.add_argument('--camera-id', default='0', help='number of the camera')

if __name__ == '__main__':
    args, more = parser.parse_known_args()
    if args.label:
        more += ['--label-map', args.label]
    main(['live', args.camera_id, args.config, args.checkpoint, *more])
