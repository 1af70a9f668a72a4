"""Numbers by place: entries, times, distances, and behaviours inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from mmskelseg_behaviour.groups import Member
from mmskelseg_behaviour.study import Compared, Row, Study
from mmskelseg_behaviour.tracks import PlaceTrack
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.places import Place

_NONE = float('nan')
#: Stands for the whole recording, in which everybody is wherever they are seen.
ANYWHERE = Place('(anywhere)', 'polygon', np.zeros((3, 2)))


@dataclass(frozen=True, eq=False)
class Stays:
    """What an individual does at a place, in one recording or in several.

    Args:
        entries: How often it enters, or crosses a line; NaN of a point.
        latencies: Seconds until the first entry, of each recording that has one.
        seconds: Seconds inside.
        seen: Seconds in which it is seen.
        length: The length of its path inside: of steps from and to frames inside.
        moving: Seconds of these steps.
        away: Its distance from the place in each frame in which it is seen, 0 inside,
            times the seconds of the frame.
        bouts: Number of bouts of each class that begin inside, (K,).
        inside: Seconds of each class inside, (K,).
        total: Seconds of each class, (K,).
    """

    entries: float
    latencies: tuple[float, ...]
    seconds: float
    seen: float
    length: float
    moving: float
    away: float
    bouts: np.ndarray
    inside: np.ndarray
    total: np.ndarray

    def __add__(self, other: Stays) -> Stays:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Stays(*(a + b for a, b in pairs))

    def measures(self) -> dict[str, float]:
        """Return numbers by name; NaN where there is nothing to measure."""
        return {
            'entries': self.entries,
            'latency_s': float(np.mean(self.latencies)) if self.latencies else _NONE,
            'time_s': self.seconds,
            'share_percent': 100 * _ratio(self.seconds, self.seen),
            'distance': self.length,
            'mean_speed': _ratio(self.length, self.moving),
            'mean_distance_to': _ratio(self.away, self.seen),
        }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else _NONE


def stays_of(
    track: PlaceTrack, place: Place, bouts: Bouts, num_classes: int, least: float = 0
) -> Stays:
    """Return what an individual does at a place in a recording of K classes.

    For entries, an unseen individual stays where it was last seen, and absences, and
    then stays, of less than ``least`` seconds do not count. Being inside at first is an
    entry. Lengths are in centimetres if the track knows its plane.
    """
    seen, frame = track.seen, 1 / track.fps
    path: np.ndarray = track.xy
    distance = place.distance(path) if place is not ANYWHERE else 0 * path[:, 0]
    inside = seen & (distance >= 0) & place.has_area
    if track.plane:
        path = track.plane.to_cm(path)
        if place is not ANYWHERE:
            distance = track.plane.place(place).distance(path)
    both = inside[1:] & inside[:-1]
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)[both]
    times: np.ndarray = spans(inside, seen, least * track.fps)[:, 0] * frame
    if place.shape == 'line':
        known = np.flatnonzero(seen)
        crossed = place.crossed(track.xy[known])
        times = frame * np.repeat(known[1:], crossed)
    can_enter = place.shape != 'point' and place is not ANYWHERE
    labels = bouts.labels(track.fps, len(seen))
    # As in Bouts.labels.
    begins = np.ceil(bouts.start * track.fps - 0.5).astype(int)
    begins_inside = inside[np.clip(begins, 0, len(seen) - 1)] & (begins < len(seen))
    seconds = float(inside.sum() * frame) if place.has_area else _NONE
    away = np.maximum(-distance[seen], 0)
    return Stays(
        float(len(times)) if can_enter else _NONE,
        tuple(times[:1].tolist()) if can_enter else (),
        seconds,
        float(seen.sum() * frame),
        float(steps.sum()) if place.has_area else _NONE,
        float(both.sum() * frame),
        float(away.sum() * frame),
        np.bincount(bouts.label[begins_inside], minlength=num_classes),
        _seconds(labels[:, inside], num_classes, frame),
        _seconds(labels, num_classes, frame),
    )


def spans(inside: np.ndarray, seen: np.ndarray, least: float = 0) -> np.ndarray:
    """Return first and last frame, exclusive, of each stay, (n, 2).

    Args:
        inside: Whether the individual is inside in each frame, (T,).
        seen: Whether it is seen, (T,); while it is not, it stays where it was.
        least: Shorter absences are part of a stay, and then shorter stays are none.

    >>> inside = np.array([1, 0, 1, 1, 0, 0, 0, 1], bool)
    >>> seen = np.ones(8, bool)
    >>> spans(inside, seen).tolist(), spans(inside, seen, 2).tolist()
    ([[0, 1], [2, 4], [7, 8]], [[0, 4]])
    """
    known = np.append(-1, np.flatnonzero(seen))
    last = known[np.searchsorted(known, np.arange(len(seen)), side='right') - 1]
    state = np.where(last < 0, False, inside[last])
    found = np.flatnonzero(np.diff(np.concatenate([[0], state, [0]]))).reshape(-1, 2)
    if len(found):
        apart = found[1:, 0] - found[:-1, 1] >= least
        ends = found[np.append(True, apart), 0], found[np.append(apart, True), 1]
        found = np.stack(ends, axis=1)
    return found[found[:, 1] - found[:, 0] >= least]


def _seconds(labels: np.ndarray, num_classes: int, frame: float) -> np.ndarray:
    """Return the seconds of each of K classes in frames of tiers, (tiers, T)."""
    return np.bincount(labels[labels >= 0], minlength=num_classes) * frame


def find_stays(
    study: Study, tracks: Mapping[str, PlaceTrack], least: float
) -> dict[Member, dict[Place, Stays]]:
    """Return the stays of each individual at each place, over its recordings.

    Places of a name count as one, and what is anywhere comes last.
    """
    count = len(study.classes)
    found: dict[Member, dict[str, list[Stays]]] = {}
    places: dict[str, Place] = {}
    for name, member in study.members.items():
        own = found.setdefault(member, {})
        for place in (*tracks[name].places, ANYWHERE):
            places.setdefault(place.name, place)
            stays = stays_of(tracks[name], place, study.bouts[name], count, least)
            own.setdefault(place.name, []).append(stays)
    return {
        member: {places[name]: reduce(add, each) for name, each in own.items()}
        for member, own in found.items()
    }


def place_table(
    study: Study, stays: Mapping[Member, Mapping[Place, Stays]], unit: str
) -> Iterator[Row]:
    """Yield a row for each place of each individual, with the unit of lengths."""
    for member, own in stays.items():
        for place, one in own.items():
            row = {**study.head(member), 'place': place.name, **one.measures()}
            entries = one.entries
            row['entries'] = int(entries) if entries == entries else ''
            yield {**row, 'unit': unit, 'seen_s': one.seen}


def behaviour_table(
    study: Study, stays: Mapping[Member, Mapping[Place, Stays]]
) -> Iterator[Row]:
    """Yield a row for each class in each place of each individual."""
    tiers = next(iter(study.bouts.values())).tiers
    for member, own in stays.items():
        for place, one in own.items():
            if not place.has_area or place is ANYWHERE:
                continue
            for tier in tiers:
                labelled = float(one.inside[tier].sum())
                for k in range(len(study.classes))[tier]:
                    inside, total = float(one.inside[k]), float(one.total[k])
                    yield {
                        **study.head(member),
                        'place': place.name,
                        'class': study.classes[k],
                        'bouts': int(one.bouts[k]),
                        'time_s': inside,
                        'share_percent': 100 * _ratio(inside, labelled),
                        'of_class_percent': 100 * _ratio(inside, total),
                    }


def compare_places(
    study: Study, stays: Mapping[Member, Mapping[Place, Stays]]
) -> tuple[list[str], list[Compared]]:
    """Return the names of places, and the comparison of each measure between groups."""
    names = [*dict.fromkeys(one.name for own in stays.values() for one in own)]
    measured = {}
    for member, own in stays.items():
        known = {place.name: one.measures() for place, one in own.items()}
        every = [known.get(name, {}) for name in names]
        keys: Sequence[str] = [*next(iter(known.values()))]
        measured[member] = {
            key: np.array([one.get(key, _NONE) for one in every]) for key in keys
        }
    return names, study.compare(measured)


def place_comparison(
    study: Study, names: Sequence[str], compared: Sequence[Compared]
) -> Iterator[Row]:
    """Yield a row for each place and measure of :func:`compare_places`.

    What has no value in any group, such as the time in a line, has no row.
    """
    for measure, _, rows in compared:
        for name, row in zip(names, rows, strict=True):
            if any(row.number):
                yield {'place': name, 'measure': measure, **study.cells(row)}
