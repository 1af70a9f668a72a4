"""Options, videos and folders of the layouts in which repositories share data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmskelseg.converters.options import BACKGROUND, Option
from mmskelseg.runtime.cli.command_line import whole_from
from mmskelseg.runtime.files.names import file_name
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.annotations import VideoAnnotation

# The skeleton of videos with features but no poses: one joint that is never seen.
NO_SKELETON: dict[str, object] = {'joints': ['none'], 'limbs': []}
# Id, feature file, features (T, ...) and class ids (T,) of a video.
Video = tuple[str, Path, np.ndarray, np.ndarray]

IMPORT_OPTIONS = (
    Option(
        '--sample',
        'keep only every Nth frame (default: %(default)s, all)',
        type=whole_from(1),
    ),
    Option(
        '--cut',
        'if the lengths of features and labels differ by up to N frames, cut the '
        'longer one (default: %(default)s)',
    ),
    Option(
        '--split',
        'the split that becomes train and test (default: %(default)s); if there are '
        'several, each also becomes a fold',
    ),
    BACKGROUND,
)
EXPORT_OPTIONS = (
    Option('out', 'folder to create', metavar='OUT'),
    Option(
        '--unlabelled',
        'class for frames without a label (default: such frames are an error)',
        metavar='NAME',
    ),
)


def read_videos(
    source: Path,
    labels: Mapping[str, Path],
    read: Callable[[Path], np.ndarray],
    read_label: Callable[[Path], np.ndarray],
    *,
    cut: int,
    sample: int,
    hint: str = '',
) -> Iterator[Video]:
    """Yield the videos of a layout.

    Args:
        source: Folder with ``features/VIDEO.npy``.
        labels: The label file of each video.
        read: Reads a feature file.
        read_label: Reads a label file.
        cut: Largest difference of both lengths, in frames.
        sample: 1 keeps all frames, 2 every second one, and so on.
        hint: Another possible reason for different lengths, for the message.

    Raises:
        UserError: If the lengths differ by more than ``cut``.
    """
    for name, path in labels.items():
        file = source / 'features' / f'{name}.npy'
        features, label = read(file), read_label(path)
        if abs(len(features) - len(label)) > cut:
            raise UserError(
                f'{file}: features of {len(features)} frames, but {path.name} has '
                f'{len(label)} labels; both must come from the same frames. If they '
                'only differ by a few frames at the end, --cut N cuts the longer one'
                f'{hint}.'
            )
        kept = slice(0, min(len(features), len(label)), sample)
        yield name, file, features[kept], label[kept]


@contextmanager
def saved_features(
    target: Path, videos: Iterable[Video], fps: float
) -> Iterator[list[VideoAnnotation]]:
    """Write features (T, D) for LoadFrameFeatures; yield annotations without poses.

    The folder ``target`` only appears if the block succeeds.

    Raises:
        UserError: If D differs between videos.
    """
    annotations: list[VideoAnnotation] = []
    width = None
    with folder_whole(target) as folder:
        for name, file, features, label in videos:
            frames, found = features.shape
            if width not in (None, found):
                raise UserError(
                    f'{file}: {found} features per frame, but the previous videos have '
                    f'{width}; take all from the same network or sensors.'
                )
            width = found
            array = np.ascontiguousarray(features, np.float32)
            np.save(folder / f'{file_name(name)}.npy', array)
            annotations.append(
                {
                    'frame_dir': name,
                    'total_frames': frames,
                    'img_shape': (1, 1),
                    'fps': fps,
                    'keypoint': np.zeros((1, frames, 1, 2), np.float32),
                    'keypoint_score': np.zeros((1, frames, 1), np.float32),
                    'label': label,
                }
            )
        yield annotations
    print(f'{width} features per frame in {target}')


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
