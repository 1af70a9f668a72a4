"""MMAction2's `long_video_demo.py`: its arguments for `mmskelseg segment`."""

import argparse
from pathlib import Path

from mmskelseg_io.jobs import main

parser = argparse.ArgumentParser(
    description='Label a long video with a segmentor, or with a recogniser of '
    "skeletons in sliding windows. Other options are those of 'mmskelseg segment'.",
    epilog='OUT_FILE names a folder; overlay.mp4 in it is the labelled video.',
)
parser.add_argument('config')
parser.add_argument('checkpoint')
parser.add_argument('video_path', help='video, or file with its poses')
parser.add_argument('label', nargs='?', help='label map of a recogniser')
parser.add_argument('out_file')
parser.add_argument('--threshold', default='0', help='least score of a segment')

if __name__ == '__main__':
    args, more = parser.parse_known_args()
    if args.label:
        more += ['--label-map', args.label]
    main(
        [
            *('segment', args.video_path, args.config, args.checkpoint, *more),
            *('--out', str(Path(args.out_file).with_suffix(''))),
            *('--min-score', args.threshold),
        ]
    )
