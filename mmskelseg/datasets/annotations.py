"""Reading, checking and writing of annotation files: MMAction2's skeleton pickle.

``docs/data_format.md`` describes the file. It is checked as a whole when it is read and
before it is written, so that the rest of the package need not ask again.
"""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskelseg.datasets.annotation_checks import Files, check_annotations
from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.fileio.pickles import UnsafePickleError, load_pickle
from mmskelseg.utils.errors import MissingFileError, UserError


def load_annotations(path: str | os.PathLike) -> dict[str, Any]:
    """Return the checked content of an annotation file, without running code from it.

    Raises:
        FileNotFoundError: If the file or its folder is missing.
        ValueError: If it cannot be read, would run code, or breaks the format; the
            message names the file, the video and the value.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f'{path}: {_absence(path)}')
    data = load_pickle(path)
    check_annotations(data, str(path))
    return data


def save_annotations(
    data: dict[str, Any],
    path: str | os.PathLike,
    *,
    source: str | os.PathLike | None = None,
    files: Files | None = None,
) -> None:
    """Check annotations and write them, so that the file is whole or not there at all.

    Args:
        data: ``split``, ``annotations`` and ``metainfo``, as in docs/data_format.md.
        path: The file to write; missing folders are made.
        source: Where the data come from, for messages; by default ``path``.
        files: Files that parts come from, as :func:`check_annotations` takes them.

    Raises:
        ValueError: If ``data`` breaks the format or holds anything but NumPy arrays
            and built-in types. A file that was there before stays as it is.
    """
    path = Path(path)
    check_annotations(data, str(source or path), files)
    try:
        with atomic_write(path) as file:
            pickle.dump(data, file, protocol=4)
            file.flush()
            load_pickle(file.name)
    except UnsafePickleError:
        raise UserError(
            f'{path}: not written, because the annotations hold something other than '
            'NumPy arrays and built-in types; convert it to one of those.'
        ) from None


def split_names(
    data: dict[str, Any], split: str, source: str = 'annotations'
) -> list[str]:
    """Return the ``frame_dir`` of each video in a split, in the order of the file.

    Args:
        data: Annotations as ``load_annotations`` returns them.
        split: ``train``, ``test`` or ``<fold>/train``, ``<fold>/test``.
        source: What to call the annotations in the message, as a rule their path.

    >>> split_names({'split': {'train': ['a'], 'test': ['b']}}, 'test')
    ['b']
    """
    if split not in data['split']:
        raise UserError(
            f'{source}: there is no split {split!r}; choose one of '
            f'{", ".join(data["split"])}.'
        )
    return list(data['split'][split])


def folds(data: Mapping[str, Any]) -> list[str]:
    """Return the names of the folds beside ``train`` and ``test``, in file order.

    >>> folds({'split': {'train': [], 'test': [], 'a/train': [], 'a/test': []}})
    ['a']
    """
    names = data['split']
    return [name.removesuffix('/test') for name in names if name.endswith('/test')]


def fold_splits(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names of the two splits of each fold that is whole, the main first.

    >>> fold_splits({'split': {'train': ['a'], 'test': ['b']}})
    [('train', 'test')]
    """
    prefixes = ['', *(f'{fold}/' for fold in folds(data))]
    pairs = [(f'{prefix}train', f'{prefix}test') for prefix in prefixes]
    return [pair for pair in pairs if set(pair) <= data['split'].keys()]


def _absence(path: Path) -> str:
    if path.is_dir():
        return f'this is a folder; name the file in it, {path / "annotations.pkl"}.'
    missing = 'file' if path.parent.is_dir() else f'folder {path.parent}'
    return (
        f'there is no such {missing}; make it with a converter of '
        f'tools/dataset_converters, such as `toy.py OUT` or `uwiom.py SRC OUT` with '
        f'OUT {path.parent}, or from your own data as in docs/data_format.md.'
    )


def videos_of_split(
    data: dict[str, Any],
    split: str,
    path: str | os.PathLike,
    video_folder: str | os.PathLike | None = None,
) -> list[dict[str, Any]]:
    """Return the videos of a split, with the whole path of each video file.

    Args:
        data: The content of an annotation file.
        split: Name of the split.
        path: The annotation file.
        video_folder: The folder that each ``filename`` is in; by default that of the
            annotation file.

    Raises:
        UserError: If there is no such split.
    """
    by_name = {video['frame_dir']: video for video in data['annotations']}
    folder = Path(path).parent if video_folder is None else video_folder
    videos = [dict(by_name[name]) for name in split_names(data, split, str(path))]
    for video in videos:
        if 'filename' in video:
            video['filename'] = os.path.join(folder, video['filename'])
    return videos
