"""Convert 3D poses and frame-wise labels of TUM-Kitchen."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmskelseg.converters import lcr_release
from mmskelseg.converters.data_sets import DataSet
from mmskelseg.converters.shared_layout import read_classes, read_label
from mmskelseg_io.converters import building
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import MissingFileError
from mmskelseg_io.messages.options import argument, grouped, option

EXAMPLES = """examples:
  # the old public labels beside your poses; every fifth video is for testing
  %(prog)s data/tum_kitchen/raw data/tum_kitchen
  # other labels, with the names of their classes, and your own test videos
  %(prog)s RAW data/tum_kitchen \\
      --labels RELABELLED --classes names.txt --test 04,08,12,16
"""
LABELS = ('Labels_TUM', 'Labels/ClassNumber', 'Labels')
CLASSES = {i: f'class_{i:02d}' for i in range(1, 22)}
DATA = DataSet('tum_kitchen', 'lcr15', up='z')
FPS = 25.0


def find_parts(root: Path, labels: Path | None) -> dict[str, str]:
    """Return the path of each key's files relative to ``root``, with NN for the id.

    Raises:
        MissingFileError: If there is no folder of labels.
    """
    poses = root / 'Poses'
    building.check_folder(poses, 'it must contain NN_pose3d.npy for each video')
    choices = [labels.absolute()] if labels else [root / name for name in LABELS]
    folder = next((choice for choice in choices if choice.is_dir()), None)
    if folder is None:
        raise MissingFileError(
            f'{", ".join(map(str, choices))}: no such folder; name the one with '
            'NN.txt for each video with --labels.'
        )
    suffix = '_pose3d' if any(poses.glob('*_pose3d.npy')) else ''
    # An absolute path stays the same when it is joined to the root.
    parts = {
        'keypoint': f'Poses/NN{suffix}.npy',
        'label': f'{folder.absolute()}/NN.txt',
    }
    if (root / 'RebaScoreFrameWise').is_dir():
        parts['risk'] = 'RebaScoreFrameWise/NN.txt'
    return parts


@dataclass(frozen=True, kw_only=True)
class ConvertTUMKitchen(lcr_release.LCRConverter):
    """Convert 3D poses and frame-wise labels of TUM-Kitchen.

    SRC contains poses and labels for each of the 19 videos:

        Poses/NN_pose3d.npy      (T, 15, 3) joints of LCR-Net in metres, or Poses/NN.npy
        Labels_TUM/NN.txt        a line for each frame: a class id from 1 to 21
        RebaScoreFrameWise/NN.txt    a risk score for each frame, if the folder exists

    Labels may also be in Labels/ClassNumber, in Labels, or in the folder given by
    --labels. With --classes, a line may be a name or an id, and there may be any number
    of classes. docs/datasets/tum_kitchen.md describes the releases and our assumptions.
    """

    examples = EXAMPLES
    source: Path = argument('folder with Poses and the labels', metavar='SRC')
    test: str | None = option(
        'test videos (default: every fifth)', None, metavar='NN,NN'
    )
    labels: Path | None = option(
        f'folder of the labels (default: the first of SRC/{{{",".join(LABELS)}}})', None
    )
    classes: Path | None = option(
        'names of the classes: a line `ID NAME` for each, with ids from 1, or only '
        'names in the order of ids (default: class_01 to class_21)',
        None,
    )
    given: building.ReleaseOptions = grouped(default=building.ReleaseOptions(FPS))

    def run(self, events: Events) -> Path:
        """Write the annotation file of a release."""
        root = self.source
        files = lcr_release.find_files(root, find_parts(root, self.labels))
        names = read_classes(self.classes, first=1) if self.classes else CLASSES
        meta = DATA.metainfo({'classes': list(names.values())})
        if not self.test:
            own = 'every fifth video is for testing: no release has a split'
            meta['assumed'] = {'split': own}
        split = building.choose_split(self.test, lcr_release.videos_of(files), root)
        read = partial(read_label, classes=names)
        return self.write(root, files, read, split, meta, events)


main = ConvertTUMKitchen.main
