"""YOLO's text: a folder with a file for each frame that has objects.

A line is a box, with its middle and size as fractions of the image, and optionally a
confidence, the number of a track, or both::

    class x y width height [confidence] [track]

or four corners, again with both or none. Files end in the number of the frame
(``take1_12.txt``), and what precedes it names the video. Names of classes are in
``data.yaml`` or ``classes.txt``, in the folder or above it.
"""

from pathlib import Path

import numpy as np

from mmskelseg_io.files.formats import FOLDER
from mmskelseg_io.files.parsing import FilePath, number, read_text, whole
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.objects.found import Found, FoundObjects, corners
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    class_name,
    class_names,
    first_numbers,
    frame_files,
    video_of,
)

# How many numbers lines may have: boxes, and four corners.
_WIDTHS = (5, 6, 7, 9, 10, 11)
# The largest plausible fraction, of what reaches out of the image.
_MOST = 2
# Place and numbers of a line.
_Line = tuple[str, list[float]]


def _has_frames(folder: Path) -> bool:
    """Return whether the files of frames hold no table."""
    for file in frame_files(folder, '.txt'):
        text = read_text(file).strip()
        if text:
            return ',' not in text
    return False


@OBJECT_FORMATS.register('yolo', {FOLDER: _has_frames})
def read_yolo(path: FilePath) -> list[FoundObjects]:
    """Return the objects of each video in a folder.

    The sixth number of boxes is a track if it is whole in all files, else a confidence.
    """
    folder = Path(path)
    files = frame_files(folder, '.txt')
    if not files:
        raise UserError(
            f'{path}: expected a folder of files that end in the number of a frame, '
            f'such as {video_of(path)}_1.txt.'
        )
    names = class_names(folder)
    lines = {file: _lines(file) for file in files}
    extra = [
        row[-1] for rows in lines.values() for _, row in rows if len(row) in (6, 10)
    ]
    is_track = all(value.is_integer() for value in extra)
    firsts = first_numbers(files.values())
    found: dict[str, list[Found]] = {video: [] for video in firsts}
    places: dict[str, dict[float, str]] = {video: {} for video in firsts}
    for file, rows in lines.items():
        video, frame = files[file]
        frame -= firsts[video]
        places[video][frame] = str(file)
        found[video] += [
            _found(frame, row, names, is_track, place) for place, row in rows
        ]
    return [
        FoundObjects(
            video or video_of(path),
            str(path),
            own,
            is_relative=True,
            files=places[video],
        )
        for video, own in found.items()
    ]


def _lines(file: Path) -> list[_Line]:
    found = []
    for i, text in enumerate(read_text(file).split('\n'), 1):
        if not text.strip():
            continue
        place = f'{file}: line {i}'
        row = [
            number(cell, place, f'number {k}') for k, cell in enumerate(text.split(), 1)
        ]
        if len(row) not in _WIDTHS:
            raise UserError(
                f'{place} has {len(row)} numbers, expected class, x, y, width and '
                'height, or class and four corners, and possibly confidence and '
                'track; save boxes, not the outlines of segments or poses.'
            )
        places = row[1 : 5 if len(row) < 9 else 9]
        if max(map(abs, places)) > _MOST:
            expected = 'fractions of the image, from 0 to 1'
            remedy = 'save normalised boxes, or name another format (--object-format)'
            raise misfit(place, 'a number', max(places, key=abs), expected, remedy)
        found.append((place, row))
    return found


def _found(
    frame: int,
    row: list[float],
    names: list[str] | dict[int, str],
    is_track: bool,
    place: str,
) -> Found:
    size = 5 if len(row) < 9 else 9
    kind = class_name(names, whole(row[0], place, 'class'))
    more = row[size:]
    score = more[0] if len(more) == 2 or (more and not is_track) else 1.0
    track = more[-1] if len(more) == 2 or (more and is_track) else None
    if size == 9:
        points = np.array(row[1:9]).reshape(4, 2)
    else:
        x, y, width, height = row[1:5]
        points = corners(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    name = None if track is None else str(whole(track, place, 'track'))
    return Found(frame, kind, points, score, name)
