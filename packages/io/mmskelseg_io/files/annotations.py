"""Reading, checking and writing annotation files: MMAction2's skeleton pickle.

``docs/data_format.md`` describes the file. It is checked completely when it is read and
before it is written, so that the rest of the package can rely on it.
"""

import os
import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from mmskelseg_io.entry_points import function
from mmskelseg_io.files.annotation_checks import Files, check_annotations
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.clips import as_recordings
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.pickled_values import UnsafePickleError
from mmskelseg_io.files.pickles import load_pickle
from mmskelseg_io.messages.errors import MissingFileError, UserError, reads_file
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.individuals import apart
from mmskelseg_io.structures.observers import joined, of_each, of_videos
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.splits import folds_of
from mmskelseg_io.structures.tiers import flat_classes


@reads_file
def load_annotations(
    path: str | os.PathLike, *, observers: bool = False
) -> AnnotationFile:
    """Return the checked content of an annotation file, without running code from it.

    With ``observers``, videos keep the labels of their observers, beside ``label``.

    Raises:
        FileNotFoundError: If the file or its folder is missing.
        ValueError: If the file cannot be read, would run code, or violates the format;
            the message names the file, the video and the value.
    """
    data = _checked(Path(path))
    found = apart(joined(data))
    labels = of_videos(_apart_of_each(data)) if observers else {}
    for video in found['annotations']:
        if video['frame_dir'] in labels:
            video['observers'] = labels[video['frame_dir']]
    return found


@reads_file
def load_observers(path: str | os.PathLike) -> dict[str, AnnotationFile]:
    """Return what each observer of an annotation file has labelled, by name.

    There are none if no video has ``observers``, and no splits. For errors, see
    :func:`load_annotations`.
    """
    return _apart_of_each(_checked(Path(path)))


def _apart_of_each(data: AnnotationFile) -> dict[str, AnnotationFile]:
    return {who: apart(own) for who, own in of_each(data).items()}


def _checked(path: Path) -> AnnotationFile:
    if path.is_dir():
        file = path / 'annotations.pkl'
        what = f'name the file in it, {file}'
        if not file.is_file():
            what = f'it has no {file.name}; `mmskelseg doctor {path}` says what it has'
        raise MissingFileError(f'{path}: this is a folder; {what}.')
    try:
        regular_file(path)
    except MissingFileError:
        raise MissingFileError(f'{path}: {_absence(path)}') from None
    data, note = as_recordings(load_pickle(path), path)
    if note:
        _say(note)
    check_annotations(data, str(path))
    if 'places' in data['metainfo']:
        for video in data['annotations']:
            video.setdefault('places', data['metainfo']['places'])
    if 'tiers' in data['metainfo']:
        data['metainfo']['classes'] = flat_classes(data['metainfo']['tiers'])
    return data


@cache
def _say(note: str) -> None:
    """Say something once, however often a program reads a file."""
    print_log(note)


def save_annotations(
    data: AnnotationFile,
    path: str | os.PathLike,
    *,
    source: str | os.PathLike | None = None,
    files: Files | None = None,
) -> None:
    """Check annotations and write them atomically.

    Missing folders are created. Messages name ``source``, by default ``path``, or one
    of ``files``; see :func:`check_annotations`.

    Raises:
        ValueError: If ``data`` violates the format or holds anything but NumPy arrays
            and built-in types. An existing file is then left unchanged.
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
    data: AnnotationFile, split: str, source: str = 'annotations'
) -> list[str]:
    """Return the ``frame_dir`` of each video in a split, in the order of the file.

    ``source`` names the annotations in messages, usually by their path.

    >>> split_names({'split': {'train': ['a'], 'test': ['b']}}, 'test')
    ['b']
    """
    if split not in data['split']:
        raise UserError(
            f'{source}: there is no split {split!r}; choose one of '
            f'{", ".join(data["split"])}.'
        )
    return list(data['split'][split])


def folds(data: AnnotationFile) -> list[str]:
    """Return the names of the folds besides ``train`` and ``test``, in file order.

    >>> folds({'split': {'train': [], 'test': [], 'a/train': [], 'a/test': []}})
    ['a']
    """
    return [name for name in folds_of(data['split']) if name]


def fold_splits(data: AnnotationFile) -> list[tuple[str, str]]:
    """Return the names of both splits of each complete fold, the main fold first.

    >>> fold_splits({'split': {'train': ['a'], 'test': ['b']}})
    [('train', 'test')]
    """
    return [*folds_of(data['split']).values()]


def _absence(path: Path) -> str:
    missing = 'file' if path.parent.is_dir() else f'folder {path.parent}'
    find = function('find_remedy')
    command = find and find(path.parent)
    if command:
        return f'there is no such {missing}; run `{command}` first.'
    return (
        f'there is no such {missing}; make it from keypoints and labels (`mmskelseg '
        f'convert keypoints KEYPOINTS... {path.parent} --labels LABELS...`, '
        'docs/own_data.md), or with another converter (`mmskelseg convert --help`).'
    )


def videos_of_split(
    data: AnnotationFile,
    split: str,
    path: str | os.PathLike,
    video_folder: str | os.PathLike | None = None,
) -> list[VideoAnnotation]:
    """Return the videos of a split, with the full path of each video file.

    Each ``filename`` is relative to ``video_folder``, by default that of ``path``, the
    annotation file.

    Raises:
        UserError: If there is no such split.
    """
    by_name = {video['frame_dir']: video for video in data['annotations']}
    videos = [by_name[name].copy() for name in split_names(data, split, str(path))]
    folder = Path(path).parent if video_folder is None else video_folder
    for video in videos:
        if 'filename' in video:
            video['filename'] = os.path.join(folder, video['filename'])
    return videos


def labelled_videos(
    videos: Sequence[VideoAnnotation], split: str, path: str | os.PathLike
) -> list[VideoAnnotation]:
    """Return the videos of a split, or of a part of it, that have a label.

    Raises:
        UserError: If there are none.
    """
    found = [video for video in videos if (video['label'] != IGNORED).any()]
    if not found:
        raise UserError(
            f'{path}: no frame of split {split!r} has a label (all are -1); add a '
            'labelled video to it, or choose another split.'
        )
    return found
