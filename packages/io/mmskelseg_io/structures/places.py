"""Places in the image, or on the floor: polygons, circles, lines and points."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from mmskelseg_io.messages.errors import CONTROL, UserError, shown

Shape = Literal['polygon', 'circle', 'line', 'point']
SHAPES: tuple[Shape, ...] = get_args(Shape)
#: Names of places, with their shapes, if these are known.
KnownPlaces: TypeAlias = Mapping[str, Shape | None]
#: Where points are: in pixels, or in the coordinates of keypoint_3d that are not up.
SPACES = ('image', 'floor')
_LEAST = {'polygon': 3, 'line': 2, 'circle': 1, 'point': 1}
_FARTHEST = 1e9
# The most places of a recording, and the most points of a place.
_MOST, _MOST_POINTS = 1000, 10_000
# Names of known lengths, and of known rectangles, and what a unit is in centimetres.
_NUMBER, _UNIT = r'(\d+(?:[.,]\d+)?)', r'\s*(mm|cm|m)'
_LENGTH = re.compile(_NUMBER + _UNIT)
_RECTANGLE = re.compile(rf'{_NUMBER}\s*x\s*{_NUMBER}{_UNIT}')
_CM = {'mm': 0.1, 'cm': 1.0, 'm': 100.0}
# Two directions of known lengths differ if the equations are no worse than this.
_WORST_CONDITION = 20
# Instead of 0, where a point would be missing.
_NEAR_ZERO = 1e-3
# How far, by its coordinates, a position on an edge is from it: twice the rounding of
# keypoints, which are float32.
_ROUNDING = 2.0**-22
# Corners of the polygon that stands for a circle in another plane.
_ROUND = 64


@dataclass(frozen=True, eq=False)
class Place:
    """A named place.

    Args:
        name: Its name.
        shape: ``polygon``, closed by itself; ``circle``; ``line``, of one or more
            segments; or ``point``.
        points: Corners, ends or centre, shape (P, 2), in pixels, or on the floor. The
            place may move: in T frames, the shape is (P, T, 2), and what methods get
            has T points.
        radius: That of a circle.
        space: ``image`` or ``floor``.

    >>> square = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10]])
    >>> nest = Place('nest', 'polygon', square)
    >>> nest.distance(np.array([[5.0, 8], [13, 14], [10, 5]])).tolist()
    [2.0, -5.0, 0.0]
    >>> nest.contains(np.array([[5.0, 8], [13, 14], [10, 5]])).tolist()
    [True, False, True]
    """

    name: str
    shape: Shape
    points: np.ndarray
    radius: Any = 0.0
    space: str = 'image'

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Place:
        """Return the place of an item of ``places`` in annotations."""
        return cls(**{**record, 'points': np.asarray(record['points'], float)})

    def record(self) -> dict[str, Any]:
        """Return the item of ``places`` in annotations."""
        more: dict[str, Any] = {}
        if self.shape == 'circle':
            more['radius'] = self.radius
        if self.space != 'image':
            more['space'] = self.space
        points = np.asarray(self.points, np.float64)
        return {'name': self.name, 'shape': self.shape, 'points': points, **more}

    @property
    def has_area(self) -> bool:
        """Whether something can be inside."""
        return self.shape in ('polygon', 'circle')

    @property
    def centre(self) -> np.ndarray:
        """The mean of the corners, (2,)."""
        return self.points.mean(axis=0)

    def contains(self, xy: np.ndarray) -> np.ndarray:
        """Return whether points (..., 2) are inside or on the edge."""
        return (self.distance(xy) >= 0) & self.has_area

    def distance(self, xy: np.ndarray) -> np.ndarray:
        """Return how far points (..., 2) are from the edge, below 0 outside.

        Nothing is inside of a line or a point.
        """
        if self.shape in ('circle', 'point'):
            found = self.radius - np.linalg.norm(xy - self.points[0], axis=-1)
        else:
            found = self._from_edges(xy)
        rounding = _ROUNDING * np.abs(xy).max(axis=-1)
        return np.where(np.abs(found) <= rounding, 0.0, found)

    def _from_edges(self, xy: np.ndarray) -> np.ndarray:
        nearest = np.full(xy.shape[:-1], np.inf)
        inside = np.zeros(xy.shape[:-1], bool)
        for a, b in self.edges():
            nearest = np.minimum(nearest, _from_segment(xy, a, b))
            if self.shape == 'polygon':
                x, y = xy[..., 0], xy[..., 1]
                between = (a[..., 1] > y) != (b[..., 1] > y)
                height = np.where(between, b[..., 1] - a[..., 1], 1)
                share = (y - a[..., 1]) / height
                inside ^= between & (x < a[..., 0] + share * (b[..., 0] - a[..., 0]))
        return np.where(inside, nearest, -nearest)

    def crossed(self, path: np.ndarray) -> np.ndarray:
        """Return how often each step of a path (T, 2) crosses the edges, (T - 1,).

        A step that ends on an edge has not yet crossed it.
        """
        found = np.zeros(max(len(path) - 1, 0), int)
        for a, b in self.edges():
            side = _cross(b - a, path - a)
            start, move = path[:-1], np.diff(path, axis=0)
            crosses = (side[1:] > 0) != (side[:-1] > 0)
            # Where on the edge the step meets it, from 0 to 1.
            along = np.where(crosses, _cross(move, b - a), 1)
            where = _cross(move, start - a) / along
            found += crosses & (where >= 0) & (where < 1)
        return found

    def edges(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the ends of each segment of a line, or of each side of a polygon."""
        if self.shape in ('polygon', 'line'):
            yield from pairwise(self.points)
        if self.shape == 'polygon':
            yield self.points[-1], self.points[0]

    def outline(self) -> Place:
        """Return a polygon in place of a circle, and other places as they are."""
        if self.shape != 'circle':
            return self
        turns = 2 * np.pi * np.arange(_ROUND) / _ROUND
        around = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        points = self.points + self.radius * around
        return replace(self, shape='polygon', points=points, radius=0.0)


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane of the floor in an image: turns pixels into centimetres.

    Args:
        matrix: The homography (3, 3) from pixels to centimetres.
    """

    matrix: np.ndarray

    @classmethod
    def scaled(cls, x: float, y: float) -> Plane:
        """Return the plane in which a pixel has so many centimetres along each axis."""
        return cls(np.diag([x, y, 1.0]))

    def to_cm(self, xy: np.ndarray) -> np.ndarray:
        """Return points (..., 2) in centimetres."""
        found = np.concatenate([xy, np.ones_like(xy[..., :1])], -1) @ self.matrix.T
        return found[..., :2] / found[..., 2:]

    def place(self, place: Place) -> Place:
        """Return a place in centimetres; a circle that is none there is a polygon."""
        if place.shape == 'circle' and self._is_even:
            points, radius = self.to_cm(place.points), place.radius * self.matrix[0, 0]
            return replace(place, points=points, radius=radius)
        outline = place.outline()
        return replace(outline, points=self.to_cm(outline.points))

    @property
    def _is_even(self) -> bool:
        return np.array_equal(self.matrix, np.diag([self.matrix[0, 0]] * 2 + [1.0]))


def alike(shape: str, other: str) -> bool:
    """Return whether two shapes say the same; a circle may stand for a polygon."""
    return shape == other or {shape, other} == {'polygon', 'circle'}


def is_known(place: Place) -> bool:
    """Return whether a place is a known length or rectangle, by its name.

    >>> is_known(Place('40 cm', 'line', np.array([[0.0, 0], [80, 0]])))
    True
    """
    if place.shape == 'polygon':
        return bool(_RECTANGLE.fullmatch(place.name)) and len(place.points) == 4
    known = place.shape == 'line' and len(place.points) == 2
    return known and bool(_LENGTH.fullmatch(place.name))


def zones(places: Iterable[Place]) -> list[Place]:
    """Return the places that are not known lengths or rectangles."""
    return [one for one in places if not is_known(one)]


def notes_outside(
    places: Iterable[Place], img_shape: tuple[int, int] | None
) -> Iterator[str]:
    """Yield a note on each place outside the image, (H, W), if its size is known."""
    if img_shape is None:
        return
    height, width = img_shape
    for one in places:
        points = one.outline().points
        beyond = (points.max(axis=0) < 0) | (points.min(axis=0) > [width, height])
        if one.space == 'image' and beyond.any():
            yield (
                f'{one.name!r} lies outside the {width}x{height} image; were places '
                'drawn at another resolution?'
            )


def plane_of(places: Iterable[Place], source: str) -> Plane | None:
    """Return the plane that known lengths in the image state; None without one.

    A line called ``40 cm`` is a length: one holds in all directions, two or more in
    different directions give each axis of the image its own scale. A polygon of four
    corners called ``60 x 40 cm`` is a rectangle of the floor, whose first side is 60 cm
    long: it gives the whole perspective.

    Raises:
        UserError: If they contradict each other; the message names ``source``.
    """
    known = [one for one in places if is_known(one) and one.space == 'image']
    rectangles = [one for one in known if one.shape == 'polygon']
    if len(rectangles) > 1 or (rectangles and len(known) > 1):
        raise UserError(
            f'{source}: {_named(known)} are known; keep one rectangle or lengths.'
        )
    if rectangles:
        return _of_rectangle(rectangles[0], source)
    if not known:
        return None
    lengths = [_cm(_LENGTH.fullmatch(one.name)) for one in known]  # type: ignore[arg-type]
    squares = np.square([one.points[1] - one.points[0] for one in known])
    target = np.square(np.array(lengths)[:, 0])
    if not squares.sum(axis=1).all():
        raise UserError(f'{source}: a known length has no extent; draw it again.')
    rows = squares / target[:, None]
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    if len(known) == 1 or np.linalg.cond(directions) > _WORST_CONDITION:
        rows = rows.sum(axis=1, keepdims=True)
    found = np.linalg.lstsq(rows, np.ones(len(rows)), rcond=None)[0]
    if not (found > 0).all():
        raise UserError(
            f'{source}: {_named(known)} contradict each other; draw one length along '
            'each axis of the image.'
        )
    return Plane.scaled(*np.sqrt(np.broadcast_to(found, 2)).tolist())


def _of_rectangle(place: Place, source: str) -> Plane:
    found = _RECTANGLE.fullmatch(place.name)
    first, second = _cm(found)  # type: ignore[arg-type]
    corners = np.array([[0, 0], [first, 0], [first, second], [0, second]])
    rows = []
    for (x, y), (u, v) in zip(place.points, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, -u]]
        rows += [[0, 0, 0, x, y, 1, -v * x, -v * y, -v]]
    _, sizes, axes = np.linalg.svd(np.array(rows))
    sides = np.roll(place.points, -1, 0) - place.points
    turns = np.sign(_cross(sides, np.roll(sides, -1, 0)))
    if sizes[7] < 1e-9 * sizes[0] or abs(turns.sum()) != 4:
        raise UserError(
            f'{source}: the corners of {place.name!r} are no rectangle in perspective; '
            'draw the four corners one after the other.'
        )
    return Plane((axes[8] / axes[8, 8]).reshape(3, 3))


def _named(places: Iterable[Place]) -> str:
    return ', '.join(repr(one.name) for one in places)


def _cm(found: re.Match[str]) -> list[float]:
    """Return the lengths of a name in centimetres."""
    *values, unit = found.groups()
    return [float(value.replace(',', '.')) * _CM[unit] for value in values]


def misfits_of_place(record: object) -> Iterator[str]:
    """Yield what is wrong with an item of ``places``; the first ends the checking."""
    keys = ('name', 'shape', 'points')
    if not isinstance(record, dict) or not {*keys} <= record.keys():
        yield f'a place is {shown(record)}, expected a dict with {", ".join(keys)}.'
        return
    name, shape = record['name'], record['shape']
    if not isinstance(name, str) or not name.strip() or CONTROL.search(name):
        yield f'a place has the name {shown(name)}, expected a text on a line.'
    if shape not in SHAPES:
        yield f'{name!r} has the shape {shown(shape)}, expected {", ".join(SHAPES)}.'
    if record.get('space', 'image') not in SPACES:
        space = shown(record['space'])
        yield f'{name!r} has the space {space}, expected {" or ".join(SPACES)}.'
    if more := record.keys() - {*keys, 'radius', 'space'}:
        yield f'{name!r} has {", ".join(map(shown, more))}, which no place has.'
    points, radius = record['points'], record.get('radius', 0.0)
    if isinstance(points, Sized) and len(points) > _MOST_POINTS:
        yield (
            f'{name!r} has {len(points)} points, but a place has at most '
            f'{_MOST_POINTS}; draw it with fewer.'
        )
        return
    try:
        points = np.asarray(points, float)
    except (TypeError, ValueError):
        points = np.full(1, np.nan)
    least = _LEAST[shape]
    if points.shape[1:] != (2,) or len(points) < least:
        wanted = f'{least} or more pairs' if least > 1 else 'one pair'
        yield f'{name!r} has points {shown(record["points"])}, expected {wanted} x, y.'
    if least == 1 and len(points) > 1:
        yield f'{name!r}, a {shape}, has {len(points)} points, expected one.'
    if not (np.abs(points) <= _FARTHEST).all():
        yield f'{name!r} has points {shown(record["points"])}, expected finite numbers.'
    is_number = isinstance(radius, int | float | np.number)
    is_number = is_number and bool(np.abs(radius) <= _FARTHEST)
    if not is_number or (radius > 0) != (shape == 'circle'):
        wanted = 'above 0' if shape == 'circle' else 'none'
        own = f'the radius {shown(radius)}' if radius else 'no radius'
        yield f'{name!r}, a {shape}, has {own}, expected {wanted}.'
    states = _LENGTH.fullmatch(name) or _RECTANGLE.fullmatch(name)
    if states and shape != 'point' and not is_known(Place(name, shape, points)):
        yield (
            f'{name!r}, a {shape} of {len(points)} points, is named like a known '
            'length. Lengths, such as 20 cm, are lines of two points, and rectangles, '
            'such as 60 x 40 cm, polygons of four corners; draw it so, or rename it.'
        )


def place_problems(key: str, places: object) -> Iterator[str]:
    """Yield what is wrong with the ``places`` of annotations, which a key names."""
    if not isinstance(places, list | tuple):
        yield f'{key} is {shown(places)}, expected a list of places.'
        return
    if len(places) > _MOST:
        yield f'{key} are {len(places)}, but at most {_MOST} are measured; keep fewer.'
        return
    for record in places:
        yield from (f'{key}: {problem}' for problem in misfits_of_place(record))
    names = [record['name'] for record in places]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        yield f'{key} has {shown(twice[0])} twice; name each differently.'
    if len({record.get('space', 'image') for record in places}) > 1:
        yield f'{key} are in the image and on the floor; keep those of one of the two.'


def places_of(metainfo: Mapping[str, Any], video: Mapping[str, Any]) -> list[Place]:
    """Return the places of a video: its own, or else those of all recordings."""
    records: Sequence[Mapping] = video.get('places', metainfo.get('places', ()))
    return [Place.of(record) for record in records]


def tracked(
    records: Iterable[Mapping[str, Any]], frames: int, up: str | None
) -> list[dict[str, Any]]:
    """Return ``places`` that change with the bodies of a video; see changed_bodies.

    They are items of annotations, with the arrays of an object: points (T, P, 2), or
    points_3d (T, P, 3) of those on the floor, and score (T, P). A circle has a second
    point, on its edge. Places on the floor are left out if ``up`` is not known.
    """
    found = []
    for record in records:
        place = Place.of(record)
        corners = place.points
        if place.shape == 'circle':
            rim = corners + np.array([place.radius, 0])
            corners = np.concatenate([corners, rim])
        key = 'points'
        if place.space == 'floor':
            if up is None:
                continue
            key, flat = 'points_3d', corners
            corners = np.zeros((len(flat), 3))
            corners[:, [axis for axis in range(3) if axis != 'xyz'.index(up[-1])]] = (
                flat
            )
        # Points at 0 are missing ones.
        corners = np.where(corners.any(axis=-1, keepdims=True), corners, _NEAR_ZERO)
        shape = (frames, *corners.shape)
        points = np.broadcast_to(corners.astype(np.float32), shape)
        kept = {k: record[k] for k in ('name', 'shape', 'space') if k in record}
        found.append({**kept, key: points, 'score': np.ones(shape[:2], np.float32)})
    return found


def in_frames(
    record: Mapping[str, Any], frames: int, plane: Sequence[int]
) -> tuple[Place, np.ndarray]:
    """Return the place of an item of ``places``, and whether it is known, (T,).

    ``plane`` are the axes of the floor in points_3d.
    """
    if 'score' not in record:
        return Place.of(record), np.ones(frames, bool)
    points = record.get('points')
    if points is None:
        points = record['points_3d'][..., [*plane]]
    points, radius = np.asarray(points, float).swapaxes(0, 1), 0.0
    if record['shape'] == 'circle':
        radius = np.linalg.norm(points[1] - points[0], axis=-1)
        points = points[:1]
    place = Place(record['name'], record['shape'], points, radius)
    return place, np.any(record['score'], axis=1)


def _from_segment(xy: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return how far points (..., 2) are from a segment."""
    along = b - a
    (x, y), (along_x, along_y) = np.moveaxis(xy - a, -1, 0), np.moveaxis(along, -1, 0)
    length = along_x**2 + along_y**2
    share = (x * along_x + y * along_y) / np.where(length, length, 1)
    share = np.clip(share, 0, 1)
    return np.hypot(x - share * along_x, y - share * along_y)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
