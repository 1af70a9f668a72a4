"""Opens a page on which you label recordings, train a model, and correct it.

    %(prog)s FOLDER

FOLDER has videos, files of poses, or both, also in folders within it, or an
annotations.pkl. Labels of all formats that `mmskelseg convert keypoints` reads are
taken over. The page opens in the browser: press the key of a class where it begins and
again where it ends, train a model on what is labelled, check what it is least sure of,
and train again. Labels are saved after each change, in FOLDER/studio.json; models and
exported files go to FOLDER/studio.

Only this computer can open the page, and only with the address that is printed. The
page needs starlette, uvicorn and PyAV: pip install 'mmskelseg[app]'.
"""

import argparse
from functools import partial
from pathlib import Path

from mmskelseg.runtime.cli.command_line import command, whole_from
from mmskelseg.runtime.cli.declared import add_fields, from_options
from mmskelseg.runtime.inputs import PoseInput
from mmskelseg.runtime.messages.dependencies import Dependency
from mmskelseg.runtime.poses.estimators.estimator import require
from mmskelseg.runtime.structures.tiers import tiers_of
from mmskelseg.studio.folder import open_folder

EXAMPLES = """examples:
  # videos and the poses of a tracker, whose files do not state their rate
  %(prog)s mice --fps 30
  # an annotation file whose labels are left aside
  %(prog)s data/precog --ignore-labels
"""
_POSES = ('fps', 'person', 'kpt_thr')
NEEDED = (Dependency('starlette', '0.40'), Dependency('uvicorn', '0.30'))
KEPT = 'labels and finished trainings are kept; the same command opens them again.'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'folder', metavar='FOLDER', type=Path, help='folder with videos, poses or both'
    )
    parser.set_defaults(model=None)
    add_options(parser)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a page, but for the folder."""
    parser.add_argument(
        '--ignore-labels',
        action='store_true',
        help='leave the labels of files aside, and begin with none',
    )
    add_fields(parser, PoseInput, *_POSES)
    parser.add_argument(
        '--pose-estimator',
        default='mediapipe',
        metavar='NAME',
        help='estimator for videos without poses, as for `mmskelseg poses` (default: '
        '%(default)s)',
    )
    parser.add_argument(
        '--port',
        type=whole_from(1, 65535),
        help='port (default: the first free one from 7870)',
    )
    parser.add_argument(
        '--no-browser', action='store_true', help='print the address, open no browser'
    )


def open_page(args: argparse.Namespace) -> None:
    """Serve the page of a folder, with the model of the arguments, if there is one."""
    require('The page', "run `pip install 'mmskelseg[app]'`", *NEEDED)
    # It imports starlette and uvicorn.
    from mmskelseg.studio.server import serve

    tiers = None
    if args.model is not None:
        # It imports PyTorch.
        from mmskelseg.studio.predicting import open_model

        tiers = tiers_of(open_model(args.model).metainfo)
    open_ = partial(
        open_folder,
        args.folder,
        from_options(PoseInput, vars(args), *_POSES),
        ignore_labels=args.ignore_labels,
        tiers=tiers,
    )
    browser = not args.no_browser
    serve(open_, args.pose_estimator, args.port, args.model, browser=browser)


main = command(
    __doc__,
    _add_arguments,
    open_page,
    EXAMPLES,
    kept=KEPT,
)
