"""Crops of training recordings: where labels are, with context on both sides."""

from collections.abc import Iterable
from math import ceil
from typing import Any

import numpy as np

from mmskelseg_io.structures.clips import kind_of, one_action
from mmskelseg_io.structures.tiers import labelled_frames


def crop_table(label: np.ndarray, frames: int | None) -> np.ndarray:
    """Return where the crops of a recording begin, for each labelled interval.

    Rows are (first, last, number), shape (S, 3): as many crops as cover the interval
    begin from ``first`` to ``last``. The middle of a crop is in the interval, so that
    the other half is context, but for the ends of the recording. A frame is labelled if
    it is in any tier; labels that are less than a crop apart are one interval. If there
    is no label at all, every frame counts.

    Args:
        label: Shape (T,), or (tiers, T).
        frames: Length of a crop; shorter recordings stay whole, as do all with None.

    >>> crop_table(np.repeat([-1, 0, -1], [400, 250, 350]), 100).tolist()
    [[350, 600, 3]]
    """
    total = label.shape[-1]
    frames = min(frames or total, total)
    labelled = np.flatnonzero(labelled_frames(label))
    if not labelled.size:
        labelled = np.arange(total)
    gaps = np.flatnonzero(np.diff(labelled) > frames) + 1
    rows = []
    for interval in np.split(labelled, gaps):
        start, end = interval[0], interval[-1] + 1
        ends = np.array([start - frames // 2, end + frames // 2 - frames])
        first, last = ends.clip(0, total - frames)
        rows.append((first, last, ceil((end - start) / frames)))
    return np.array(rows)


def count_crops(label: np.ndarray, frames: int | None) -> int:
    """Return how many crops of a recording cover its labels."""
    return int(crop_table(label, frames)[:, 2].sum())


def crops_of(
    videos: Iterable[Any], frames: int | None, joined: int | None = None
) -> list[tuple[int, int, int]]:
    """Return the items of an epoch: index of a video, number of the crop, of how many.

    If clips are ``joined`` into recordings of so many frames, these are items in place
    of the clips: as many as the clips of a kind fill, with the index of the first.
    """
    items = []
    clips: dict[object, list[tuple[int, int]]] = {}
    for i, video in enumerate(videos):
        if joined and one_action(video['label']) is not None:
            clips.setdefault(kind_of(video), []).append((i, video['total_frames']))
        else:
            crops = count_crops(video['label'], frames)
            items += [(i, crop, crops) for crop in range(crops)]
    for own in clips.values():
        count = ceil(sum(frames for _, frames in own) / (joined or 1))
        items += [(own[0][0], crop, count) for crop in range(count)]
    return items


def crop_begin(table: np.ndarray, place: float) -> int:
    """Return the first frame of the crop at a place, from 0 to 1, among all crops."""
    ends = np.cumsum(table[:, 2]) / table[:, 2].sum()
    row = min(int(np.searchsorted(ends, place, side='right')), len(table) - 1)
    before = ends[row - 1] if row else 0.0
    first, last, _ = table[row].tolist()
    # Rarely, the place is 1.
    inside = int((place - before) / (ends[row] - before) * (last - first + 1))
    return min(first + inside, last)
