"""Frame features on disk, named by all that they were made from."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.fileio.names import file_name
from mmskelseg.utils.errors import UserError

# Raised when the same settings come to give other features.
_VERSION = 1


class FeatureStore:
    """A folder with the features of one modality, a file for each video.

    Both the folder's and the files' names carry a digest: the folder's of the settings
    (renderer, encoder and its weights), a file's of the video's own data. So a changed
    setting or a corrected skeleton never meets old features.

    Args:
        root: Folder of all features of a data set.
        modality: Key of the modality.
        settings: Plain values of all that decides the features besides the data; kept
            as ``settings.json`` beside the files for people to read.
    """

    def __init__(
        self, root: Path | str, modality: str, settings: Mapping[str, Any]
    ) -> None:
        self.settings = json.dumps(
            {'version': _VERSION, **settings}, indent=2, sort_keys=True
        )
        digest = hashlib.sha256(self.settings.encode()).hexdigest()
        self.folder = Path(root) / f'{modality}-{digest[:16]}'

    def path(self, video_id: str, data: Iterable[np.ndarray]) -> Path:
        """Return the file for a video's features, whether it is there or not.

        Args:
            video_id: The video's ``frame_dir``.
            data: The arrays that the features are made from.
        """
        digest = hashlib.sha256()
        for array in data:
            digest.update(f'{array.dtype.str}{array.shape}'.encode())
            digest.update(np.ascontiguousarray(array).data)
        return self.folder / f'{file_name(video_id)}-{digest.hexdigest()[:16]}.npy'

    def write(self, path: Path, num_frames: int, blocks: Iterable[np.ndarray]) -> None:
        """Write features as they come, and name the file when it is whole.

        Args:
            path: As from :meth:`path`.
            num_frames: The number of frames of all blocks together.
            blocks: Arrays of shape (frames, C).
        """
        settings = self.folder / 'settings.json'
        if not settings.exists():
            with atomic_write(settings) as file:
                file.write(self.settings.encode())
        with atomic_write(path) as file:
            begin = 0
            for block in blocks:
                if begin == 0:
                    _write_header(file, num_frames, block)
                file.write(np.ascontiguousarray(block).data)
                begin += len(block)
            assert begin == num_frames, f'{path}: {begin} of {num_frames} frames'


def load_features(path: Path | str) -> np.ndarray:
    """Return features of shape (T, C), float32 or float16, mapped from their file.

    Raises:
        ValueError: If the file is not whole.
    """
    try:
        return np.load(path, mmap_mode='r', allow_pickle=False)
    except (ValueError, EOFError, TokenError) as error:
        raise UserError(
            f'{path}: the feature file is cut short or damaged; delete it, and it is '
            'made again.'
        ) from error


def _write_header(file: Any, num_frames: int, block: np.ndarray) -> None:
    np.lib.format.write_array_header_1_0(
        file,
        {
            'descr': np.lib.format.dtype_to_descr(block.dtype),
            'fortran_order': False,
            'shape': (num_frames, *block.shape[1:]),
        },
    )
