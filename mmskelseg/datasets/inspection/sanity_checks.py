"""All checks for content that an annotation file may have but that looks wrong."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmskelseg.datasets.inspection import labels, poses
from mmskelseg.datasets.inspection import videos as others
from mmskelseg.structures import Skeleton

POSE_CHECKS = {
    'nobody seen': poses.nobody_seen,
    'far outside the image': poses.far_outside,
    'not in pixels': poses.parts_of_image,
    'img_shape swapped': poses.swapped_sides,
    'seen at (0, 0)': poses.seen_at_zero,
    'frozen pose': poses.frozen_pose,
    'joint never moves': poses.constant_joint,
    'scores all equal': poses.equal_scores,
    'scores above 1': poses.high_scores,
}
LABEL_CHECKS = {
    'one class only': labels.single_class,
    'hardly labelled': labels.unlabelled,
    'very short segments': labels.flicker,
}


class Suspicion(NamedTuple):
    """A finding of one check.

    Args:
        check: Its name.
        video: The ``frame_dir``, None where it is the file as a whole.
        text: The value, and what is wrong with it.
    """

    check: str
    video: str | None
    text: str


def sanity_checks(data: Mapping[str, Any], folder: Path) -> list[Suspicion]:
    """Return the findings of all checks, in the order of checks and of videos.

    Args:
        data: Annotations as ``load_annotations`` returns them.
        folder: Where the video files are that annotations name.
    """
    return list(_found(data, folder))


def _found(data: Mapping[str, Any], folder: Path) -> Iterator[Suspicion]:
    videos, classes = data['annotations'], data['metainfo']['classes']
    joints = Skeleton.get(data['metainfo']['skeleton']).joints
    for checks, names in ((POSE_CHECKS, joints), (LABEL_CHECKS, classes)):
        for name, check in checks.items():
            for video in videos:
                for text in check(video, names):
                    yield Suspicion(name, video['frame_dir'], text)
    together = (
        ('video file', others.unfit_files(videos, folder)),
        ('fps differs', others.odd_fps(videos)),
        ('same poses', others.shared_poses(data)),
        ('same file', others.shared_files(videos)),
    )
    for name, pairs in together:
        for frame_dir, text in pairs:
            yield Suspicion(name, frame_dir, text)
    whole = (
        ('unknown in training', labels.unlearnable_classes(data)),
        ('class without frames', labels.unused_classes(data)),
    )
    for name, texts in whole:
        for text in texts:
            yield Suspicion(name, None, text)
