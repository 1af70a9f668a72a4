"""Frame features on disk: their file names depend on all inputs and settings."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.dist import barrier, get_rank, get_world_size

from mmskelseg_io.files.arrays import read_npy, write_npy
from mmskelseg_io.files.atomic import atomic_write, atomic_write_text
from mmskelseg_io.files.names import file_name
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.progress import progress_bar
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_runtime.features.recipe import FeatureRecipe

# Increase this whenever the same settings give different features.
_VERSION = 1
# The most bytes of a feature file that are checked before each training.
_CHECKED_BYTES = 1 << 26


class FeatureStore:
    """A folder with the features of one modality, one file for each video.

    The folder's name contains a digest of the settings (renderer, encoder and its
    weights), a file's name a digest of the video's data. So features are never reused
    after a setting changes or a skeleton is corrected. The folder is in ``root``, that
    of all features of a data set; ``settings.json`` in it is for people to read.
    """

    def __init__(
        self, root: Path | str, modality: str, settings: Mapping[str, object]
    ) -> None:
        self.settings = json.dumps(
            {'version': _VERSION, **settings}, indent=2, sort_keys=True
        )
        digest = hashlib.sha256(self.settings.encode()).hexdigest()
        self.folder = Path(root) / f'{modality}-{digest[:16]}'

    def path(self, video_id: str, data: Iterable[np.ndarray]) -> Path:
        """Return the path for the features of a video's data; it need not exist."""
        digest = hashlib.sha256()
        for array in data:
            digest.update(f'{array.dtype.str}{array.shape}'.encode())
            digest.update(np.ascontiguousarray(array).data)
        return self.folder / f'{file_name(video_id)}-{digest.hexdigest()[:16]}.npy'

    def write(self, path: Path, num_frames: int, blocks: Iterable[np.ndarray]) -> None:
        """Write blocks of features (n, C) one by one, ``num_frames`` frames in all."""
        settings = self.folder / 'settings.json'
        if not settings.exists():
            atomic_write_text(settings, self.settings)
        with atomic_write(path) as file:
            write_npy(file, num_frames, blocks)


def load_features(path: Path | str) -> np.ndarray:
    """Return features (T, C), float32 or float16, memory-mapped from their file.

    Raises:
        ValueError: If the file is incomplete or holds other values.
    """
    try:
        features = read_npy(path)
    except MissingFileError:
        raise
    except UserError as error:
        raise UserError(
            f'{path}: the feature file is cut short or damaged; delete it, and it will '
            'be regenerated.'
        ) from error
    if features.dtype.kind != 'f':
        raise UserError(
            f'{path}: holds {features.dtype} values, but features are floating-point '
            'numbers; delete it, and it will be regenerated, or save the array as '
            'float32.'
        )
    return features


def ensure_features(
    root: Path, recipe: FeatureRecipe, videos: Sequence[VideoAnnotation]
) -> list[Path]:
    """Return the feature file of each video, after making those that are missing.

    They are in a folder within ``root``. An interrupted run loses only the video in
    progress. In a distributed run, the ranks share the videos.

    Raises:
        MissingFileError: If a video file is missing.
        UserError: If a video or a feature file is faulty.
    """
    store = FeatureStore(root, recipe.modality, recipe.settings())
    paths = [store.path(v['frame_dir'], recipe.source(v)) for v in videos]
    # Divided by index among all videos, since another rank may already have made some.
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    mine = [i for i in missing if i % get_world_size() == get_rank()]
    for i in missing:
        recipe.check(videos[i])
    if mine:
        recipe.load()
        frames = sum(videos[i]['total_frames'] for i in mine)
        print_log(
            f'Making {recipe.modality} features of {counted(len(mine), "video")} '
            f'({counted(frames, "frame")}) in {store.folder}; later runs find them '
            'there.',
        )
        # Only one rank shows a bar, since all of them write to the same terminal.
        title, shown = f'Making {recipe.modality} features', get_rank() == 0
        with progress_bar(title, frames, shown) as count:
            for i in mine:
                blocks = recipe.make(videos[i], count)
                store.write(paths[i], videos[i]['total_frames'], blocks)
    barrier()
    for path, video in zip(paths, videos, strict=True):
        features = load_features(path)
        if features.ndim < 2 or len(features) != video['total_frames']:
            raise UserError(
                f'{path}: holds an array of shape {features.shape}, but video '
                f'{video["frame_dir"]} needs {video["total_frames"]} frames of '
                'features; delete the file, and it will be regenerated.'
            )
        _check_finite(features, path)
    return paths


def _check_finite(features: np.ndarray, path: Path) -> None:
    """Raise a UserError if a feature is not finite; long videos are only sampled."""
    step = max(1, features.nbytes // _CHECKED_BYTES)
    wrong = ~np.isfinite(features[::step]).reshape(-(-len(features) // step), -1)
    if wrong.any():
        frame = int(wrong.any(axis=1).argmax()) * step
        raise UserError(
            f'{path}: the features of frame {frame} are not finite; delete the file, '
            'and it will be regenerated.'
        )
