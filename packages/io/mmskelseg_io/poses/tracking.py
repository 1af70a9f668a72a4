"""Tracking, and the choice of one person or of each person in a video."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses.poses import Poses
from mmskelseg_io.structures.choices import POLICIES

# A person must be seen for so many seconds, or half of a video of less than twice as
# many; the frame rate if it is unknown.
_LEAST_SECONDS, _RATE = 2.0, 30.0
# The smallest intersection over union of a box with the last one of its track.
_LEAST_OVERLAP = 0.3


class Track(NamedTuple):
    """A person of a video, and the row in each frame of poses, (T,), -1 if absent."""

    name: str
    rows: np.ndarray


def person_boxes(keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return the bounding box of each person's joints (M, T, V, 2), shape (M, T, 4).

    Boxes are x and y of the first and last pixel, so the box of a single joint has one
    pixel. If no joint is seen, all are NaN.
    """
    seen = (score > 0)[..., None]
    low = np.where(seen, keypoint, np.inf).min(axis=2)
    high = np.where(seen, keypoint, -np.inf).max(axis=2)
    boxes = np.concatenate([low, high], axis=-1)
    return np.where(np.isfinite(boxes), boxes, np.nan)


def _boxes(poses: Poses) -> np.ndarray:
    """Return the boxes from the detector, or else those around the joints."""
    if poses.person_box is None:
        return person_boxes(poses.keypoint, poses.keypoint_score)
    there = poses.person_box.any(axis=-1, keepdims=True)
    return np.where(there, poses.person_box, np.nan)


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Return the area of boxes (..., 4) in pixels, 0 for NaN.

    >>> box_areas(np.array([[0, 0, 9, 4], [np.nan] * 4])).tolist()
    [50.0, 0.0]
    """
    sides = boxes[..., 2:] - boxes[..., :2] + 1
    areas = sides[..., 0] * sides[..., 1]
    return np.where(np.isnan(areas), 0, areas)


def box_overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return intersection over union of boxes (P, 4) and (Q, 4), shape (P, Q).

    >>> box_overlaps(np.array([[0, 0, 9, 9]]), np.array([[5, 0, 14, 9]])).round(3)
    array([[0.333]])
    """
    # One axis after another is several times as fast as both at once.
    sides = (
        np.minimum.outer(first[:, axis + 2], second[:, axis + 2])
        - np.maximum.outer(first[:, axis], second[:, axis])
        for axis in range(2)
    )
    width, height = (np.maximum(side + 1, 0) for side in sides)
    shared = width * height
    union = box_areas(first)[:, None] + box_areas(second)[None] - shared
    return shared / union


class OverlapLinks:
    """Links people over frames by the overlap of their boxes.

    In each frame, the track and the box with the largest overlap are linked, then the
    next pair, down to ``_LEAST_OVERLAP``. The remaining boxes start new tracks. A track
    ends after ``patience`` frames without a box.
    """

    def __init__(self, patience: int = 30) -> None:
        self.patience = patience
        self.count = 0
        # Of each track that may go on: its number, last frame, and last box.
        self._tracks, self._frames = np.zeros((2, 0), int)
        self._boxes = np.zeros((0, 4), np.float32)

    def link(self, frame: int, boxes: np.ndarray) -> np.ndarray:
        """Return the track number of each box (P, 4) in a later frame, shape (P,)."""
        tracks = np.full(len(boxes), -1)
        alive = frame - self._frames <= self.patience + 1
        known, frames, ends = (
            own[alive] for own in (self._tracks, self._frames, self._boxes)
        )
        overlap = box_overlaps(ends, boxes)
        pairs = np.argwhere(overlap >= _LEAST_OVERLAP)
        order = np.argsort(-overlap[tuple(pairs.T)], kind='stable')
        # The box of each track.
        own = np.full(len(known), -1)
        for end, place in pairs[order].tolist():
            if own[end] < 0 and tracks[place] < 0:
                own[end], tracks[place] = place, known[end]
        linked, new = own >= 0, tracks < 0
        frames[linked], ends[linked] = frame, boxes[own[linked]]
        tracks[new] = self.count + np.arange(new.sum())
        self.count += int(new.sum())
        self._tracks = np.concatenate([known, tracks[new]])
        self._frames = np.concatenate([frames, np.full(new.sum(), frame)])
        self._boxes = np.concatenate([ends, boxes[new]])
        return tracks


def link_by_overlap(boxes: np.ndarray, patience: int = 30) -> np.ndarray:
    """Return the track number of each box (M, T, 4), shape (M, T), -1 if there is none.

    For ``patience``, see :class:`OverlapLinks`.
    """
    tracks = np.full(boxes.shape[:2], -1)
    present = ~np.isnan(boxes[..., 0])
    links = OverlapLinks(patience)
    for frame in np.flatnonzero(present.any(axis=0)):
        rows = np.flatnonzero(present[:, frame])
        tracks[rows, frame] = links.link(int(frame), boxes[rows, frame])
    return tracks


