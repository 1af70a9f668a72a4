"""A page that plays recordings with their labels and predictions: one HTML file."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.bodies import joints_seen
from mmskelseg_io.structures.segments import segment_table
from mmskelseg_io.structures.tiers import flat_rows, tiers_of
from mmskelseg_runtime.page.whole import base64_of, shown_tiers, whole_page

# Numbers of a recording; longer ones have fewer poses a second.
_MOST = 300_000
# Nearly all frames, in percent.
_NEARLY_ALL = 95


class Played(NamedTuple):
    """A recording: its poses, and its labels and what is predicted, by frame.

    The probabilities of classes are (K, T).
    """

    entry: VideoAnnotation
    label: np.ndarray
    predicted: np.ndarray
    score: np.ndarray


def played_page(recordings: Sequence[Played], meta: Mapping) -> str:
    """Return the page; it opens what a message to its window names, at a frame."""
    facts = {
        'name': 'Recordings',
        'tiers': shown_tiers(tiers_of(meta)),
        'recordings': [_recording(one, meta) for one in recordings],
    }
    return whole_page('played.js', facts=facts)


def _recording(one: Played, meta: Mapping) -> dict[str, object]:
    entry = one.entry
    points = sure_points(entry['keypoint'], joints_seen(entry, 'keypoint'), entry)
    skeleton, (low, high) = Skeleton.get(meta['skeleton']), bounds_of(points)
    step = points.size // _MOST + 1
    # Whole numbers from 0 within twice of what is shown; less is missing.
    corner, unit = low - (high - low) / 2, float((high - low).max()) / 10_000 or 1.0
    part = points[::step]
    whole = np.concatenate([(part[..., :2] - corner) / unit, 100 * part[..., 2:]], -1)
    there = np.isfinite(part).all(-1, keepdims=True)
    packed = np.where(there, np.clip(whole, 0, 30_000), -1).astype('<i2')
    return {
        'name': entry['frame_dir'],
        'fps': float(entry['fps']),
        'frames': len(points),
        'labels': _segments(one.label, meta, None),
        'predictions': _segments(one.predicted, meta, one.score),
        'points': base64_of(packed.tobytes()),
        'step': step,
        'corner': corner.tolist(),
        'unit': unit,
        'skeleton': {
            'people': points.shape[1],
            'joints': [*skeleton.joints],
            'limbs': [*skeleton.limbs],
            'objects': [],
            'bounds': [*low.tolist(), *high.tolist()],
            'reach': reach_of(points[:, 0, :, :2]),
        },
    }


def _segments(
    label: np.ndarray, meta: Mapping, score: np.ndarray | None
) -> list[list[list[float]]]:
    """Return segments of each tier: start, end, class within the tier, confidence."""
    tiers, found = tiers_of(meta), []
    for tier, row in zip(tiers, flat_rows(label, tiers).values(), strict=True):
        found.append(
            [
                [start, end, k - tier.rows.start]
                + ([] if score is None else [float(score[k, start:end].mean())])
                for start, end, k in segment_table(row).tolist()
            ]
        )
    return found


def sure_points(
    points: np.ndarray, seen: np.ndarray, entry: VideoAnnotation
) -> np.ndarray:
    """Return joints (M, T, V, 2) with scores, (T, M, V, 3), NaN where not ``seen``."""
    score = np.clip(entry.get('keypoint_score', seen), 0, 1).astype(np.float32)
    sure = np.concatenate([points, score[..., None]], axis=-1, dtype=np.float32)
    return np.where(seen[..., None], sure, np.nan).swapaxes(0, 1)


def bounds_of(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of what holds nearly all points (..., 2 or 3), with space."""
    flat = points[..., :2].reshape(-1, 2)
    if np.isnan(flat).all():
        return np.zeros(2), np.ones(2)
    low, high = np.nanpercentile(flat, [0.5, 99.5], axis=0)
    space = 0.08 * max(*(high - low), 1e-6)
    return low - space, high + space


def reach_of(points: np.ndarray) -> tuple[float, float]:
    """Return the width and height of a body (T, V, 2) in nearly all frames."""
    seen = points[~np.isnan(points).all((1, 2))]
    if not len(seen):
        return 0.0, 0.0
    sizes = np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)
    width, height = np.percentile(sizes, _NEARLY_ALL, axis=0)
    return float(width), float(height)
