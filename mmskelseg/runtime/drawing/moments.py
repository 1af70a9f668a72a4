"""Pictures of single moments: frames of videos with skeletons, or skeletons alone."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmskelseg.runtime.drawing.frames import (
    BACKGROUND,
    GROUND,
    FramePicture,
    clock_time,
    write_text,
)
from mmskelseg.runtime.drawing.images import save_png
from mmskelseg.runtime.files.inputs import is_file
from mmskelseg.runtime.files.video import VideoFile, read_frames
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.individuals import alone
from mmskelseg.runtime.structures.skeleton import Skeleton, SkeletonLike

# Pictures in a row, and the width of each in pixels.
_COLUMNS, _WIDTH = 3, 640


class Moment(NamedTuple):
    """A frame of a video, with the id and name of a class, -1 for none, and a text."""

    video: VideoAnnotation
    skeleton: SkeletonLike
    frame: int
    label: int
    name: str
    text: str


def write_moments(path: Path, moments: Sequence[Moment]) -> None:
    """Write moments side by side, in rows of three, as a PNG."""
    images = _images(moments)
    pictures = [_drawn(*pair) for pair in zip(moments, images, strict=True)]
    height = max(len(picture) for picture in pictures)
    rows = -(-len(pictures) // _COLUMNS)
    columns = min(len(pictures), _COLUMNS)
    sheet = np.full((rows * height, columns * _WIDTH, 3), BACKGROUND, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // _COLUMNS * height, i % _COLUMNS * _WIDTH
        sheet[top : top + len(picture), left : left + _WIDTH] = picture
    save_png(sheet[..., ::-1], path)


def _drawn(moment: Moment, image: np.ndarray) -> np.ndarray:
    """Return the picture of a moment, (h, width, 3), uint8, BGR."""
    own, frame = alone(moment.video), moment.frame
    shape = own['img_shape']
    picture = FramePicture(shape, Skeleton.get(moment.skeleton).limbs)
    canvas, shown, panel = picture.canvas(image)
    scale = np.array(picture.size[::-1]) / shape[::-1]
    points = own['keypoint'][0, frame] * scale
    picture.draw_person(shown, points, own['keypoint_score'][0, frame], moment.label)
    time = clock_time(frame / own['fps'])
    picture.draw_label(panel, moment.label, moment.name, time)
    unit = picture.unit
    write_text(panel[2 * unit :], moment.text, unit, unit // 2)
    write_text(
        panel[2 * unit :], own['frame_dir'], unit, picture.size[1] - unit // 2,
        at_right=True,
    )  # fmt: skip
    height = round(len(canvas) * _WIDTH / canvas.shape[1])
    return cv2.resize(canvas, (_WIDTH, height), interpolation=cv2.INTER_AREA)


def _images(moments: Sequence[Moment]) -> list[np.ndarray]:
    """Return the image of each moment, or a plain one if its video is not there."""
    images = [np.full((1, 1, 3), GROUND, np.uint8) for _ in moments]
    wanted: dict[Path, dict[int, list[int]]] = {}
    for i, moment in enumerate(moments):
        video, name = moment.video, moment.video.get('filename')
        if name and is_file(name):
            file = VideoFile.open(name)
            is_other_rate = abs(file.frames - video['total_frames']) > 1
            step = file.fps / video['fps'] if is_other_rate else 1.0
            frame = int((moment.frame + 0.5) * step)
            wanted.setdefault(file.path, {}).setdefault(frame, []).append(i)
    for path, frames in wanted.items():
        # Each video is read once, in the order in which it is stored.
        for frame, image in enumerate(islice(read_frames(path), max(frames) + 1)):
            for i in frames.get(frame, ()):
                images[i] = image
    return images