def choose_person(
    poses: Poses, policy: str, source: str, *, others: bool = False
) -> Poses:
    """Return poses of one person, M = 1, with a note on how it was chosen.

    With ``others``, the rest of :func:`find_tracks` follows in further rows.

    If rows are people, one whole row is chosen: the one with the ``largest`` boxes, the
    highest ``score`` or the longest ``track``, summed over the video. Otherwise
    ``largest`` and ``score`` choose separately in each frame, and ``track`` links
    people by overlap and takes the longest track. ``all`` keeps everybody. The policy
    may also be the name of a person.

    Raises:
        UserError: If the policy is neither.
    """
    known = ', '.join((*POLICIES, *poses.people))
    if policy not in (*POLICIES, *poses.people):
        raise UserError(f'{source}: there is no person {policy}; choose among {known}.')
    persons = len(poses.keypoint)
    if persons == 1 or not poses.keypoint_score.any():
        return poses
    if policy == 'all':
        return poses.noting(f'all of up to {persons} people are kept')
    frames = poses.keypoint.shape[1]
    notes = {'largest': 'the largest', 'score': 'of the highest score'}
    if policy in poses.people:
        rows, note = np.full(frames, poses.people.index(policy)), 'as named'
    elif poses.people:
        rows = np.full(frames, int(_worth(poses, policy).sum(axis=1).argmax()))
        note = notes.get(policy, 'seen longest (--person each reads all)')
    elif policy == 'track':
        tracks = link_by_overlap(_boxes(poses))
        longest = np.bincount(tracks[tracks >= 0]).argmax()
        rows = _rows_of(tracks == longest)
        note = f'the longest of {tracks.max() + 1} tracks linked by overlap'
    else:
        rows = _worth(poses, policy).argmax(axis=0)
        note = f'{notes[policy]} in each frame'
    who = poses.people[rows[0]] if poses.people else ''
    note = f'of up to {persons} people only {who or "one"}, {note}'
    rest = find_tracks(poses)[0] if others else []
    return _only(poses, Track(who, rows), note, others=rest)[1]


def find_tracks(poses: Poses) -> tuple[list[Track], tuple[str, ...]]:
    """Return each person of a video, in order of appearance, and notes.

    Rows that are people keep their names; otherwise people are linked by the overlap of
    their boxes. People without a name, or with a number as name, are called person1,
    person2 and so on. People who are seen for less than 2 seconds in all, or than half
    of a shorter video, such as momentary errors of a tracker, are skipped, unless
    nobody is seen longer.
    """
    present = np.asarray((poses.keypoint_score > 0).any(axis=-1))
    if poses.people:
        rows = [np.where(there, m, -1) for m, there in enumerate(present)]
        names = list(poses.people)
    else:
        numbers = link_by_overlap(_boxes(poses))
        rows = [_rows_of(numbers == k) for k in range(numbers.max() + 1)]
        names = [''] * len(rows)
    seen = [(row >= 0).sum() for row in rows]
    rate = poses.fps or _RATE
    least = min(_LEAST_SECONDS * rate, present.shape[1] / 2)
    kept = [m for m, count in enumerate(seen) if count >= least]
    kept = kept or [m for m, count in enumerate(seen) if 0 < count == max(seen)][:1]
    kept.sort(key=lambda m: int((rows[m] >= 0).argmax()))
    unnamed = all(not name or name.isdecimal() for name in names)
    tracks = [
        Track(f'person{i}' if unnamed else names[m], rows[m])
        for i, m in enumerate(kept, 1)
    ] or [Track('person1', np.full(present.shape[1], -1))]
    everybody = sum(count > 0 for count in seen)
    few = everybody - len(kept)
    note = f'{few} of {everybody} people are skipped, seen for less than '
    return tracks, (f'{note}{least / rate:.2g} s each',) if few else ()


def _rows_of(chosen: np.ndarray) -> np.ndarray:
    """Return the chosen row of (M, T) in each frame, (T,), -1 if there is none."""
    return np.where(chosen.any(axis=0), chosen.argmax(axis=0), -1)


def each_person(
    poses: Poses, *, others: bool = False
) -> list[tuple[str, np.ndarray, Poses]]:
    """Return name, rows (M, T) and poses of each person of :func:`find_tracks`.

    M is 1, or with ``others`` the number of persons, of whom this one is the first.
    """
    tracks, notes = find_tracks(poses)
    frames = poses.keypoint.shape[1]
    people = []
    for track in tracks:
        seen = (track.rows >= 0).sum()
        note = f'one of {len(tracks)} people, seen in {seen} of {frames} frames'
        rest = tracks if others else ()
        people.append((track.name, *_only(poses, track, note, *notes, others=rest)))
    return people


def everybody(poses: Poses) -> Poses:
    """Return the poses of all of :func:`find_tracks`, a row each, with names."""
    (first, *others), notes = find_tracks(poses)
    people = (first.name, *(track.name for track in others))
    _, found = _only(poses, first, *notes, others=others)
    return found.noting(f'{len(people)} individuals: {listed(people)}', people=people)


def _only(
    poses: Poses, track: Track, *notes: str, others: Sequence[Track] = ()
) -> tuple[np.ndarray, Poses]:
    """Return rows (M, T) and poses of a person, and of others where they are not it."""
    own = track.rows
    apart = [t._replace(rows=np.where(t.rows == own, -1, t.rows)) for t in others]
    tracks = [track, *(t for t in apart if (t.rows >= 0).any())]
    rows = np.stack([t.rows for t in tracks])
    return rows, poses.noting(
        *notes,
        people=tuple(t.name for t in tracks) if poses.people else (),
        **{key: of_rows(a, rows) for key, a in poses.arrays.items()},
    )


def of_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return given rows (P, T) of (M, T, ...) in each frame, (P, T, ...); 0 for -1."""
    chosen = values[rows, np.arange(rows.shape[1])]
    chosen[rows < 0] = 0
    return chosen


def _worth(poses: Poses, policy: str) -> np.ndarray:
    """Return the criterion for each person in each frame, (M, T), 0 if absent."""
    present = (poses.keypoint_score > 0).any(axis=-1)
    if policy == 'largest':
        return box_areas(_boxes(poses))
    if policy == 'score' and poses.person_score is not None:
        return poses.person_score * present
    if policy == 'score':
        return poses.keypoint_score.mean(axis=-1)
    return present.astype(float)
