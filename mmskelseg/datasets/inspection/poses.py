"""Checks of a video's poses for likely mistakes.

Each check takes a video's annotation and the names of its joints, and yields sentences.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mmskelseg.datasets.inspection.summary import Video, seen_joints
from mmskelseg.evaluation import to_segments

# Seconds without any joint, and seconds in which no joint moves at all.
LONGEST_EMPTY = 1.0
LONGEST_FROZEN = 1.0
# Share of frames that repeat the pose before, as where poses come at a lower rate.
MOST_REPEATED = 0.3
# Sides of the image that a joint may lie outside of it.
FARTHEST_OUTSIDE = 0.5
# Share of joints outside the image, above which its height and width may be swapped.
MOST_OUTSIDE = 0.01
# Some estimators go a little above 1.
HIGHEST_SCORE = 1.5
# Largest coordinate of joints that are given as parts of the image.
LARGEST_PART = 2.0


def nobody_seen(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find a long run of frames in which every joint is missing."""
    empty = np.logical_not(seen_joints(video).any(axis=(0, 2)))
    start, end = longest_run(empty)
    if end - start > LONGEST_EMPTY * video['fps']:
        yield (
            f'no joint is seen in {empty.sum()} of {empty.size} frames, the longest '
            f'time from frame {start} to {end - 1} '
            f'({(end - start) / video["fps"]:.1f} s, above {LONGEST_EMPTY:g} s)'
        )


def far_outside(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find joints far outside the image."""
    size = np.array(video['img_shape'][::-1])
    keypoint, seen = video['keypoint'], seen_joints(video)
    # In sides of the image, from its nearest edge.
    outside = np.maximum(-keypoint, keypoint - size) / size
    far = (outside.max(axis=-1) > FARTHEST_OUTSIDE) & seen
    if far.any():
        worst = np.where(seen, outside.max(axis=-1), -np.inf)
        person, frame, joint = np.argwhere(worst == worst.max())[0].tolist()
        x, y = keypoint[person, frame, joint]
        yield (
            f'{far.sum()} of {seen.sum()} joints lie more than {FARTHEST_OUTSIDE:g} '
            f'image sides outside the image of {size[0]}x{size[1]}; the farthest, '
            f'{joints[joint]} in frame {frame}, is at ({x:.0f}, {y:.0f})'
        )


def parts_of_image(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find coordinates that are parts of the image where pixels are needed."""
    points = video['keypoint'][seen_joints(video)]
    if points.size and np.abs(points).max() <= LARGEST_PART < min(video['img_shape']):
        H, W = video['img_shape']
        yield (
            f'all coordinates lie between {points.min():.3g} and {points.max():.3g}; '
            f'if they are parts of the image, multiply x by {W} and y by {H}'
        )


def swapped_sides(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find an img_shape that is (width, height) instead of (height, width)."""
    points = video['keypoint'][seen_joints(video)]
    H, W = video['img_shape']
    outside, if_swapped = (
        ((points < 0) | (points > side)).any(axis=-1) for side in ([W, H], [H, W])
    )
    if outside.size and outside.mean() > MOST_OUTSIDE and not if_swapped.any():
        yield (
            f'{100 * outside.mean():.0f} % of the joints lie outside the image, and '
            f'none would if img_shape were ({W}, {H}) instead of ({H}, {W}), which is '
            '(height, width)'
        )


def seen_at_zero(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find joints at (0, 0) that count as seen."""
    at_zero = (video['keypoint'] == 0).all(axis=-1) & seen_joints(video)
    if at_zero.any():
        person, frame, joint = np.argwhere(at_zero)[0].tolist()
        score = video['keypoint_score'][person, frame, joint]
        yield (
            f'joints at (0, 0) that count as seen: {at_zero.sum()}, the first '
            f'{joints[joint]} in frame {frame} with score {score:.3g}; a missing joint '
            'has score 0'
        )


def frozen_pose(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find persons who do not move at all, and poses that come twice or more."""
    seen = seen_joints(video)
    place = np.where(seen[..., None], video['keypoint'], 0)
    same = (place[:, 1:] == place[:, :-1]).all(axis=(2, 3)) & (
        seen[:, 1:] == seen[:, :-1]
    ).all(axis=2)
    still = same & seen[:, 1:].any(axis=2)
    runs = [longest_run(person) for person in still]
    person = int(np.argmax([end - start for start, end in runs]))
    start, end = runs[person]
    moving = seen[:, 1:].any(axis=2).sum()
    if end - start >= LONGEST_FROZEN * video['fps']:
        whom = f' of person {person}' if len(runs) > 1 else ''
        yield (
            f'the pose{whom} is the same from frame {start} to {end} '
            f'({(end - start) / video["fps"]:.1f} s, limit {LONGEST_FROZEN:g} s)'
        )
    elif still.sum() > MOST_REPEATED * moving:
        yield (
            f'{still.sum()} of {moving} poses ({100 * still.sum() / moving:.0f} %) '
            'repeat the one of the frame before; were they made at a lower frame rate?'
        )


def constant_joint(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find single joints that never move, while others do."""
    keypoint, seen = video['keypoint'], seen_joints(video)
    for points, there in zip(keypoint, seen, strict=True):
        low = np.where(there[..., None], points, np.inf).min(axis=0)
        high = np.where(there[..., None], points, -np.inf).max(axis=0)
        often = there.sum(axis=0) >= max(2, LONGEST_FROZEN * video['fps'])
        constant = (low == high).all(axis=-1) & often
        if not constant[often].all():
            for joint in np.flatnonzero(constant).tolist():
                yield (
                    f'{joints[joint]} is at ({low[joint, 0]:g}, {low[joint, 1]:g}) in '
                    f'all {there[:, joint].sum()} frames where it is seen'
                )


def equal_scores(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find scores that say nothing."""
    scores = video['keypoint_score'][seen_joints(video)]
    if scores.size and (scores == scores[0]).all():
        yield (
            f'all joints that are seen have the score {scores[0]:g}; sure and unsure '
            'ones are drawn alike'
        )


def high_scores(video: Video, joints: Sequence[str]) -> Iterator[str]:
    """Find scores far above 1, by which heatmaps are multiplied."""
    highest = video['keypoint_score'].max()
    if highest > HIGHEST_SCORE:
        yield (
            f'scores reach {highest:.3g}, expected about 0 to 1; they multiply the '
            'heatmap'
        )


def longest_run(hits: np.ndarray) -> tuple[int, int]:
    """Return start and end (exclusive) of the longest run, (0, 0) without any.

    >>> longest_run(np.array([True, False, True, True]))
    (2, 4)
    """
    runs = [(start, end) for start, end, hit in to_segments(hits.astype(int)) if hit]
    return max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
