"""What the layouts that repositories share have in common: options, frames, folders."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mmskelseg.fileio.names import file_name
from mmskelseg.utils.command_line import whole, whole_from
from mmskelseg.utils.errors import UserError

# Of videos that have features of others and no poses: a joint that is never seen.
NO_SKELETON = {'joints': ['none'], 'limbs': []}


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Add --sample, --cut, --split and --background."""
    parser.add_argument(
        '--sample',
        type=whole_from(1),
        default=1,
        metavar='N',
        help='keep every Nth frame alone (default: %(default)s, all)',
    )
    parser.add_argument(
        '--cut',
        type=whole,
        default=0,
        metavar='N',
        help='where features and labels differ by up to N frames, cut the longer '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--split',
        type=whole,
        default=1,
        metavar='N',
        help='the split that becomes train and test (default: %(default)s); where '
        'there are several, each is a fold as well',
    )
    parser.add_argument(
        '--background', metavar='NAME', help='class that Edit and F1 leave out'
    )


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add OUT and --unlabelled."""
    parser.add_argument('out', metavar='OUT', type=Path, help='folder to make')
    parser.add_argument(
        '--unlabelled',
        metavar='NAME',
        help='class of the frames without a label (default: such frames are refused)',
    )


def kept_frames(
    source: Path,
    frames: int,
    labels: Path,
    count: int,
    args: argparse.Namespace,
    hint: str = '',
) -> slice:
    """Return which frames --cut and --sample leave of a video.

    Args:
        source: The file of the features.
        frames: How many frames it has.
        labels: The file of the labels.
        count: How many it has.
        args: The command line.
        hint: What else may be wrong, for the message.

    Raises:
        UserError: If the two differ by more than --cut.
    """
    if abs(frames - count) > args.cut:
        raise UserError(
            f'{source}: features of {frames} frames, but {labels.name} has {count} '
            'labels; both must come from the same frames. Where they differ by a few '
            f'at the end, --cut N cuts the longer{hint}.'
        )
    return slice(0, min(frames, count), args.sample)


def without_poses(name: str, label: np.ndarray, fps: float) -> dict[str, Any]:
    """Return the annotation of a video of ``NO_SKELETON``."""
    return {
        'frame_dir': name,
        'total_frames': len(label),
        'img_shape': (1, 1),
        'fps': fps,
        'keypoint': np.zeros((1, len(label), 1, 2), np.float32),
        'keypoint_score': np.zeros((1, len(label), 1), np.float32),
        'label': label,
    }


def save_features(
    folder: Path, name: str, features: np.ndarray, source: Path, width: int | None
) -> int:
    """Write a video's features (T, D) for LoadFrameFeatures; return D.

    Raises:
        UserError: If D is not the ``width`` of the videos before; it names ``source``.
    """
    if width not in (None, features.shape[1]):
        raise UserError(
            f'{source}: {features.shape[1]} features a frame, but the videos before '
            f'have {width}; take all from the same network or sensors.'
        )
    array = np.ascontiguousarray(features, np.float32)
    np.save(folder / f'{file_name(name)}.npy', array)
    return features.shape[1]


@contextmanager
def folder_whole(folder: Path) -> Iterator[Path]:
    """Make a folder to fill, which replaces the one of this name when all went well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix='.', dir=folder.parent) as aside:
        new = Path(aside, 'new')
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(Path(aside, 'old'))
        new.rename(folder)


@contextmanager
def folder_new(folder: Path) -> Iterator[Path]:
    """Make a folder to fill, which is there when all went well, if it is not yet."""
    if folder.exists():
        raise UserError(
            f'{folder}: exists already; name a new folder, or delete this one.'
        )
    with folder_whole(folder) as new:
        yield new
