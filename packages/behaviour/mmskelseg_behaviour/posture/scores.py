"""REBA and RULA of each frame, by the tables of the papers.

REBA: Hignett and McAtamney, "Rapid Entire Body Assessment (REBA)", Applied Ergonomics
31 (2000). RULA: McAtamney and Corlett, "RULA: a survey method for the investigation of
work-related upper limb disorders", Applied Ergonomics 24 (1993).

A part that is not seen counts as a range from its lowest to its highest score, as do
those that joints never show: twist and side bend of the wrist, and whether a raised
foot is a step or stands for a person on one leg. As no score falls when a part gets
worse, the ends of the ranges give the ends of the result. The worse arm counts.

Note:
    The papers leave some things to the eye. Here trunk and neck are upright within
    ``UPRIGHT``. The trunk is bent to the side or twisted from ``CLEAR`` on, where EN
    1005-4 calls it clearly visible, and so is the neck bent. An arm is abducted beyond
    ``ABDUCTED``, up to which the papers call its flexion neutral. The neck is twisted
    from ``NECK_TWIST`` on, half of its range.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

import numpy as np

from mmskelseg_behaviour.posture.angles import SIDES, Posture
from mmskelseg_io.files.parsing import FilePath, number, read_dicts
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, reads_file, shown

#: In degrees.
UPRIGHT, CLEAR, NECK_TWIST, ABDUCTED = 5.0, 10.0, 45.0, 20.0
# An arm hangs, and a trunk leans so that gravity helps, within and beyond this.
_HANGING = 20.0
# A foot is raised if one ankle is above the other by more than this part of a shank.
_RAISED = 0.25
# A hand is out to the side if it is further from the middle than two shoulders.
_OUTSIDE = 2.0


def _table(text: str, *shape: int) -> np.ndarray:
    return np.array(text.split(), np.int64).reshape(shape)


# By trunk, neck and legs.
REBA_A = _table(
    """
    1 2 3 4  1 2 3 4  3 3 5 6
    2 3 4 5  3 4 5 6  4 5 6 7
    2 4 5 6  4 5 6 7  5 6 7 8
    3 5 6 7  5 6 7 8  6 7 8 9
    4 6 7 8  6 7 8 9  7 8 9 9
    """, 5, 3, 4,
)  # fmt: skip
# By upper arm, lower arm and wrist.
REBA_B = _table(
    """
    1 2 2  1 2 3
    1 2 3  2 3 4
    3 4 5  4 5 5
    4 5 5  5 6 7
    6 7 8  7 8 8
    7 8 8  8 9 9
    """, 6, 2, 3,
)  # fmt: skip
# By scores A and B.
REBA_C = _table(
    """
     1  1  1  2  3  3  4  5  6  7  7  7
     1  2  2  3  4  4  5  6  6  7  7  8
     2  3  3  3  4  5  6  7  7  8  8  8
     3  4  4  4  5  6  7  8  8  9  9  9
     4  4  4  5  6  7  8  8  9  9  9  9
     6  6  6  7  8  8  9  9 10 10 10 10
     7  7  7  8  9  9  9 10 10 11 11 11
     8  8  8  9 10 10 10 10 10 11 11 11
     9  9  9 10 10 10 11 11 11 12 12 12
    10 10 10 11 11 11 11 12 12 12 12 12
    11 11 11 11 12 12 12 12 12 12 12 12
    12 12 12 12 12 12 12 12 12 12 12 12
    """, 12, 12,
)  # fmt: skip
# By upper arm, lower arm, wrist and its twist.
RULA_A = _table(
    """
    1 2 2 2 2 3 3 3   2 2 2 2 3 3 3 3   2 3 3 3 3 3 4 4
    2 3 3 3 3 4 4 4   3 3 3 3 3 4 4 4   3 4 4 4 4 4 5 5
    3 3 4 4 4 4 5 5   3 4 4 4 4 4 5 5   4 4 4 4 4 5 5 5
    4 4 4 4 4 5 5 5   4 4 4 4 4 5 5 5   4 4 4 5 5 5 6 6
    5 5 5 5 5 6 6 7   5 6 6 6 6 7 7 7   6 6 6 7 7 7 7 8
    7 7 7 7 7 8 8 9   8 8 8 8 8 9 9 9   9 9 9 9 9 9 9 9
    """, 6, 3, 4, 2,
)  # fmt: skip
# By neck, trunk and legs.
RULA_B = _table(
    """
    1 3  2 3  3 4  5 5  6 6  7 7
    2 3  2 3  4 5  5 5  6 7  7 7
    3 3  3 4  4 5  5 6  6 7  7 7
    5 5  5 6  6 7  7 7  7 7  8 8
    7 7  7 7  7 8  8 8  8 8  8 8
    8 8  8 8  8 8  8 9  9 9  9 9
    """, 6, 6, 2,
)  # fmt: skip
# By scores C and D.
RULA_C = _table(
    """
    1 2 3 3 4 5 5
    2 2 3 4 4 5 5
    3 3 3 4 4 5 6
    3 3 3 4 5 6 6
    4 4 4 5 6 7 7
    4 4 5 6 6 7 7
    5 5 6 6 7 7 7
    5 5 6 7 7 7 7
    """, 8, 7,
)  # fmt: skip
#: The parts of the body in REBA, whose least score is 1, and the points of work.
BODY = ('trunk', 'neck', 'legs', 'arm', 'forearm', 'wrist')
WORK = ('load', 'coupling', 'activity')
#: The scores of a grip in REBA.
COUPLINGS = ('good', 'fair', 'poor', 'unacceptable')


@dataclass(frozen=True)
class Bounds:
    """The lowest and the highest score that a posture may have, each (T,)."""

    low: np.ndarray
    high: np.ndarray

    def __add__(self, other: Bounds | np.ndarray | int) -> Bounds:
        if isinstance(other, Bounds):
            return Bounds(self.low + other.low, self.high + other.high)
        return Bounds(self.low + other, self.high + other)

    @property
    def middle(self) -> np.ndarray:
        """The mean of both, (T,)."""
        return (self.low + self.high) / 2

    def worse(self, other: Bounds) -> Bounds:
        """Return the span of the higher of two scores."""
        return Bounds(
            np.maximum(self.low, other.low), np.maximum(self.high, other.high)
        )


@dataclass(frozen=True)
class Work:
    """What joints do not show of a task: load, grip, pace and support.

    Args:
        load_kg: The load in kilograms.
        shock: Whether it comes suddenly, or with a jolt.
        coupling: How well it can be gripped, one of ``COUPLINGS``.
        static: Whether parts of the body are held for over a minute.
        repeated: Whether actions are repeated over four times a minute.
        rapid: Whether postures change fast and far, or stand on unstable ground.
        sitting: Whether the person sits; knees then do not count.
        supported: Whether arms are supported.
        raised: Whether shoulders are raised.
    """

    load_kg: float = 0.0
    shock: bool = False
    coupling: str = COUPLINGS[0]
    static: bool = False
    repeated: bool = False
    rapid: bool = False
    sitting: bool = False
    supported: bool = False
    raised: bool = False

    @property
    def points(self) -> dict[str, int]:
        """The points of load, coupling and activity in REBA, and the rest of them.

        Loads of RULA, which is made for arms, begin to count at 2 kg.
        """
        lasting = self.static or self.repeated
        force = int(self.load_kg >= 2) + int(self.load_kg > 10)
        return {
            'load': int(self.load_kg >= 5) + int(self.load_kg > 10) + self.shock,
            'coupling': COUPLINGS.index(self.coupling),
            'activity': self.static + self.repeated + self.rapid,
            'muscle': int(lasting),
            'force': 3 if self.shock else force + int(lasting and force > 0),
            'sitting': int(self.sitting),
            'arm': self.raised - self.supported,
        }


@reads_file
def read_station(path: FilePath, classes: Sequence[str]) -> dict[str, Work]:
    """Return what a table states of the work in each class.

    It has the column ``class`` and any of the fields of :class:`Work`.

    Raises:
        UserError: If it has other columns or classes, or one twice.
    """
    known = {field.name for field in fields(Work)}
    found: dict[str, Work] = {}
    for place, row in read_dicts(path, 'class'):
        name = row.pop('class')
        if name in found:
            raise UserError(f'{place}: {shown(name)} is named twice; name it once.')
        if name not in classes:
            raise UserError(
                f'{place}: {shown(name)} is not among the classes {listed(classes)}; '
                'correct it.'
            )
        if unknown := sorted(row.keys() - known):
            raise UserError(
                f'{path}: there is no column {shown(unknown[0])}; choose from '
                f'{", ".join(sorted(known))}.'
            )
        cells = {key: value for key, value in row.items() if value}
        found[name] = Work(**{k: _cell(place, k, v) for k, v in cells.items()})
    return found


def _cell(place: str, column: str, value: str) -> Any:
    if column == 'load_kg':
        load = number(value, place, column)
        if load < 0:
            raise UserError(f'{place}: load_kg is {value}, expected 0 or more.')
        return load
    known = COUPLINGS if column == 'coupling' else ('yes', 'no')
    if value.lower() not in known:
        raise UserError(
            f'{place}: {column} is {shown(value)}, expected one of {", ".join(known)}.'
        )
    return value.lower() if column == 'coupling' else value.lower() == 'yes'


def points_of(
    label: np.ndarray, classes: Sequence[str], station: Mapping[str, Work]
) -> dict[str, np.ndarray]:
    """Return the points of the work in each frame, each (T,), see :class:`Work`.

    Labels are ids of all classes, (T,) or (tiers, T), of which the first whose class
    the station states counts; others are of unloaded work.
    """
    rows = np.atleast_2d(label)
    stated = np.array([*(name in station for name in classes), False])
    chosen = np.take_along_axis(rows, stated[rows].argmax(axis=0)[None], axis=0)[0]
    works = [station.get(name, Work()).points for name in classes] + [Work().points]
    return {key: np.array([one[key] for one in works])[chosen] for key in works[-1]}


def reba(posture: Posture, points: Mapping[str, np.ndarray]) -> Bounds:
    """Return the REBA score of each frame, 1 to 15.

    ``points`` are those of :func:`points_of`.
    """
    whole = _look_up(REBA_A, *_reba_body(posture, points)) + points['load']
    arms = [_look_up(REBA_B, *_reba_arm(posture, side, points)) for side in SIDES]
    worse = arms[0].worse(arms[1]) + points['coupling']
    return _look_up(REBA_C, whole, worse) + points['activity']


def reba_parts(posture: Posture, points: Mapping[str, np.ndarray]) -> dict[str, Bounds]:
    """Return the scores of the parts of which REBA is made; of arms, the worse."""
    arms = zip(*(_reba_arm(posture, side, points) for side in SIDES), strict=True)
    spans = *_reba_body(posture, points), *(left.worse(right) for left, right in arms)
    return {
        **dict(zip(BODY, spans, strict=True)),
        **{key: Bounds(points[key], points[key]) for key in WORK},
    }


def _reba_body(posture: Posture, points: Mapping[str, np.ndarray]) -> list[Bounds]:
    """Return the scores of trunk, neck and legs."""
    neck = _band(posture['neck_flexion'], (-UPRIGHT, 20), (2, 1, 2))
    neck += reduce(Bounds.worse, _turns(posture, 'neck', NECK_TWIST))
    trunk = _band(
        posture['trunk_flexion'], (-20, -UPRIGHT, UPRIGHT, 20, 60), (3, 2, 1, 2, 3, 4)
    )
    trunk += reduce(Bounds.worse, _turns(posture, 'trunk', CLEAR))
    stands = 1 - points['sitting']
    legs = _foot(posture, stands) + 1
    knees = [
        _band(posture[f'{side}_knee_flexion'], (30, 60), (0, 1, 2)) for side in SIDES
    ]
    bent = knees[0].worse(knees[1])
    return [trunk, neck, legs + Bounds(bent.low * stands, bent.high * stands)]


def _reba_arm(
    posture: Posture, side: str, points: Mapping[str, np.ndarray]
) -> list[Bounds]:
    """Return the scores of upper arm, lower arm and wrist."""
    leans = _flag(posture['trunk_flexion'], _HANGING)
    hangs = _flag(-posture[f'{side}_arm_from_vertical'], -_HANGING)
    # The arms of somebody who bends forward hang; gravity helps.
    helped = Bounds(
        -np.minimum(leans.high, hangs.high), -np.minimum(leans.low, hangs.low)
    )
    upper = _upper_arm(posture, side) + points['arm'] + helped
    lower = _band(posture[f'{side}_elbow_flexion'], (60, 100), (2, 1, 2))
    wrist = _band(posture[f'{side}_wrist_bend'], (15,), (1, 2)) + _unseen(posture)
    return [upper, lower, wrist]


def rula(posture: Posture, points: Mapping[str, np.ndarray]) -> Bounds:
    """Return the RULA score of each frame, 1 to 7; see :func:`reba`."""
    neck = _band(posture['neck_flexion'], (-UPRIGHT, 10, 20), (4, 1, 2, 3))
    trunk = _band(
        posture['trunk_flexion'], (-UPRIGHT, UPRIGHT, 20, 60), (2, 1, 2, 3, 4)
    )
    neck = reduce(Bounds.__add__, _turns(posture, 'neck', NECK_TWIST), neck)
    trunk = reduce(Bounds.__add__, _turns(posture, 'trunk', CLEAR), trunk)
    legs = _foot(posture, 1 - points['sitting']) + 1
    effort = points['muscle'] + points['force']
    body = _look_up(RULA_B, neck, trunk, legs) + effort
    arms = [_rula_arm(posture, side, points) for side in SIDES]
    return _look_up(RULA_C, arms[0].worse(arms[1]) + effort, body)


def _rula_arm(posture: Posture, side: str, points: Mapping[str, np.ndarray]) -> Bounds:
    upper = _upper_arm(posture, side) + points['arm']
    sideways = posture[f'{side}_hand_sideways']
    lower = _band(posture[f'{side}_elbow_flexion'], (60, 100), (2, 1, 2))
    lower += _band(sideways, (0, _OUTSIDE), (1, 0, 1))
    wrist = _band(posture[f'{side}_wrist_bend'], (UPRIGHT, 15), (1, 2, 3))
    unseen = _unseen(posture)
    return _look_up(RULA_A, upper, lower, wrist + unseen, unseen + 1)


def _upper_arm(posture: Posture, side: str) -> Bounds:
    raised = _band(
        posture[f'{side}_shoulder_flexion'], (-20, 20, 45, 90), (2, 1, 2, 3, 4)
    )
    return raised + _flag(posture[f'{side}_shoulder_abduction'], ABDUCTED)


def _turns(posture: Posture, part: str, twisted: float) -> tuple[Bounds, Bounds]:
    """Return whether neck or trunk are bent to a side, and twisted."""
    bend, twist = (np.abs(posture[f'{part}_{a}']) for a in ('side_bend', 'twist'))
    return _flag(bend, CLEAR), _flag(twist, twisted)


def _foot(posture: Posture, stands: np.ndarray) -> Bounds:
    """Return a point where a foot is raised, unless that is a step."""
    raised = _flag(posture['foot_lift'], _RAISED)
    return Bounds(0 * raised.low, raised.high * stands)


def _unseen(posture: Posture) -> Bounds:
    none = np.zeros(len(posture['foot_lift']), np.int64)
    return Bounds(none, none + 1)


def _band(angle: np.ndarray, edges: Sequence[float], scores: Sequence[int]) -> Bounds:
    """Return the score of the band that an angle is in; all of them if it is NaN."""
    found = np.array(scores)[np.searchsorted(edges, np.nan_to_num(angle))]
    unknown = np.isnan(angle)
    return Bounds(
        np.where(unknown, min(scores), found), np.where(unknown, max(scores), found)
    )


def _flag(value: np.ndarray, limit: float) -> Bounds:
    return _band(value, (limit,), (0, 1))


def _look_up(table: np.ndarray, *scores: Bounds) -> Bounds:
    """Return the cells of a table; scores beyond it are those of its edge."""

    def cells(of: Callable[[Bounds], np.ndarray]) -> np.ndarray:
        pairs = zip(scores, table.shape, strict=True)
        return table[tuple(np.clip(of(one), 1, size) - 1 for one, size in pairs)]

    return Bounds(cells(lambda one: one.low), cells(lambda one: one.high))


@dataclass(frozen=True)
class Method:
    """A score of postures, and what it calls for.

    Args:
        score: Returns it for each frame.
        levels: The highest score of each action level but the last.
        first: The number of the first action level.
    """

    score: Callable[[Posture, Mapping[str, np.ndarray]], Bounds]
    levels: tuple[int, ...]
    first: int

    def level(self, score: np.ndarray) -> np.ndarray:
        """Return the action level of scores; 2 to 4 call for more and more haste."""
        return self.first + np.searchsorted(self.levels, score)


#: REBA's action levels are 0 to 4, those of RULA 1 to 4.
METHODS = {
    'reba': Method(reba, (1, 3, 7, 10), 0),
    'rula': Method(rula, (2, 4, 6), 1),
}
