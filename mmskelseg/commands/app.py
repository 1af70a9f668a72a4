"""Segments videos, or skeletons of videos, on a web page.

    %(prog)s
    %(prog)s work_dirs/mine --pose-estimator rtmlib

Open the printed address. On the page, drop a video, a file of keypoints, or both,
choose a model and press Segment. The page shows the video with skeleton and labels, a
timeline to click and drag, and the files that `mmskelseg segment` writes.

CHECKPOINTS is a checkpoint, or a folder of training runs; the page offers all of its
.pth files. Without it, the page offers the training runs in work_dirs and the models
that come with the package, so it works before any training.
A model that reads skeletons needs the keypoints of a video: a file from MMPose,
MediaPipe, DeepLabCut, SLEAP or others, or else they are estimated (--pose-estimator).

Without --host and --share, only this computer can open the page, and the page contacts
no other computer. Inputs and results are deleted at the end. The page needs gradio and
PyAV: pip install 'gradio>=6.31' 'av>=18'.
"""

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from mmskelseg.commands.arguments import device
from mmskelseg.runtime.cli.arguments import (
    add_device,
    add_ensemble,
    add_pose_estimator_arguments,
    pose_estimator,
)
from mmskelseg.runtime.cli.command_line import command, whole_from
from mmskelseg.runtime.messages.dependencies import Dependency
from mmskelseg.runtime.poses.estimators.estimator import require

EXAMPLES = """examples:
  # all training runs in work_dirs, and the models that come with the package
  %(prog)s
  # one training run, with keypoints from RTMPose, on the CPU
  %(prog)s work_dirs/mine --pose-estimator rtmlib --device cpu
  # for others in the local network, at http://ADDRESS:8000
  %(prog)s --host 0.0.0.0 --port 8000
"""
NEEDED = (Dependency('gradio', '6.31'), Dependency('av', '18'))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'checkpoints',
        metavar='CHECKPOINTS',
        nargs='?',
        help='folder of training runs, or one checkpoint (default: work_dirs, and the '
        'models that come with the package)',
    )
    add_ensemble(parser)
    parser.add_argument(
        '--config', help='config, or its name, for checkpoints that contain none'
    )
    add_pose_estimator_arguments(parser)
    add_device(parser, device)
    group = parser.add_argument_group('who can see the page')
    group.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; 0.0.0.0 lets everybody in the local network see '
        'and use the page (default: %(default)s, only this computer)',
    )
    group.add_argument(
        '--port',
        type=whole_from(1, 65535),
        help='port (default: the first free one from 7860)',
    )
    group.add_argument(
        '--share',
        action='store_true',
        help="create a public address for a few days, through gradio's servers, which "
        'can then see the inputs (default: off)',
    )


def _run(args: argparse.Namespace) -> None:
    from mmskelseg.apis.web_page.page import PageSegmenter, launch_page

    with TemporaryDirectory(prefix='mmskelseg-') as folder:
        require('The page', "run `pip install 'gradio>=6.31' 'av>=18'`", *NEEDED)
        os.environ['GRADIO_TEMP_DIR'] = str(Path(folder, 'uploads'))
        segmenter = PageSegmenter(
            args.checkpoints,
            Path(folder, 'results'),
            ensemble=args.ensemble,
            config=args.config,
            device=args.device,
            pose_estimator=pose_estimator(args),
        )
        page = launch_page(segmenter, host=args.host, port=args.port, share=args.share)
        print(f'The page is at {page.share_url or page.local_url}', flush=True)
        print('Press Ctrl+C to stop it and delete inputs and results.', flush=True)
        page.block_thread()


main = command(
    __doc__,
    _add_arguments,
    _run,
    EXAMPLES,
    kept='inputs and results were deleted; run the same command to start again.',
)
