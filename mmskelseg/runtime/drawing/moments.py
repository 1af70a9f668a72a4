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

# Pictures in a row, and height and width of the part of the image that each shows.
_COLUMNS, _SHAPE = 3, (480, 640)
# A picture is higher, or wider, than the person by this.
_ROOM = 1.6


class Moment(NamedTuple):
    """A frame of a video, with the id and name of a class, -1 for none, and a text."""

    video: VideoAnnotation
    skeleton: SkeletonLike
    frame: int
    label: int
    name: str
    text: str


def write_moments(path: Path, moments: Sequence[Moment]) -> None:
    """Write moments side by side, in rows of three, as a PNG.

    Each shows the part of the image around the person.
    """
    images = _images(moments)
    pictures = [_drawn(*pair) for pair in zip(moments, images, strict=True)]
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // _COLUMNS)
    columns = min(len(pictures), _COLUMNS)
    sheet = np.full((rows * height, columns * width, 3), BACKGROUND, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // _COLUMNS * height, i % _COLUMNS * width
        sheet[top : top + height, left : left + width] = picture
    save_png(sheet[..., ::-1], path)


def _drawn(moment: Moment, image: np.ndarray) -> np.ndarray:
    """Return the picture of a moment, uint8, BGR."""
    own, frame = alone(moment.video), moment.frame
    points, score = own['keypoint'][0, frame], own['keypoint_score'][0, frame]
    picture = FramePicture(_SHAPE, Skeleton.get(moment.skeleton).limbs)
    corner, scale = _part(points[score > 0], own['img_shape'])
    # From pixels of the image, which may be of another size than the poses say.
    steps = scale * np.array(own['img_shape'][::-1]) / image.shape[1::-1]
    warp = np.column_stack([np.diag(steps), -scale * corner])
    border = (GROUND, GROUND, GROUND)
    shown = cv2.warpAffine(image, warp, _SHAPE[::-1], borderValue=border)
    canvas, shown, panel = picture.canvas(shown)
    places = (points - corner) * scale
    picture.draw_person(shown, places, score, moment.label)
    time = clock_time(frame / own['fps'])
    picture.draw_label(panel, moment.label, moment.name, time, own['frame_dir'])
    unit, below = picture.unit, panel[2 * picture.unit :]
    # Smaller, since it has more to say.
    size, most = round(0.75 * unit), picture.size[1] - unit
    write_text(below, moment.text, size, unit // 2, most=most)
    return canvas


def _part(points: np.ndarray, img_shape: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Return the left upper corner of the part to show, (2,), and its scale."""
    size = np.array(_SHAPE[::-1])
    if not len(points):
        return np.zeros(2), float((size / img_shape[::-1]).min())
    low, high = points.min(axis=0), points.max(axis=0)
    scale = float((size / np.maximum(_ROOM * (high - low), 1)).min())
    return (low + high) / 2 - size / scale / 2, scale


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
