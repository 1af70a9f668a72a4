"""Checks for valid but suspicious poses of recordings, which yield messages."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from mmskelseg_io.messages.counts import counted
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.bodies import joints_seen
from mmskelseg_io.structures.segments import to_segments

# The longest time without any joint, and without any movement, in seconds.
LONGEST_EMPTY = 1.0
LONGEST_FROZEN = 1.0
# Largest share of frames that repeat the pose of the previous frame; more suggest that
# poses have a lower frame rate.
MOST_REPEATED = 0.3
# How far outside the image a joint may be, as a multiple of the image's side.
FARTHEST_OUTSIDE = 0.5
# Share of joints outside the image above which height and width may be swapped.
MOST_OUTSIDE = 0.01
# Highest score; some estimators slightly exceed 1.
HIGHEST_SCORE = 1.5
# Largest coordinate of joints as fractions of the image.
LARGEST_PART = 2.0


def nobody_seen(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find a long run of frames in which every joint is missing."""
    empty = np.logical_not(joints_seen(video).any(axis=(0, 2)))
    start, end = longest_run(empty)
    if end - start > LONGEST_EMPTY * video['fps']:
        yield (
            f'no joint is seen in {empty.sum()} of {empty.size} frames, longest '
            f'from frame {start} to {end - 1} '
            f'({(end - start) / video["fps"]:.1f} s, above {LONGEST_EMPTY:g} s)'
        )


def far_outside(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find joints far outside the image."""
    size = np.array(video['img_shape'][::-1])
    keypoint, seen = video['keypoint'], joints_seen(video)
    # Distance from the nearest edge, as a multiple of the image's side.
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


def parts_of_image(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find coordinates that are fractions of the image instead of pixels."""
    points = video['keypoint'][joints_seen(video)]
    if points.size and np.abs(points).max() <= LARGEST_PART < min(video['img_shape']):
        H, W = video['img_shape']
        yield (
            f'all coordinates lie between {points.min():.3g} and {points.max():.3g}; '
            f'if they are fractions of the image, multiply x by {W} and y by {H}'
        )


def swapped_sides(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find an img_shape that is (width, height) instead of (height, width)."""
    points = video['keypoint'][joints_seen(video)]
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


def seen_at_zero(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find joints at (0, 0) that count as seen."""
    at_zero = (video['keypoint'] == 0).all(axis=-1) & joints_seen(video)
    if at_zero.any():
        person, frame, joint = np.argwhere(at_zero)[0].tolist()
        score = video['keypoint_score'][person, frame, joint]
        yield (
            f'joints at (0, 0) that count as seen: {at_zero.sum()}, the first '
            f'{joints[joint]} in frame {frame} with score {score:.3g}; a missing joint '
            'has score 0'
        )


def frozen_pose(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find persons who do not move at all, and poses that are repeated."""
    seen = joints_seen(video)
    place = np.where(seen[..., None], video['keypoint'], 0)
    same = (place[:, 1:] == place[:, :-1]).all(axis=(2, 3))
    same &= (seen[:, 1:] == seen[:, :-1]).all(axis=2)
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
            'repeat the previous one; were they estimated at a lower frame rate?'
        )


def constant_joint(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find single joints that never move, while others do."""
    keypoint, seen = video['keypoint'], joints_seen(video)
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


def equal_scores(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find scores without information."""
    scores = video['keypoint_score'][joints_seen(video)]
    if scores.size and (scores == scores[0]).all():
        yield (
            f'all joints that are seen have the score {scores[0]:g}, so uncertain ones '
            'cannot be told from certain ones'
        )


def high_scores(video: VideoAnnotation, joints: Sequence[str]) -> Iterator[str]:
    """Find scores far above 1, since heatmaps are multiplied by them."""
    highest = video['keypoint_score'].max()
    if highest > HIGHEST_SCORE:
        yield (
            f'scores reach {highest:.3g}, expected about 0 to 1; heatmaps are '
            'multiplied by them'
        )


def longest_run(hits: np.ndarray) -> tuple[int, int]:
    """Return start and end (exclusive) of the longest run, or (0, 0) if none.

    >>> longest_run(np.array([True, False, True, True]))
    (2, 4)
    """
    runs = [(start, end) for start, end, hit in to_segments(hits.astype(int)) if hit]
    return max(runs, key=lambda run: run[1] - run[0], default=(0, 0))


#: By the names of findings.
POSE_CHECKS = {
    'nobody seen': nobody_seen,
    'far outside the image': far_outside,
    'not in pixels': parts_of_image,
    'img_shape swapped': swapped_sides,
    'seen at (0, 0)': seen_at_zero,
    'frozen pose': frozen_pose,
    'joint never moves': constant_joint,
    'scores all equal': equal_scores,
    'scores above 1': high_scores,
}


def swapped_bodies(videos: Sequence[VideoAnnotation]) -> Iterator[tuple[str, str]]:
    """Find recordings in which two bodies jump to each other's places."""
    checked = set()
    for video in videos:
        name = video.get('video', video['frame_dir'])
        if name not in checked and len(video['keypoint']) > 1:
            checked.add(name)
            for text in _swaps(video):
                yield video['frame_dir'], text


def _swaps(video: VideoAnnotation) -> Iterator[str]:
    seen = joints_seen(video)[..., None]
    keypoint = np.where(seen, video['keypoint'].astype(np.float64), np.nan)
    with warnings.catch_warnings():
        # Of bodies without joints.
        warnings.simplefilter('ignore', RuntimeWarning)
        centre = np.nanmedian(keypoint, axis=2, keepdims=True)
        size = 2 * np.nanmedian(np.linalg.norm(keypoint - centre, axis=-1))

        def jump(body: int, other: int) -> np.ndarray:
            moved = keypoint[body, 1:] - keypoint[other, :-1]
            return np.nanmedian(np.linalg.norm(moved, axis=-1), axis=-1)

        for a, b in combinations(range(len(keypoint)), 2):
            stay, swap = jump(a, a) + jump(b, b), jump(a, b) + jump(b, a)
            frames = np.flatnonzero((stay > size) & (2 * swap < stay)) + 1
            if frames.size:
                yield (
                    f'bodies {a} and {b} jump to the place of each other '
                    f'{counted(frames.size, "time")}, first in frame {frames[0]}; '
                    'the tracker may have swapped their identities'
                )
