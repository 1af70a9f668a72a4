"""Poses of one video from a tracker, before they become an annotation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mmskelseg_io.files.inputs import check_fps, in_words
from mmskelseg_io.files.parsing import numbers
from mmskelseg_io.messages.errors import UserError, misfit, unlike
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import SKELETON_KEYS, VideoAnnotation
from mmskelseg_io.structures.skeleton import Layout

if TYPE_CHECKING:
    from mmskelseg_io.files.video import VideoFile

# The lengths of poses and their video may differ by this many seconds, or by this
# fraction of the video.
_SECONDS, _PART = 1.0, 0.1
# Bytes that poses may always take; above that, each person must be seen in one of so
# many frames.
_FREE, _RATIO = 1 << 28, 50
# The most people in a frame that tracks are computed for.
_CROWD = 500
# The largest plausible ratio of frame numbers to detections.
_SPREAD = 1000
# The largest plausible height or width of an image.
_LARGEST_SIDE = 1 << 16
# The most frames that a change of frame rate may yield, unless the video has more: 18
# hours at 30 frames per second.
_MOST_FRAMES = 2_000_000
# Sides that are rounded, such as to even numbers, change a ratio by less than this.
_ROUNDED = 0.02
# A larger share of joints outside the image gets a note.
_MOST_OUTSIDE = 0.2


class NoRateError(UserError):
    """Poses, of this source, do not state how many frames a second has."""

    source = ''


@dataclass(frozen=True)
class Poses:
    """Joints of the people in one video, frame by frame.

    A joint whose coordinates or score are not finite, or whose score is not above 0, is
    missing: all become 0.

    Args:
        keypoint: Pixels, x to the right and y downwards, shape (M, T, V, 2).
        keypoint_score: Confidence of each joint, shape (M, T, V).
        skeleton: The layout of the joints.
        img_shape: Height and width of the image in pixels, if known.
        fps: Frames per second, if known.
        people: A name for each of the M rows, if each row is the same person in all
            frames. Otherwise a row is only a position in the list of people in a frame.
        person_score: Confidence of each person, shape (M, T), if known.
        person_box: The bounding box of each person as x and y of two corners, shape
            (M, T, 4), zeros if absent from a frame, if known.
        notes: Sentences for the user about what was assumed or skipped.
        keypoint_3d: The joints in 3D, shape (M, T, V, 3), if known.
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
    keypoint_3d: np.ndarray | None = None

    def __post_init__(self) -> None:
        joints = Skeleton.get(self.skeleton).num_joints
        shapes = [np.shape(self.keypoint), np.shape(self.keypoint_score)]
        if shapes[0][2:] != (joints, 2) or shapes[1] != shapes[0][:3]:
            expected = (
                f'(people, frames, {joints} joints, 2), and without the last axis'
            )
            what = 'the shape of keypoint, and that of keypoint_score,'
            raise UserError(unlike(what, shapes, expected))
        keypoint = np.array(self.keypoint, np.float32)
        score = np.array(self.keypoint_score, np.float32)
        missing = ~(np.isfinite(keypoint).all(-1) & np.isfinite(score) & (score > 0))
        if self.keypoint_3d is not None:
            in_3d = np.array(self.keypoint_3d, np.float32)
            missing |= ~np.isfinite(in_3d).all(-1)
            in_3d[missing] = 0
            object.__setattr__(self, 'keypoint_3d', in_3d)
        keypoint[missing], score[missing] = 0, 0
        object.__setattr__(self, 'keypoint', keypoint)
        object.__setattr__(self, 'keypoint_score', score)

    @property
    def joints(self) -> tuple[str, ...]:
        """The names of the V joints."""
        return Skeleton.get(self.skeleton).joints

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Its arrays (M, T, ...) by their names, of those that are known."""
        keys = (*SKELETON_KEYS, 'person_score', 'person_box')
        return {key: own for key in keys if (own := getattr(self, key)) is not None}

    def annotation(self, name: str) -> VideoAnnotation:
        """Return the annotation of a video of these poses, without labels."""
        stated = {'img_shape': self.img_shape, 'fps': self.fps}
        known: dict[str, Any] = {'frame_dir': name}
        known['total_frames'] = self.keypoint.shape[1]
        known |= {key: a for key, a in self.arrays.items() if key in SKELETON_KEYS}
        known |= {key: value for key, value in stated.items() if value is not None}
        return cast(VideoAnnotation, known)

    def above(self, kpt_thr: float) -> Poses:
        """Return these poses without the joints whose score is below a threshold."""
        score = self.keypoint_score
        return replace(self, keypoint_score=np.where(score < kpt_thr, 0, score))

    def noting(self, *notes: str, **changes: Any) -> Poses:
        """Return these poses with additional notes and changed fields."""
        return replace(self, notes=(*self.notes, *notes), **changes)


@dataclass(frozen=True)
class Detection:
    """One person in one frame, which counts from 0.

    ``joints`` (V, 3) are x, y and score; ``score`` is the confidence of the person;
    ``track`` names the track; ``box`` (4,) is x and y of two corners.
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
    """Return the poses of a video from single detections.

    If every detection has a track, each row is a track; otherwise the people in a frame
    fill the rows in their order. Frames may be in any order. ``frames`` is their number
    T, if the file states it; those of a video that were ``counted`` are plausible even
    with few people. ``notes`` say what the reader assumed.
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
    people, rows = _rows(found, source)
    shape = (max(rows) + 1, max(frames, last + 1), len(found[0].joints))
    if not counted:
        check_size(shape, len(found), source)
    if not people and shape[0] > _CROWD:
        raise UserError(
            f'{source}: {shape[0]} people in one frame, but at most {_CROWD} can be '
            'read; raise the score threshold of the tracker.'
        )
    values = np.zeros((*shape, 3), np.float32)
    person_score = np.zeros(shape[:2], np.float32)
    person_box = np.zeros((*shape[:2], 4), np.float32)
    for detection, row in zip(found, rows, strict=True):
        values[row, detection.frame] = detection.joints
        person_score[row, detection.frame] = detection.score or 0
        if detection.box is not None:
            person_box[row, detection.frame] = detection.box
    return Poses(
        values[..., :2],
        values[..., 2],
        skeleton,
        people=people,
        person_score=person_score if person_score.any() else None,
        person_box=person_box if person_box.any() else None,
        notes=tuple(notes),
    )


def _rows(found: Sequence[Detection], source: str) -> tuple[tuple[str, ...], list[int]]:
    """Return the names of tracks, if all detections have one, and each one's row."""
    tracked = all(detection.track is not None for detection in found)
    tracks: dict[str, int] = {}
    seen: dict[int, set[str]] = {}
    rows = []
    for detection in found:
        others = seen.setdefault(detection.frame, set())
        track = str(detection.track if tracked else len(others))
        if track in others:
            raise UserError(
                f'{source}: person {track} occurs twice in frame {detection.frame}; '
                'give different people different ids.'
            )
        others.add(track)
        rows.append(tracks.setdefault(track, len(tracks)))
    return tuple(tracks) if tracked else (), rows


