"""Checks for valid but suspicious content of an annotation file.

A check of one video yields messages. A check of all videos yields pairs of a
``frame_dir``, or None for the file as a whole, and a message.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmskelseg.datasets.inspection.shared_poses import shared_poses
from mmskelseg.datasets.inspection.summary import present_classes
from mmskelseg_io.files.annotations import fold_splits
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.bodies import joints_seen
from mmskelseg_io.structures.clips import are_clips
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_io.structures.tiers import label_rows, with_flat_labels
from mmskelseg_runtime.features import ReadVideoFrames

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
# A segment that is shorter than both is too short for an action or its annotation.
SHORTEST_FRAMES = 3
SHORTEST_SECONDS = 0.1
# Largest share of a video's frames without a label.
MOST_UNLABELLED = 0.5


class Suspicion(NamedTuple):
    """A finding: the check, the ``frame_dir`` or None for the file, and a message."""

    check: str
    video: str | None
    text: str


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


def single_class(video: VideoAnnotation, classes: Sequence[str]) -> Iterator[str]:
    """Find a video with only one class."""
    for row in label_rows(video['label']):
        labelled = row[row != IGNORED]
        if labelled.size and (labelled == labelled[0]).all():
            yield f'all {labelled.size} labelled frames are {classes[labelled[0]]!r}'


def unlabelled(video: VideoAnnotation, classes: Sequence[str]) -> Iterator[str]:
    """Find a video in which most frames have no label."""
    count, frames = (video['label'] == IGNORED).sum(), video['label'].size
    if count > MOST_UNLABELLED * frames:
        yield f'{count} of {frames} frames have no label'


def flicker(video: VideoAnnotation, classes: Sequence[str]) -> Iterator[str]:
    """Find segments that are too short to be intended."""
    shortest = max(SHORTEST_FRAMES, SHORTEST_SECONDS * video['fps'])
    rows = label_rows(video['label'])
    segments = [segment for row in rows for segment in to_segments(row)]
    short = [segment for segment in segments if segment[1] - segment[0] < shortest]
    if short:
        start, end, label = min(short, key=lambda segment: segment[1] - segment[0])
        yield (
            f'{len(short)} of {len(segments)} segments are shorter than {shortest:g} '
            f'frames, the shortest with {end - start} at frame {start} '
            f'({classes[label]})'
        )


def unlearnable_classes(data: AnnotationFile) -> Iterator[tuple[None, str]]:
    """Find classes in the test split of a fold that its training split lacks."""
    by_name = {video['frame_dir']: video for video in data['annotations']}
    classes = data['metainfo']['classes']
    for train, test in fold_splits(data):
        found = [
            present_classes([by_name[name] for name in data['split'][split]])
            for split in (train, test)
        ]
        never = [classes[label] for label in sorted(found[1] - found[0])]
        if never:
            yield (
                None,
                f'{", ".join(never)}: in {test!r}, but not in {train!r}, so that no '
                'model can learn it',
            )


def unused_classes(data: AnnotationFile) -> Iterator[tuple[None, str]]:
    """Find classes without any frame."""
    present = present_classes(data['annotations'])
    names = data['metainfo']['classes']
    never = [name for label, name in enumerate(names) if label not in present]
    if never:
        yield None, f'no frame is labelled {", ".join(never)}'


def odd_fps(videos: Sequence[VideoAnnotation]) -> Iterator[tuple[str, str]]:
    """Find videos whose frame rate differs from that of most videos.

    >>> videos = [{'frame_dir': name, 'fps': 30} for name in 'abc']
    >>> list(odd_fps([*videos, {'frame_dir': 'd', 'fps': 25}]))
    [('d', 'fps is 25, but 3 of 4 videos have 30')]
    """
    counts = Counter(float(video['fps']) for video in videos)
    usual, count = counts.most_common(1)[0]
    for video in videos:
        if video['fps'] != usual:
            others = f'{count} of {len(videos)} videos have {usual:g}'
            yield video['frame_dir'], f'fps is {video["fps"]:g}, but {others}'


def shared_files(videos: Sequence[VideoAnnotation]) -> Iterator[tuple[str, str]]:
    """Find videos that name the same file as an earlier video."""
    owners: dict[str, str] = {}
    for video in videos:
        file = video.get('filename')
        if file:
            recording = video.get('video', video['frame_dir'])
            owner = owners.setdefault(file, recording)
            if owner != recording:
                yield video['frame_dir'], f'names the file of {owner}, {file}'


def unfit_files(
    videos: Sequence[VideoAnnotation], folder: Path
) -> Iterator[tuple[str, str]]:
    """Find video files that are missing, unreadable, or not as long as the labels.

    Frames are counted and durations compared in the same way as for RGB features.
    Annotations without a file are skipped.
    """
    for video in videos:
        if video.get('filename'):
            path = str(folder / video['filename'])
            placed: VideoAnnotation = {**video, 'filename': path}
            problem = ''
            # If both ways of reading fail, seconds are more informative than frames.
            for align in ('index', 'fps'):
                try:
                    ReadVideoFrames(align=align).check(placed)
                except (OSError, ValueError) as error:
                    problem = str(error)
            if problem:
                yield video['frame_dir'], problem.rstrip('.')


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
LABEL_CHECKS = {
    'one class only': single_class,
    'hardly labelled': unlabelled,
    'very short segments': flicker,
}


def sanity_checks(data: AnnotationFile, folder: Path) -> list[Suspicion]:
    """Return the findings of all checks, in the order of checks and of videos.

    The files that the annotations name are in ``folder``.
    """
    data = with_flat_labels(data)
    data = {**data, 'annotations': [alone(v) for v in data['annotations']]}
    videos, classes = data['annotations'], data['metainfo']['classes']
    joints = Skeleton.get(data['metainfo']['skeleton']).joints
    found = [
        Suspicion(name, video['frame_dir'], text)
        for checks, names in ((POSE_CHECKS, joints), (LABEL_CHECKS, classes))
        for name, check in checks.items()
        if not (check is single_class and are_clips(videos))
        for video in videos
        for text in check(video, names)
    ]
    checks_of_all = {
        'video file': unfit_files(videos, folder),
        'fps differs': odd_fps(videos),
        'same poses': shared_poses(data),
        'same file': shared_files(videos),
        'unknown in training': unlearnable_classes(data),
        'class without frames': unused_classes(data),
    }
    return found + [
        Suspicion(name, *finding)
        for name, findings in checks_of_all.items()
        for finding in findings
    ]
