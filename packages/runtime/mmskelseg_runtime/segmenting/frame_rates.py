"""Resampling of videos to the frame rate of a model's training data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmskelseg_io.poses.poses import check_frames
from mmskelseg_io.structures.annotations import (
    FRAME_KEYS,
    PLACE_KEYS,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import changed_bodies, joints_seen

# Relative difference of frame rates that is ignored: 29.97 is treated as 30, and the
# speed of people varies more than that.
_NEAR = 0.05


@dataclass(frozen=True)
class ShownVideo:
    """A video as it is shown to a model, at the frame rate of the training data.

    ``back`` is the frame that shows each frame of the original video, shape (T,), None
    if the video is unchanged; ``note`` is a sentence about the change.
    """

    video: VideoAnnotation
    back: np.ndarray | None = None
    note: str = ''

    def at_own_frames(self, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return predictions (..., T) for the original frames."""
        if self.back is None:
            return dict(fields)
        return {key: value[..., self.back] for key, value in fields.items()}


def show_at(
    video: VideoAnnotation, fps: float | None, *, needs_video: bool = False
) -> ShownVideo:
    """Return a video at the frame rate of the training data.

    A model learns how far joints move between frames, and how many frames an action
    lasts, so it needs the same frame rate again. Between two frames, a joint is
    interpolated linearly if it is visible in both, and else taken from the nearer one.
    The video is unchanged if the rates differ by at most 5 %, that of the training data
    is unknown, or features are made from the video file (``needs_video``).
    """
    own, frames = video['fps'], video['total_frames']
    if fps is None or abs(fps / own - 1) <= _NEAR:
        return ShownVideo({**video})
    if needs_video:
        return ShownVideo(
            {**video},
            note=f'has {own:g} frames per second, but the model was trained with '
            f'{fps:g}, so its labels may be wrong; convert the video (ffmpeg -i '
            f'OLD -r {fps:g} NEW.mp4)',
        )
    changed = resampled(video, fps)
    changed.pop('label', None)
    back = ((np.arange(frames) + 0.5) * fps / own).astype(np.int64)
    return ShownVideo(
        changed,
        np.minimum(back, changed['total_frames'] - 1),
        f'shown to the model at {fps:g} frames per second, the rate of its training '
        f'data, instead of {own:g}',
    )


def resampled(video: VideoAnnotation, fps: float) -> VideoAnnotation:
    """Return a video at another frame rate, with the labels of the nearest frames.

    Raises:
        UserError: If it would have implausibly many frames.
    """
    own, frames = video['fps'], video['total_frames']
    # Enough frames to show each frame of the video.
    count = math.ceil(frames * fps / own - 1e-9)
    check_frames(count, frames, own, str(video.get('frame_dir', 'video')))
    # The position of the middle of each new frame among the old ones.
    places = np.clip((np.arange(count) + 0.5) * own / fps - 0.5, 0, frames - 1)
    changed: VideoAnnotation = {**video, 'fps': fps, 'total_frames': count}
    changed.update(interpolated(video, places))
    nearest = nearest_frames(places)
    for key in FRAME_KEYS:
        if key in video:
            changed[key] = video[key][..., nearest]
    if 'observers' in video:
        labels = video['observers'].items()
        changed['observers'] = {who: label[..., nearest] for who, label in labels}
    return changed


def nearest_frames(places: np.ndarray) -> np.ndarray:
    """Return the frames that are nearest to times in frames."""
    return np.rint(places).astype(np.int64)


def interpolated(video: VideoAnnotation, places: np.ndarray) -> VideoAnnotation:
    """Return the skeletons and objects of a video at times between frames, in frames.

    Points that are not seen in both frames are taken from the nearer one, as scores.
    """
    frames = video['total_frames']
    before = np.minimum(places.astype(np.int64), max(frames - 2, 0))
    after = np.minimum(before + 1, frames - 1)
    part = (places - before).astype(np.float32)[:, None, None]
    nearest = nearest_frames(places)

    def between(body: VideoAnnotation) -> VideoAnnotation:
        made: VideoAnnotation = {}
        if 'keypoint_score' in body:
            made['keypoint_score'] = np.asarray(body['keypoint_score'])[:, nearest]
        for key in PLACE_KEYS:
            if key in body:
                points = np.asarray(body[key], np.float32)
                seen = joints_seen(body, key)
                both = (seen[:, before] & seen[:, after])[..., None]
                # A sum of products, since trainings depend on each digit.
                mixed = points[:, before] * (1 - part) + points[:, after] * part
                made[key] = np.where(both, mixed, points[:, nearest])
        return made

    return changed_bodies(video, between)