def check_size(shape: tuple[int, int, int], count: int, source: str) -> None:
    """Raise a UserError if poses (M, T, V) would be large but mostly empty."""
    people, frames, joints = shape
    size = 12 * people * frames * joints
    if size > max(_FREE, _RATIO * 12 * count * joints):
        raise UserError(
            f'{source}: {count} people found, in {people} tracks or places of {frames} '
            f'frames, would take {in_words(size)}; above {in_words(_FREE)} each must '
            f'be seen in one of {_RATIO} frames; merge tracks, or split the video.'
        )


def check_frames(count: int, frames: int, fps: float, source: str) -> None:
    """Raise a UserError if ``frames`` become implausibly many at another frame rate."""
    if count > max(frames, _MOST_FRAMES):
        raise UserError(
            f'{source}: {fps:g} frames per second would make {count} frames of its '
            f'{frames}; correct the frame rate.'
        )


def check_pixels(poses: Poses, source: str, remedy: str) -> None:
    """Raise a UserError if coordinates seem to be fractions of the image."""
    if 0 < poses.keypoint.max() <= 1:
        raise UserError(
            f'{source}: no coordinate exceeds 1, so these are not pixels; {remedy}.'
        )


def check_img_shape(img_shape: object, place: str) -> tuple[int, int]:
    """Return the height and width of an image, after checking their range."""
    sides = numbers(img_shape, (2,), f'{place}: img_shape')
    if not ((sides >= 1) & (sides <= _LARGEST_SIDE) & (sides % 1 == 0)).all():
        expected = f'height and width in pixels, from 1 to {_LARGEST_SIDE}'
        raise misfit(place, 'img_shape', img_shape, expected)
    return int(sides[0]), int(sides[1])


