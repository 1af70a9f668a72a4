"""Labels the recordings of a folder with a trained model, and plays them on a page."""

from dataclasses import dataclass
from pathlib import Path

from mmskelseg_io.messages.options import argument
from mmskelseg_studio.commands.studio import OpenStudio

_EXAMPLES = """examples:
  # strikes and kicks in the videos of this folder, with a model of the package
  %(prog)s precog
  # a model of `mmskelseg fit`
  %(prog)s model new_videos
"""


@dataclass(frozen=True, kw_only=True)
class OpenApp(OpenStudio):
    """Labels the recordings of a folder with a trained model, and plays them on a page.

        %(prog)s precog FOLDER

    MODEL is the folder of a fit or a training, a checkpoint, an exported model, or the
    name of one that comes with the package. FOLDER has videos, files of poses, or both.
    Missing poses are estimated (--pose-estimator). The page is that of `mmskelseg
    studio`: it plays each recording with its predicted labels, which you can correct
    and export. Its button `Segment` also takes recordings that were added to the folder
    meanwhile.

    Only this computer can open the page, and only with the address that is printed.
    """

    examples = _EXAMPLES
    model: str = argument('trained model, or its name', metavar='MODEL')
    folder: Path = argument(
        'folder with videos, poses or both (default: the current one)',
        Path(),
        metavar='FOLDER',
    )


main = OpenApp.main
