"""Clips: recordings that show one action each, as data sets for recognition have."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np

from mmskelseg_io.structures.annotations import SKELETON_KEYS, VideoAnnotation
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import label_rows, labelled_frames

# At the end of a name, of a length that can be neither hostile nor a hash.
_NUMBER = r'[\W_]{0,3}(?<!\d)\d{1,12}'
#: The class of each tier.
Action: TypeAlias = tuple[int, ...]
#: The recording of a clip, and what it is sorted by there.
Place: TypeAlias = tuple[str, tuple[int, ...]]


def one_action(label: np.ndarray) -> Action | None:
    """Return the only classes of a clip's tiers, -1 without any; None of a recording.

    In a recording, a tier has several classes, or most frames have no label.

    >>> one_action(np.array([-1, 2, 2])), one_action(np.array([2, 2, 3]))
    ((2,), None)
    """
    if 2 * labelled_frames(label).sum() < label.shape[-1]:
        return None
    rows = label_rows(label)
    action = tuple(int(row.max()) for row in rows)
    is_clip = all(
        np.isin(row, [k, IGNORED]).all() for row, k in zip(rows, action, strict=True)
    )
    return action if is_clip else None


def are_clips(videos: Sequence[VideoAnnotation]) -> bool:
    """Return whether at least half of some videos are clips, of different actions."""
    actions = [one_action(video['label']) for video in videos]
    found = [action for action in actions if action is not None]
    return 2 * len(found) >= len(videos) and len(set(found)) > 1


def places_in_recordings(clips: Sequence[VideoAnnotation]) -> Mapping[str, Place]:
    """Return the recording of each clip and its place there, or nothing if unknown.

    ``part_of`` tells, or names that end in one or two numbers, such as ``kitchen3_017``
    or ``kitchen3_0200_0260``. Names do not if clips are numbered by class: numbers mean
    one class each, as in NTU RGB+D, or most clips follow one of their class.

    >>> classes = {'a_1': 2, 'a_2': 5, 'b_1': 5, 'b_2': 2}
    >>> clips = [
    ...     {'frame_dir': name, 'label': np.full(9, k)} for name, k in classes.items()
    ... ]
    >>> places_in_recordings(clips)['b_2']
    ('b', (2,))
    """
    if all('part_of' in clip for clip in clips):
        return {
            clip['frame_dir']: (name, (first,))
            for clip in clips
            for name, first in [clip['part_of']]
        }
    actions = {clip['frame_dir']: one_action(clip['label']) for clip in clips}
    for count in (1, 2):
        places = {
            name: (match[1], tuple(map(int, re.findall(r'\d+', match[2]))))
            for name in actions
            if (match := re.fullmatch(rf'(.*?)((?:{_NUMBER}){{{count}}})', name))
        }
        if len(places) == len(actions) and _are_in_order(places, actions):
            return places
    return {}


def _are_in_order(
    places: Mapping[str, Place], actions: Mapping[str, Action | None]
) -> bool:
    """Return whether clips are numbered as they follow each other in recordings."""
    numbers = {number for _, number in places.values()}
    meant = {(number, actions[name]) for name, (_, number) in places.items()}
    are_classes = len(meant) == len(numbers) <= len(places) / 2
    ordered = sorted(places, key=places.__getitem__)
    runs = [*groupby((places[name][0], actions[name]) for name in ordered)]
    count = len({recording for recording, _ in places.values()})
    changes, all_changes = len(runs) - count, len(places) - count
    return (
        1 < count <= len(places) / 2 and not are_classes and 2 * changes > all_changes
    )


def kind_of(video: Any) -> tuple[object, ...]:
    """Return what videos that are joined have in common: frame rate and arrays."""
    keys = (*SKELETON_KEYS, 'objects', 'places')
    return float(video['fps']), *(key in video for key in keys)
