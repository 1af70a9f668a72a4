"""Labels the recordings of a folder with a trained model, and plays them on a page.

    %(prog)s precog FOLDER

MODEL is the folder of a fit or a training, a checkpoint, or the name of a model that
comes with the package. FOLDER has videos, files of poses, or both. Missing poses are
estimated (--pose-estimator). The page is that of `mmskelseg studio`: it plays each
recording with its predicted labels, which you can correct and export. Its button
`Segment` also takes recordings that were added to the folder meanwhile.

Only this computer can open the page, and only with the address that is printed. The
page needs starlette, uvicorn and PyAV: pip install 'mmskelseg[app]'.
"""

import argparse
from pathlib import Path

from mmskelseg.commands.studio import KEPT, add_options, open_page
from mmskelseg.runtime.cli.command_line import command

EXAMPLES = """examples:
  # strikes and kicks in the videos of this folder, with a model of the package
  %(prog)s precog --pose-estimator rtmlib
  # a model of `mmskelseg fit`
  %(prog)s model new_videos
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('model', metavar='MODEL', help='trained model, or its name')
    parser.add_argument(
        'folder',
        metavar='FOLDER',
        type=Path,
        nargs='?',
        default=Path(),
        help='folder with videos, poses or both (default: the current one)',
    )
    add_options(parser)


main = command(__doc__, _add_arguments, open_page, EXAMPLES, kept=KEPT)
