"""Checks for valid but suspicious content of an annotation file.

A check of one video yields messages. A check of all videos yields pairs of a
``frame_dir``, or None for the file as a whole, and a message.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmskelseg.datasets.inspection.shared_poses import shared_poses
from mmskelseg.datasets.inspection.summary import present_classes
from mmskelseg_io.files.annotations import fold_splits
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.clips import are_clips
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.pose_checks import POSE_CHECKS, swapped_bodies
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_io.structures.tiers import label_rows, with_flat_labels
from mmskelseg_runtime.features import ReadVideoFrames

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
    swaps = swapped_bodies(data['annotations'])
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
        'bodies swapped': swaps,
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
