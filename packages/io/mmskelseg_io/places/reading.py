"""What all readers of places share: their formats, and the checks of what they read."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from mmskelseg_io.files.formats import Formats
from mmskelseg_io.files.names import find_named
from mmskelseg_io.files.parsing import FilePath, read_json, read_rows
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.places import (
    Place,
    Shape,
    misfits_of_place,
    place_problems,
)

#: Places by the name of their video; those of '' are for all other videos.
Places: TypeAlias = Mapping[str, Sequence[Place]]

#: The formats of files of places. A hint is the content of a JSON file, or the header
#: of a table in lower case.
PLACE_FORMATS: Formats[Places] = Formats(
    'places',
    'its suffix',
    {
        '.json': lambda path: [read_json(path, 'the program that drew it')],
        **dict.fromkeys(
            ('.csv', '.tsv'),
            lambda path: [[name.lower() for name in row] for _, row in read_rows(path)][
                :1
            ],
        ),
    },
)


def read_places(path: FilePath, format: str | None = None) -> Places:
    """Return the places of a file of any known format, by the names of their videos.

    Coordinates are in pixels, from the upper left corner of the image.

    Args:
        path: The file.
        format: One of ``PLACE_FORMATS.readers``; by default recognised by suffix and
            content.

    Raises:
        ValueError: If the format is unknown, or the file violates it.
    """
    found = PLACE_FORMATS.reader(path, format or PLACE_FORMATS.recognise(path))(path)
    if not any(found.values()):
        raise UserError(f'{path}: has no places; draw some.')
    return found


def places_for(found: Places, video: str, path: FilePath) -> Sequence[Place]:
    """Return the places of a video: of its name, one that contains it, or of all.

    Raises:
        UserError: If there are none, or those of several videos could be meant.
    """
    names = [name for name in found if name]
    files = [(name, name) for name in names]
    own = find_named(video, files) or [n for n in names if find_named(n, [(video, n)])]
    if len(own) > 1 or not (own or '' in found):
        fault = f'could be {listed(own)}' if own else f'is none of {listed(names)}'
        raise UserError(
            f'{path}: has places by video, but {video!r} {fault}; name them after the '
            'recordings, or leave the names out.'
        )
    return found[own[0] if own else '']


def places_of_stream(
    given: FilePath | Sequence[Place] | None,
) -> Sequence[Place]:
    """Return the places of a stream: themselves, or those of all videos in a file.

    Raises:
        UserError: If the file cannot be read, or has only those of single videos.
    """
    if not isinstance(given, str | os.PathLike):
        return given or ()
    found = read_places(given)
    if '' not in found:
        raise UserError(
            f'{given}: has places of {listed([*found])}, but a stream needs those of '
            'its camera; leave the names of videos out.'
        )
    return found['']


def make_place(
    where: str,
    name: object,
    shape: Shape,
    points: object,
    radius: object = 0.0,
    space: object = 'image',
) -> Place:
    """Return a place of a file; ``where`` in it is for messages.

    Raises:
        UserError: If it is none.
    """
    more = {'radius': radius, 'space': space}
    record = {'name': name, 'shape': shape, 'points': points, **more}
    for problem in misfits_of_place(record):
        raise UserError(f'{where}: {problem}')
    return Place.of(record)


def rectangle(start: ArrayLike, size: ArrayLike, degrees: float = 0) -> np.ndarray:
    """Return the corners of a rectangle, turned clockwise about its first, (4, 2).

    >>> rectangle([1, 2], [30, 40]).tolist()
    [[1.0, 2.0], [31.0, 2.0], [31.0, 42.0], [1.0, 42.0]]
    """
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * np.asarray(size)
    return np.asarray(start) + corners @ _turn(degrees)


def ellipse(
    centre: np.ndarray, a: float, b: float, degrees: float = 0
) -> tuple[Shape, np.ndarray, float]:
    """Return shape, points and radius of an ellipse; it is a polygon unless round."""
    if a == b:
        return 'circle', centre[None], a
    unit = Place('', 'circle', np.zeros((1, 2)), 1.0).outline().points
    return 'polygon', centre + unit * [a, b] @ _turn(degrees), 0.0


def _turn(degrees: float) -> np.ndarray:
    """Return the matrix that turns rows clockwise in the image."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def places_by_video(path: FilePath, found: Iterable[tuple[str, Place]]) -> Places:
    """Return places with the names of their videos, '' for all, by these.

    Raises:
        UserError: If two of a video have one name, or they are of two spaces.
    """
    videos: dict[str, list[Place]] = {}
    for video, place in found:
        videos.setdefault(video, []).append(place)
    for video, places in videos.items():
        of_video = f'{path}: places of {video!r}' if video else f'{path}: places'
        for problem in place_problems(of_video, [one.record() for one in places]):
            raise UserError(problem)
    return videos
