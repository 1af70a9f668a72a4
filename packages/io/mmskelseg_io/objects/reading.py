"""What all readers of objects share: their formats, and the numbers of frames."""

import re
from collections.abc import Iterable, Sequence
from logging import WARNING
from pathlib import Path
from typing import Any, TypeVar

from mmskelseg_io.files.formats import FOLDER, Formats, suffix_of
from mmskelseg_io.files.inputs import look_into
from mmskelseg_io.files.names import find_named, numbered
from mmskelseg_io.files.parsing import FilePath, read_json, read_lines, read_text
from mmskelseg_io.messages.errors import (
    UserError,
    check_name,
    misfit,
    reading,
)
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.objects.found import FoundObjects
from mmskelseg_io.poses.reading import video_of as video_of_poses

Video = TypeVar('Video')
# Files of a sequence of MOTChallenge, whose folder has the name of the video.
_IN_SEQUENCES = ('gt', 'det')
# Files with the names of classes, which lie beside objects, or above them.
_CLASSES = ('data.yaml', 'classes.txt', 'labels.txt', 'obj.names')
# A cell of a table, of which those of boxes have so many at least.
_CELL, _COLUMNS = re.compile(r'[^\s,;]+'), 5


def _keys(path: Path) -> list[set[str]]:
    """Return the keys of a JSON file, and of the first object in it."""
    return [keys_of(read_json(path, 'the detector'))]


def keys_of(content: Any) -> set[str]:
    """Return the keys of an object and its first value, or '[]' and an item's keys.

    >>> sorted(keys_of([{'image_id': 1}]))
    ['[]', 'image_id']
    """
    inner = content
    if isinstance(content, dict):
        inner = list(content.values())
    first = inner[0] if isinstance(inner, list) and inner else None
    found = {*first} if isinstance(first, dict) else set()
    return found | ({*content} if isinstance(content, dict) else {'[]'})


def frame_files(folder: Path, suffix: str) -> dict[Path, tuple[str, int]]:
    """Return the files of frames in a folder, with names of videos and numbers.

    >>> frame_files(Path('none'), '.txt')
    {}
    """
    files = sorted(folder.glob(f'[!.]*{suffix}'))
    return {f: found for f in files if (found := numbered(f.name)) is not None}


def first_numbers(frames: Iterable[tuple[Video, int]]) -> dict[Video, int]:
    """Return the number of the first frame of each video, which may have no object.

    >>> first_numbers([('a', 3), ('b', 1), ('a', 4), ('b', 0)])
    {'a': 1, 'b': 0}
    """
    firsts: dict[Video, int] = {}
    for video, number in frames:
        firsts[video] = min(number, firsts.get(video, 1))
    return firsts


#: The formats of files of objects. A hint is the keys of a JSON file, the first line of
#: a table, or a folder.
OBJECT_FORMATS: Formats[list[FoundObjects]] = Formats(
    'objects',
    '--object-format',
    {
        '.json': _keys,
        **dict.fromkeys(
            ('.txt', '.csv'), lambda path: [read_text(path).lstrip().partition('\n')[0]]
        ),
        FOLDER: lambda path: [path],
    },
)


def read_objects(path: FilePath, format: str | None = None) -> list[FoundObjects]:
    """Return the objects of each video in a file or folder of any known format.

    ``FoundObjects.tracked`` makes arrays of them for a recording.

    Args:
        path: The file or folder.
        format: One of ``FORMATS``; by default recognised by name and content.

    Raises:
        RuntimeError: If a package for reading the format is missing.
        ValueError: If the format is unknown, or the file violates it.
    """
    return OBJECT_FORMATS.reader(path, format or OBJECT_FORMATS.recognise(path))(path)


def find_objects(
    paths: Sequence[Path], format: str | None = None
) -> list[FoundObjects]:
    """Return the objects of each video in files, or in folders of files."""
    kinds = f'file of objects ({", ".join(OBJECT_FORMATS.file_suffixes)})'
    files = look_into(paths, _is_objects, kinds)
    return [one for file in files for one in read_objects(file, format)]


