"""Videos of another frame rate than that of the data that a model was trained on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmskelseg.structures.annotations import PLACE_KEYS, VideoAnnotation

# Part by which rates may differ: 29.97 is 30, and people differ more than that.
_NEAR = 0.05


@dataclass(frozen=True)
class ShownVideo:
    """A video as a model is shown it.

    Args:
        video: Its annotation, at the rate of the training data.
        back: For each frame of the video itself the one that shows it, shape (T,); None
            if it is shown as it is.
        note: What was done about the rate, a sentence; empty if nothing.
    """

    video: VideoAnnotation
    back: np.ndarray | None = None
    note: str = ''

    def at_own_frames(self, fields: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return predictions, whose last axis is frames, for the video's own ones."""
        if self.back is None:
            return dict(fields)
        return {key: value[..., self.back] for key, value in fields.items()}


def show_at(
    video: VideoAnnotation, fps: float | None, *, needs_video: bool = False
) -> ShownVideo:
    """Return a video at the rate of the training data.

    A model that learned how far joints move from frame to frame, and how many frames an
    action lasts, has to see them at the same rate again. Joints between two frames lie
    on the line between them, if both show the joint, and else are those of the nearer
    frame.

    Args:
        video: Its annotation, with ``fps`` and skeletons.
        fps: Frames per second of the training data; None if not known.
        needs_video: Whether features are made of the video file, whose frames stay as
            they are.

    Returns:
        The video, as it was if the rates differ by 5 % at most.
    """
    own, frames = video['fps'], video['total_frames']
    if fps is None or abs(fps / own - 1) <= _NEAR:
        return ShownVideo({**video})
    if needs_video:
        return ShownVideo(
            {**video},
            note=f'has {own:g} frames per second, but the model was trained with '
            f'{fps:g}, so that its labels may be wrong; convert the video (ffmpeg -i '
            f'OLD -r {fps:g} NEW.mp4)',
        )
    # So many that each frame of the video is shown.
    count = math.ceil(frames * fps / own - 1e-9)
    # Where the middle of each new frame lies among the old ones.
    places = np.clip((np.arange(count) + 0.5) * own / fps - 0.5, 0, frames - 1)
    before = np.minimum(places.astype(np.int64), max(frames - 2, 0))
    after = np.minimum(before + 1, frames - 1)
    part = (places - before).astype(np.float32)
    nearest = np.where(part < 0.5, before, after)
    changed: VideoAnnotation = {**video, 'fps': fps, 'total_frames': count}
    score = video.get('keypoint_score')
    both = None
    if score is not None:
        seen = np.asarray(score) > 0
        both = (seen[:, before] & seen[:, after])[..., None]
        changed['keypoint_score'] = np.asarray(score)[:, nearest]
    for key in PLACE_KEYS:
        if key in video:
            points = np.asarray(video[key])
            way = points[:, after] - points[:, before]
            between = points[:, before] + part[:, None, None] * way
            whole = points[:, nearest]
            changed[key] = (
                between if both is None else np.where(both, between, whole)
            ).astype(points.dtype)
    changed.pop('label', None)
    back = ((np.arange(frames) + 0.5) * fps / own).astype(np.int64)
    return ShownVideo(
        changed,
        np.minimum(back, count - 1),
        f'shown to the model at {fps:g} frames per second, as its training data, '
        f'instead of {own:g}',
    )
