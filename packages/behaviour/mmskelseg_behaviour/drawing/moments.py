"""Pictures of single moments: frames of videos with skeletons, or skeletons alone."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mmskelseg_io.files.inputs import is_file
from mmskelseg_io.files.video import VideoFile, read_frames
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.skeleton import Skeleton, SkeletonLike
from mmskelseg_runtime.drawing.frames import (
    BACKGROUND,
    GROUND,
    FramePicture,
    clock_time,
    draw_box,
    text_lines,
    write_text,
)
from mmskelseg_runtime.drawing.images import save_png

# Pictures in a row, and height and width of the part of the image that each shows.
_COLUMNS, _SHAPE = 3, (480, 640)
# Heights of the letters and lines of a caption.
_LETTER, _LINE = 16, 24
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

    Each shows the part of the image around the person, and how surely its joints were
    found.
    """
    images, captions = _images(moments), [_caption(one) for one in moments]
    most = max(map(len, captions))
    pictures = [
        _drawn(*each, most) for each in zip(moments, images, captions, strict=True)
    ]
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // _COLUMNS)
    columns = min(len(pictures), _COLUMNS)
    sheet = np.full((rows * height, columns * width, 3), BACKGROUND, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // _COLUMNS * height, i % _COLUMNS * width
        sheet[top : top + height, left : left + width] = picture
    save_png(sheet[..., ::-1], path)


def _caption(moment: Moment) -> list[str]:
    """Return the lines below a picture, as many as it takes to say all."""
    own, frame = alone(moment.video), moment.frame
    time = clock_time(frame / own['fps'])
    joints = Skeleton.get(moment.skeleton).joints
    quality = _quality(own['keypoint_score'][0], frame, joints)
    texts = (moment.name, f'{own["frame_dir"]}, {time}', moment.text, quality)
    width = _SHAPE[1] - 4 * _LETTER
    return [line for text in texts for line in text_lines(text, _LETTER, width)]


def _quality(scores: np.ndarray, frame: int, joints: Sequence[str]) -> str:
    """Return how surely the joints of a frame were found, by scores (T, V)."""
    score, seen = scores[frame], np.flatnonzero(scores[frame] > 0)
    if not seen.size:
        return 'no joint is seen'
    lost = len(score) - seen.size
    missing = f'{lost} of {len(score)} joints not seen' if lost else ''
    if np.ptp(scores[scores > 0]) == 0:
        return missing or 'confidence of joints not stated'
    least = seen[score[seen].argmin()]
    name = joints[least].replace('_', ' ')
    mean = f'confidence of joints {score[seen].mean():.2f}'
    return ', '.join(filter(None, (mean, f'{name} {score[least]:.2f}', missing)))


def _drawn(
    moment: Moment, image: np.ndarray, caption: Sequence[str], most: int
) -> np.ndarray:
    """Return the picture of a moment, uint8, BGR, with room for the most lines."""
    own, frame = alone(moment.video), moment.frame
    points, score = own['keypoint'][0, frame], own['keypoint_score'][0, frame]
    picture = FramePicture(_SHAPE, Skeleton.get(moment.skeleton).limbs)
    picture.panel = round((most + 1) * _LINE)
    corner, scale = _part(points[score > 0], own['img_shape'])
    # From pixels of the image, which may be of another size than the poses say.
    steps = scale * np.array(own['img_shape'][::-1]) / image.shape[1::-1]
    warp = np.column_stack([np.diag(steps), -scale * corner])
    border = (GROUND, GROUND, GROUND)
    shown = cv2.warpAffine(image, warp, _SHAPE[::-1], borderValue=border)
    canvas, shown, panel = picture.canvas(shown)
    places = (points - corner) * scale
    picture.draw_person(shown, places, score, moment.label)
    gap = _LETTER // 2
    draw_box(panel, gap, gap, _LETTER, _LETTER, picture.paints(moment.label)[0])
    for i, line in enumerate(caption):
        write_text(panel[i * _LINE :], line, _LETTER, 3 * _LETTER)
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