def pair_objects(
    names: Sequence[str], found: Sequence[FoundObjects], *, skip: bool = False
) -> dict[str, FoundObjects]:
    """Return the objects of each recording, by the names of both.

    They have the name of a recording, or the only one that contains it or is a part of
    it; those of one video belong to a single recording, whatever their name, but there
    is a warning if it differs.

    Raises:
        UserError: If a recording has none, unless that is to be skipped, or several.
    """
    pairs = {}
    for name in names:
        own = find_named(name, [(one.name, one) for one in found]) or [
            one for one in found if find_named(one.name, [(name, one)])
        ]
        if len(own) == 1:
            pairs[name] = own[0]
        elif len(names) == len(found) == 1:
            pairs[name] = found[0]
            print_log(
                f'{name}: takes the objects of {found[0].name} ({found[0].source}), '
                'which has another name; check that they are of this recording.',
                WARNING,
            )
        elif own or not skip:
            files = ', '.join(
                f'{one.name} ({one.source})' for one in (own or found)[:3]
            )
            raise UserError(
                f'{name}: {len(own)} files of objects have this name, expected one; '
                f'there are those of {files}. Name them so; they may be empty.'
            )
    return pairs


def _is_objects(path: Path) -> bool:
    if not path.is_dir():
        is_classes = path.name in _CLASSES
        return suffix_of(path) in OBJECT_FORMATS.file_suffixes and not is_classes
    checks = OBJECT_FORMATS.suffixes[FOLDER].values()
    return any(is_own is not None and is_own(path) for is_own in checks)


def is_detected(path: Path) -> bool:
    """Return whether a file or folder has boxes of a detector or a tracker.

    Neither labels nor poses look so: numbers without a header, or keys of boxes alone.
    """
    if path.is_dir():
        files = [*frame_files(path, '.json'), *frame_files(path, '.txt')]
        return any(map(is_detected, files[:1]))
    try:
        if suffix_of(path) == '.json':
            (keys,) = _keys(path)
            is_boxes = {'[]', 'bbox'} <= keys or {'labels', 'bboxes'} <= keys
            return is_boxes and 'keypoints' not in keys
        first = read_lines(path)[0] if suffix_of(path) in OBJECT_FORMATS.hints else ''
        return len([float(cell) for cell in _CELL.findall(first)]) >= _COLUMNS
    except (ValueError, LookupError):
        return False


def video_of(path: FilePath) -> str:
    """Return the name of the video that a file or folder of objects belongs to.

    >>> video_of('MOT17-02/gt/gt.txt'), video_of('a/gt.txt'), video_of('b/labels')
    ('MOT17-02', 'a', 'b')
    """
    path = Path(path)
    if path.stem in _IN_SEQUENCES:
        folder = path.resolve().parent
        return (folder.parent if folder.name == path.stem else folder).name
    if path.name in ('labels', 'preds'):
        return path.resolve().parent.name
    return video_of_poses(path)


def class_names(folder: Path) -> list[str] | dict[int, str]:
    """Return the names of classes by number, from a file in a folder or above it.

    Without such a file, the list is empty; see :func:`class_name`.
    """
    places = [folder, *folder.resolve().parents[:2]]
    files = (place / name for place in places for name in _CLASSES)
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return []
    names = _names_in_yaml(file) if file.suffix == '.yaml' else read_lines(file)
    for name in names.values() if isinstance(names, dict) else names:
        check_name(name, f'{file}: the name of a class')
    return names


def _names_in_yaml(file: Path) -> dict[int, str]:
    import yaml

    with reading(file, yaml.YAMLError, RecursionError):
        content = yaml.safe_load(read_text(file))
        names = content['names']
        pairs = enumerate(names) if isinstance(names, list) else names.items()
        known = {int(number): name for number, name in pairs}
    wrong = [name for name in known.values() if not isinstance(name, str | int)]
    if wrong:
        raise misfit(file, 'one of names', wrong[0], 'the name of a class')
    return {number: str(name) for number, name in known.items()}


def class_name(names: list[str] | dict[int, str], number: int, first: int = 0) -> str:
    """Return the name of a class, or its number if it has no name.

    >>> class_name(['cup', 'box'], 1), class_name(['cup'], 1), class_name([], 7)
    ('box', '1', '7')
    """
    known = dict(enumerate(names, first)) if isinstance(names, list) else names
    return known.get(number, str(number))
