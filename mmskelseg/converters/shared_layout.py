"""Options, frames and folders of the layouts in which repositories share data."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmskelseg.converters.options import option
from mmskelseg.runtime.cli.command_line import whole, whole_from
from mmskelseg.runtime.files.names import file_name
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.annotations import VideoAnnotation

# The skeleton of videos with features but no poses: one joint that is never seen.
NO_SKELETON: dict[str, object] = {'joints': ['none'], 'limbs': []}


IMPORT_OPTIONS = (
    option(
        '--sample',
        'keep only every Nth frame (default: %(default)s, all)',
        type=whole_from(1),
        metavar='N',
    ),
    option(
        '--cut',
        'if the lengths of features and labels differ by up to N frames, cut the '
        'longer one (default: %(default)s)',
        type=whole,
        metavar='N',
    ),
    option(
        '--split',
        'the split that becomes train and test (default: %(default)s); if there are '
        'several, each also becomes a fold',
        type=whole,
        metavar='N',
    ),
    option('--background', 'class that Edit and F1 ignore', metavar='NAME'),
)
EXPORT_OPTIONS = (
    option('out', 'folder to make', metavar='OUT', type=Path),
    option(
        '--unlabelled',
        'class for frames without a label (default: such frames are an error)',
        metavar='NAME',
    ),
)


def kept_frames(
    source: Path,
    frames: int,
    labels: Path,
    count: int,
    cut: int,
    sample: int,
    hint: str = '',
) -> slice:
    """Return the frames of a video that are kept.

    Args:
        source: The feature file.
        frames: Its number of frames.
        labels: The label file.
        count: Its number of labels.
        cut: By how many frames the lengths may differ.
        sample: Every how manieth frame is kept.
        hint: Another possible fault, for the message.

    Raises:
        UserError: If the lengths differ by more than --cut.
    """
    if abs(frames - count) > cut:
        raise UserError(
            f'{source}: features of {frames} frames, but {labels.name} has {count} '
            'labels; both must come from the same frames. If they only differ by a few '
            f'frames at the end, --cut N cuts the longer one{hint}.'
        )
    return slice(0, min(frames, count), sample)


def without_poses(name: str, label: np.ndarray, fps: float) -> VideoAnnotation:
    """Return the annotation of a video without poses, for ``NO_SKELETON``."""
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
    """Write a video's features (T, D) for LoadFrameFeatures, and return D.

    Args:
        folder: Folder of the features.
        name: The video's id.
        features: The features.
        source: File that they were read from, for the message.
        width: D of the previous videos, None for the first one.

    Raises:
        UserError: If D is not ``width``.
    """
    if width not in (None, features.shape[1]):
        raise UserError(
            f'{source}: {features.shape[1]} features per frame, but the previous '
            f'videos have {width}; take all from the same network or sensors.'
        )
    array = np.ascontiguousarray(features, np.float32)
    np.save(folder / f'{file_name(name)}.npy', array)
    return features.shape[1]


@contextmanager
def folder_whole(folder: Path) -> Iterator[Path]:
    """Yield a new folder, which replaces the one of this name if the block succeeds."""
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
    """Yield a new folder, which gets this name if the block succeeds.

    Raises:
        UserError: If a folder of this name exists.
    """
    if folder.exists():
        raise UserError(
            f'{folder}: exists already; name a new folder, or delete this one.'
        )
    with folder_whole(folder) as new:
        yield new