def check_stated_size(poses: Poses, given: tuple[int, int] | None, source: str) -> None:
    """Raise a UserError if poses state another image size than the given one."""
    if given is not None and poses.img_shape not in (None, given):
        height, width = poses.img_shape
        raise UserError(
            f'{source}: states images of {width}x{height}, but the given size '
            f'(--size) is {given[1]}x{given[0]}; leave it out.'
        )


def in_pixels_of(poses: Poses, video: VideoFile, source: str) -> Poses:
    """Return poses in the pixels of their video, scaled if they state another size.

    Raises:
        UserError: If the images that they state are of another shape.
    """
    height, width = video.img_shape
    # Joints in 3D have pixels of their own.
    if poses.img_shape in (None, video.img_shape) or poses.keypoint_3d is not None:
        return poses
    stated_height, stated_width = poses.img_shape
    scale = np.array([width / stated_width, height / stated_height], np.float32)
    if abs(scale[0] / scale[1] - 1) > _ROUNDED:
        raise UserError(
            f'{source}: states images of {stated_width}x{stated_height}, but '
            f'{video.path} has the shape {width}x{height}; give the video of the poses.'
        )
    box = poses.person_box
    return poses.noting(
        f'scaled from images of {stated_width}x{stated_height} to the '
        f'{width}x{height} of the video',
        keypoint=poses.keypoint * scale,
        img_shape=video.img_shape,
        person_box=None if box is None else box * np.tile(scale, 2),
    )


def with_size(poses: Poses) -> Poses:
    """Return poses with an image size, estimated from the joints if unknown.

    A note says if many joints lie outside an image of the stated size.
    """
    seen = poses.keypoint[poses.keypoint_score > 0]
    if poses.img_shape is not None:
        width, height = poses.img_shape[::-1]
        outside = ((seen < 0) | (seen > (width, height))).any(axis=-1)
        if not outside.size or outside.mean() <= _MOST_OUTSIDE:
            return poses
        x, y = seen.max(axis=0)
        return poses.noting(
            f'{outside.mean():.0%} of the joints lie outside the image of '
            f'{width}x{height}, up to ({x:.0f}, {y:.0f}); the poses seem to come from '
            'a video of another size'
        )
    width, height = np.ceil(seen.max(axis=0, initial=0)).astype(int) + 1
    return poses.noting(
        'image size is unknown, estimated from the extent of the joints',
        img_shape=(int(height), int(width)),
    )


def with_rate(
    poses: Poses, file: VideoFile | None, given: float | None, source: str
) -> Poses:
    """Return poses with a frame rate, extended to the length of their video, if any.

    Empty frames may be added at the end, since some trackers stop writing after the
    last person they found. ``given`` frames per second override those of a file;
    ``source`` names the poses in messages.

    Raises:
        NoRateError: If the frame rate is unknown.
        UserError: If the lengths do not match.
    """
    fps = given or poses.fps or (file.fps if file else None)
    if fps is None:
        error = NoRateError(
            f'{source}: has no frame rate; give it (--fps, or fps in Python), or '
            'give the video as well.'
        )
        error.source = source
        raise error
    fps = check_fps(fps, source)
    if given and poses.fps and not math.isclose(given, poses.fps, rel_tol=1e-3):
        poses = poses.noting(f'{given:g} fps instead of the {poses.fps:g} of the file')
    if file is None:
        return poses.noting(fps=fps)
    frames = poses.keypoint.shape[1]
    # Programs round 29.97 to 30, but still write a pose for every frame.
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
    check_frames(expected, max(frames, file.frames), fps, source)
    more = ((0, 0), (0, expected - frames), (0, 0), (0, 0))
    longer = {key: np.pad(a, more[: a.ndim]) for key, a in poses.arrays.items()}
    note = 'frames without people added up to the end of the video'
    return poses.noting(note, **{**longer, 'person_score': None, 'fps': fps})
