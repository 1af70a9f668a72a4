"""Poses of one video as a tracker left them, before they become an annotation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmskelseg.fileio.inputs import in_words
from mmskelseg.fileio.video import VideoFile
from mmskelseg.interchange.labels.segments import check_fps
from mmskelseg.structures import Skeleton
from mmskelseg.structures.skeleton import Layout
from mmskelseg.utils.errors import UserError

# How far the length of poses may be from that of their video before it is an error.
_SECONDS, _PART = 1.0, 0.1
# Bytes that poses may take in any case, and beyond that for each person found.
_FREE, _RATIO = 1 << 28, 50
# People in a frame, among whom a track is looked for.
_CROWD = 500
# A file whose frame numbers are spread wider than this does not number frames.
_SPREAD = 1000


@dataclass(frozen=True)
class Poses:
    """Joints of the people in one video, frame by frame.

    A joint whose coordinates or score are not finite, or whose score is 0 or less, is
    missing: all three become 0.

    Args:
        keypoint: Pixels, x to the right and y downwards, shape (M, T, V, 2).
        keypoint_score: Confidence of each joint, shape (M, T, V).
        skeleton: The layout of the joints.
        img_shape: Height and width of the image in pixels, if the file states them.
        fps: Frames per second, if the file states them.
        people: A name for each of the M rows, if each is the same person throughout.
            Without, a row is only a place in the list of people of a frame.
        person_score: Confidence of each person, shape (M, T), if the file has one.
        person_box: x and y of first and last corner of the box in which each person was
            found, shape (M, T, 4), zeros where nobody was, if the file has boxes.
        notes: What was assumed or left out, a sentence each, for the user to see.
    """

    keypoint: np.ndarray
    keypoint_score: np.ndarray
    skeleton: Layout
    img_shape: tuple[int, int] | None = None
    fps: float | None = None
    people: tuple[str, ...] = ()
    person_score: np.ndarray | None = None
    person_box: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        joints = Skeleton.get(self.skeleton).num_joints
        assert self.keypoint.shape == (*self.keypoint_score.shape, 2)
        assert self.keypoint.shape[2] == joints
        keypoint = np.array(self.keypoint, np.float32)
        score = np.array(self.keypoint_score, np.float32)
        missing = ~(np.isfinite(keypoint).all(-1) & np.isfinite(score) & (score > 0))
        keypoint[missing], score[missing] = 0, 0
        object.__setattr__(self, 'keypoint', keypoint)
        object.__setattr__(self, 'keypoint_score', score)

    @property
    def joints(self) -> tuple[str, ...]:
        """The names of the V joints."""
        return Skeleton.get(self.skeleton).joints

    def noting(self, *notes: str, **changes: Any) -> Poses:
        """Return these poses with further notes, and with other values of fields."""
        return replace(self, notes=(*self.notes, *notes), **changes)


@dataclass(frozen=True)
class Detection:
    """One person in one frame.

    Args:
        frame: Number of the frame, from 0.
        joints: x, y and score of each joint, shape (V, 3).
        score: Confidence of the person.
        track: Name of the person throughout the video.
        box: Where the person was found, x and y of first and last corner, shape (4,).
    """

    frame: int
    joints: np.ndarray
    score: float | None = None
    track: str | None = None
    box: np.ndarray | None = None


def gather(
    found: Iterable[Detection],
    skeleton: Layout,
    source: str,
    *,
    frames: int = 0,
    counted: bool = False,
    notes: Sequence[str] = (),
) -> Poses:
    """Return the poses that single detections make.

    Where each has a track, a row is a track; otherwise the people of a frame fill the
    rows in the order in which they come. Frames may come in any order.

    Args:
        source: What to call the file in messages.
        frames: T, where the file says how many frames there are.
        counted: Whether these are all frames of a video, so that people may be few.
        notes: What the reader assumed.
    """
    found = list(found)
    if not found:
        raise UserError(f'{source}: no person in any frame; nothing to learn from.')
    last = max(detection.frame for detection in found)
    if not counted and max(last, frames) > _SPREAD * (len(found) + 10):
        raise UserError(
            f'{source}: {len(found)} people in frames up to {last}, so these do not '
            'number the frames of one video; give each video a file of its own.'
        )
    tracked = all(detection.track is not None for detection in found)
    rows: dict[str, int] = {}
    filled = np.zeros(max(frames, last + 1), np.int64)
    seen = []
    for detection in found:
        row = int(filled[detection.frame])
        if tracked:
            row = rows.setdefault(str(detection.track), len(rows))
        filled[detection.frame] += 1
        seen.append((row, detection.frame))
    if len(set(seen)) < len(seen):
        row, frame = next(pair for i, pair in enumerate(seen) if pair in seen[:i])
        raise UserError(
            f'{source}: person {list(rows)[row]} is twice in frame {frame}; give '
            'different people different ids.'
        )
    shape = (max(row for row, _ in seen) + 1, len(filled), len(found[0].joints))
    if not counted:
        check_size(shape, len(found), source)
    if not tracked and shape[0] > _CROWD:
        raise UserError(
            f'{source}: {shape[0]} people in one frame, of whom {_CROWD} are read; '
            'raise the least score of the tracker.'
        )
    values = np.zeros((*shape, 3), np.float32)
    person_score = np.zeros(shape[:2], np.float32)
    person_box = np.zeros((*shape[:2], 4), np.float32)
    for detection, (row, frame) in zip(found, seen, strict=True):
        values[row, frame] = detection.joints
        person_score[row, frame] = detection.score or 0
        if detection.box is not None:
            person_box[row, frame] = detection.box
    return Poses(
        values[..., :2],
        values[..., 2],
        skeleton,
        people=tuple(rows),
        person_score=person_score if person_score.any() else None,
        person_box=person_box if person_box.any() else None,
        notes=tuple(notes),
    )


def check_size(shape: tuple[int, int, int], count: int, source: str) -> None:
    """Raise a UserError if poses of a shape (M, T, V) are nearly all of nobody."""
    people, frames, joints = shape
    size = 12 * people * frames * joints
    if size > max(_FREE, _RATIO * 12 * count * joints):
        raise UserError(
            f'{source}: {count} people found, in {people} tracks or places of {frames} '
            f'frames, would take {in_words(size)}; above {in_words(_FREE)} each '
            f'must be seen in one of {_RATIO} frames. Join the tracks of a person, or '
            'cut the video into parts.'
        )


def with_size(poses: Poses) -> Poses:
    """Return poses with the size of their image, at least as far as joints reach."""
    if poses.img_shape is not None:
        return poses
    seen = poses.keypoint[poses.keypoint_score > 0]
    width, height = np.ceil(seen.max(axis=0, initial=0)).astype(int) + 1
    return poses.noting(
        'image size is not known, taken as far as joints reach',
        img_shape=(int(height), int(width)),
    )


def with_rate(
    poses: Poses, file: VideoFile | None, given: float | None, source: str
) -> Poses:
    """Return poses with frames per second, as long as their video, if that is known.

    Trackers that write only people they found stop with the last of these, so frames
    may be added at the end.

    Args:
        given: Frames per second, which count before those of a file.
        source: What to call the poses in messages.

    Raises:
        UserError: If the rate is not known, or the lengths do not go together.
    """
    fps = given or poses.fps or (file.fps if file else None)
    if fps is None:
        raise UserError(
            f'{source}: states no frame rate; give it (--fps, or fps in Python), or '
            'the video as well.'
        )
    fps = check_fps(fps, source)
    if file is None:
        return poses.noting(fps=fps)
    frames = poses.keypoint.shape[1]
    # Programs round 29.97 to 30, and still give every frame its pose.
    same = math.isclose(fps, file.fps, rel_tol=1e-3)
    expected = file.frames if same else round(file.frames * fps / file.fps)
    if given is None and abs(expected - frames) > max(_SECONDS * fps, _PART * expected):
        raise UserError(
            f'{source}: {frames} frames of poses, but {file.path} has {file.frames} at '
            f'{file.fps:g} fps; give the rate of the poses (--fps, or fps in Python), '
            f'which may be {frames / file.frames * file.fps:.3g}, or {file.fps:g} if '
            'nobody is seen in the rest.'
        )
    if expected <= frames:
        return poses.noting(fps=fps)
    more = ((0, 0), (0, expected - frames), (0, 0))
    return poses.noting(
        'frames without people added up to the end of the video',
        keypoint=np.pad(poses.keypoint, (*more, (0, 0))),
        keypoint_score=np.pad(poses.keypoint_score, more),
        person_score=None,
        fps=fps,
    )
