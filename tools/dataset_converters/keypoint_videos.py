"""Poses and labels of a video, joined at the rate of the poses."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from converting import ReleaseError
from keypoint_files import Labels, VideoFile

from mmskelseg.interchange import Segment, segments_to_labels
from mmskelseg.interchange.poses import (
    Poses,
    choose_person,
    read_poses,
    to_coco17,
    with_rate,
    with_size,
)


def load_poses(path: Path, video: VideoFile | None, args: argparse.Namespace) -> Poses:
    """Return the poses of the chosen person, with size and rate."""
    size = args.size or (video.img_shape if video else None)
    poses = read_poses(
        path,
        args.format,
        skeleton=args.skeleton,
        img_shape=size,
        first_frame=args.first_frame,
    )
    poses = choose_person(poses, args.person, str(path))
    if args.coco17 or args.part:
        poses = to_coco17(poses, dict(args.part or ()), str(path))
    poses = with_rate(poses, video, args.fps, str(path))
    return with_size(poses.noting(img_shape=poses.img_shape or size))


def frame_labels(
    labels: Labels, poses: Poses, classes: Sequence[str], args: argparse.Namespace
) -> tuple[np.ndarray, list[str]]:
    """Return the class id of each frame of the poses, and notes."""
    frames, fps = poses.keypoint.shape[1], poses.fps
    assert fps is not None
    segments, rate = labels.segments, labels.fps
    if labels.lines:
        rate = args.label_fps or (fps if len(labels.lines) == frames else None)
        if rate is None:
            raise ReleaseError(
                f'{labels.path}: {len(labels.lines)} lines, but {frames} frames of '
                f'poses at {fps:g} fps; give the rate of the lines by --label-fps.'
            )
        segments = runs(labels.lines, rate)
    label = segments_to_labels(
        segments,
        frames,
        fps,
        classes,
        missing='unlabelled',
        overlap=args.overlap,
        background=args.background,
        video=labels.video,
    )
    gaps = np.flatnonzero(label == -1)
    if gaps.size and args.unlabelled == 'error':
        raise ReleaseError(
            f'{labels.path}: video {labels.video} has no label at '
            f'{gaps[0] / fps:.3f} s, the first of {gaps.size} such frames of {frames}; '
            'label them, or give --unlabelled background or ignore.'
        )
    if args.unlabelled == 'background':
        label[gaps] = classes.index(args.background)
    differs = rate is not None and not math.isclose(rate, fps, rel_tol=1e-3)
    note = f'labels at {rate:g} fps applied to poses at {fps:g} fps' if differs else ''
    return label, [note] if note else []


def runs(lines: Sequence[str], fps: float) -> list[Segment]:
    """Return the runs of equal lines as segments; empty lines are no label."""
    cuts = [i for i in range(1, len(lines)) if lines[i] != lines[i - 1]]
    ends = zip([0, *cuts], [*cuts, len(lines)], strict=True)
    return [Segment(a / fps, b / fps, lines[a]) for a, b in ends if lines[a]]
