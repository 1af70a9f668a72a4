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
)

# How far the length of poses may be from that of their video before it is an error.
_SECONDS, _PART = 1.0, 0.1


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
    if poses.img_shape is None and size is None:
        seen = poses.keypoint[poses.keypoint_score > 0]
        width, height = np.ceil(seen.max(axis=0, initial=0)).astype(int) + 1
        size = int(height), int(width)
        poses = poses.noting('image size is not known, taken as far as joints reach')
    return poses.noting(img_shape=poses.img_shape or size)


def with_rate(
    poses: Poses, video: VideoFile | None, given: float | None, source: str
) -> Poses:
    """Return poses with frames per second, as long as their video, if that is known.

    Trackers that write only people they found stop with the last of these, so frames
    may be added at the end.
    """
    fps = given or poses.fps or (video.fps if video else None)
    if fps is None:
        raise ReleaseError(
            f'{source}: states no frame rate; give it by --fps, or the videos by '
            '--videos.'
        )
    if video is None:
        return poses.noting(fps=fps)
    frames = poses.keypoint.shape[1]
    expected = round(video.frames * fps / video.fps)
    allowed = max(_SECONDS * fps, _PART * expected)
    if given is None and abs(expected - frames) > allowed:
        raise ReleaseError(
            f'{source}: {frames} frames, but {video.path} has {video.frames} at '
            f'{video.fps:g} fps; give the rate of the poses by --fps, which may be '
            f'{frames / (video.frames / video.fps):.3g}, or {video.fps:g} if nobody is '
            'seen in the rest.'
        )
    if expected <= frames:
        return poses.noting(fps=fps)
    more = ((0, 0), (0, expected - frames), (0, 0))
    return poses.noting(
        'frames without people added up to the end of the video file',
        keypoint=np.pad(poses.keypoint, (*more, (0, 0))),
        keypoint_score=np.pad(poses.keypoint_score, more),
        person_score=None,
        fps=fps,
    )


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
