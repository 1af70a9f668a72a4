"""Convert 3D poses and frame-wise labels of TUM-Kitchen to mmskelseg's annotation file.

SRC contains poses and labels for each of the 19 videos:

    Poses/NN_pose3d.npy      (T, 15, 3) joints of LCR-Net in metres, or Poses/NN.npy
    Labels_TUM/NN.txt        a line for each frame: a class id from 1 to 21
    RebaScoreFrameWise/NN.txt    a risk score for each frame, if the folder exists

Labels may also be in Labels/ClassNumber, in Labels, or in the folder given by --labels.
With --classes, a line may be a name or an id, and there may be any number of classes.
docs/datasets/tum_kitchen.md describes the releases and our assumptions.
"""

from functools import partial
from pathlib import Path
from typing import Annotated

from mmskelseg.converters import building, lcr_release, options
from mmskelseg.converters.data_sets import DataSet
from mmskelseg.converters.shared_layout import read_classes, read_label
from mmskelseg.runtime.messages.errors import MissingFileError
from mmskelseg.runtime.messages.options import Option

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
RELEASE = options.ReleaseOptions(fps=25.0)


def find_parts(root: Path, labels: Path | None) -> dict[str, str]:
    """Return the path of each key's files relative to ``root``, with NN for the id."""
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


def convert(
    source: Annotated[Path, options.source('folder with Poses and the labels')],
    out: options.Out,
    *,
    test: Annotated[str | None, options.test('NN,NN', 'every fifth')] = None,
    labels: Annotated[
        Path | None,
        Option(
            f'folder of the labels (default: the first of SRC/{{{",".join(LABELS)}}})'
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        Option(
            'names of the classes: a line `ID NAME` for each, with ids from 1, or only '
            'names in the order of ids (default: class_01 to class_21)'
        ),
    ] = None,
    given: options.ReleaseOptions = RELEASE,
) -> None:
    """Write the annotation file of a release."""
    files = lcr_release.find_files(source, find_parts(source, labels))
    names = read_classes(classes, first=1) if classes else CLASSES
    meta = DATA.metainfo({'classes': list(names.values())})
    if not test:
        own = 'every fifth video is for testing: no release has a split'
        meta['assumed'] = {'split': own}
    lcr_release.convert(
        source, out, files, partial(read_label, classes=names),
        building.choose_split(test, lcr_release.videos_of(files), source), meta,
        given,
    )  # fmt: skip


CONVERTER = options.Converter(convert, examples=EXAMPLES)
