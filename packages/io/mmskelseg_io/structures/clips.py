"""Clips: recordings that show one action each, as data sets for recognition have."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from mmskelseg_io.structures.annotations import SKELETON_KEYS, VideoAnnotation
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import label_rows, labelled_frames

#: The class of each tier.
Action: TypeAlias = tuple[int, ...]


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


def kind_of(video: Any) -> tuple[object, ...]:
    """Return what videos that are joined have in common: frame rate and arrays."""
    keys = (*SKELETON_KEYS, 'objects', 'places')
    return float(video['fps']), *(key in video for key in keys)
