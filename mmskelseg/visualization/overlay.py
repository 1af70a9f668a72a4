"""A video with its skeletons, the current label and a timeline with a moving cursor."""

import math
import os
from collections.abc import Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmskelseg.fileio.video import VideoFile, read_frames, written_video
from mmskelseg.structures import Skeleton
from mmskelseg.utils.progress import progress_bar
from mmskelseg.visualization.frames import (
    BACKGROUND,
    EDGE,
    GROUND,
    clock_time,
    draw_person,
    label_color,
    picture_size,
    write_text,
)


def write_overlay(
    prediction: Mapping[str, Any],
    path: str | os.PathLike,
    *,
    codec: str = 'mp4v',
    show_progress: bool = True,
) -> None:
    """Write a video's frames with what was predicted of them, without its sound.

    Args:
        prediction: As for :class:`Overlay`, with ``filename``, the video; without it,
            everything is drawn on a plain ground.
        path: The ``.mp4`` file to write.
        codec: See :func:`mmskelseg.fileio.video.written_video`.
        show_progress: Whether a bar is shown.

    Raises:
        FileNotFoundError: If there is no such video.
        ValueError: If it cannot be read, or the codec not written.
    """
    if 'filename' in prediction:
        file = VideoFile.open(prediction['filename'])
        images = read_frames(file.path)
    else:
        frames, size = len(prediction['pred_label']), prediction['img_shape']
        file = VideoFile(Path(path), frames, prediction['fps'], tuple(size))
        images = repeat(np.full((1, 1, 3), GROUND, np.uint8), frames)
    overlay = Overlay(prediction, file)
    with (
        progress_bar('Drawing the overlay', file.frames, show_progress) as count,
        written_video(path, file.fps, overlay.img_shape, codec) as write,
    ):
        for i, image in enumerate(images):
            write(overlay.draw(image, i))
            count(1)


class Overlay:
    """Draws what was predicted of a video onto its frames.

    Below the picture stand the label of the frame, its confidence and the time, and
    under them the timeline of the whole video. Colours are those of the timelines.

    Args:
        prediction: With ``pred_label`` (T,), -1 for none; ``pred_score`` (K, T);
            ``fps``; ``classes``; and, to draw skeletons, ``keypoint`` (M, T, V, 2) in
            pixels of ``img_shape``, ``keypoint_score`` and ``skeleton``.
        file: The video.
    """

    def __init__(self, prediction: Mapping[str, Any], file: VideoFile) -> None:
        self.prediction = prediction
        self.file = file
        self.size, self.unit = picture_size(file.img_shape)
        self.panel = 2 * round(4.1 * self.unit / 2)
        self.frames = len(prediction['pred_label'])
        limbs = Skeleton.get(prediction['skeleton']).limbs
        self.limbs = limbs if 'keypoint' in prediction else ()
        self._bar = self._timeline()

    @property
    def img_shape(self) -> tuple[int, int]:
        """Height and width of what is drawn."""
        return self.size[0] + self.panel, self.size[1]

    def label_frame(self, i: int) -> int | None:
        """Return the frame of labels that is shown with frame i of the video, if any.

        Both are counted from 0; where their rates differ, by time.
        """
        step = 1.0
        if abs(self.file.frames - self.frames) > 1:
            step = self.prediction['fps'] / self.file.fps
        frame = math.floor((i + 0.5) * step)
        return frame if frame < self.frames else None

    def draw(self, image: np.ndarray, i: int) -> np.ndarray:
        """Return frame i of the video, with what belongs to it.

        Args:
            image: Shape (H, W, 3), uint8; blue comes first.
            i: Its number, from 0.
        """
        canvas = np.empty((*self.img_shape, 3), np.uint8)
        picture = canvas[: self.size[0]]
        picture[:] = cv2.resize(image, self.size[::-1])
        frame = self.label_frame(i)
        label = -1 if frame is None else int(self.prediction['pred_label'][frame])
        if frame is not None and 'keypoint' in self.prediction:
            self._draw_people(picture, frame, label)
        self._draw_panel(canvas[self.size[0] :], i, frame, label)
        return canvas

    def _draw_people(self, picture: np.ndarray, frame: int, label: int) -> None:
        size = np.array(self.size[::-1]) / self.prediction['img_shape'][::-1]
        people = self.prediction['keypoint'][:, frame] * size
        scores = self.prediction['keypoint_score'][:, frame]
        for points, score in zip(people, scores, strict=True):
            draw_person(picture, points, score, self.limbs, label, self.unit)

    def _draw_panel(
        self, panel: np.ndarray, i: int, frame: int | None, label: int
    ) -> None:
        unit, width = self.unit, self.size[1]
        panel[:] = BACKGROUND
        gap = unit // 2
        # Edges, since some colours are as dark as the panel.
        panel[gap - 1 : gap + unit + 1, gap - 1 : gap + unit + 1] = EDGE
        panel[gap : gap + unit, gap : gap + unit] = label_color(label)
        name, sure = 'no prediction', ''
        if frame is not None:
            name = 'unlabelled'
            if label >= 0:
                name = str(self.prediction['classes'][label])
                sure = f'{self.prediction["pred_score"][label, frame]:.0%}'
        clock = f'{clock_time(i / self.file.fps)} / {clock_time(self.file.seconds)}'
        right = width - gap
        for text in filter(None, (clock, sure)):
            right -= write_text(panel, text, unit, right, at_right=True) + unit
        write_text(panel, name, unit, gap + 2 * unit, most=right - 2 * gap - unit)
        top = 2 * unit
        bar = panel[top : top + self._bar.shape[0], gap : width - gap]
        panel[top - 1 : top + len(bar) + 1, gap - 1 : width - gap + 1] = EDGE
        bar[:] = self._bar
        x = gap + round((i + 0.5) / self.file.frames * (bar.shape[1] - 1))
        self._draw_cursor(panel, min(x, width - gap - 1), top)

    def _draw_cursor(self, panel: np.ndarray, x: int, top: int) -> None:
        """Draw a white line with black edges, which shows on every colour."""
        bottom = top + self._bar.shape[0]
        half = max(1, self.unit // 12)
        reach = self.unit // 3
        panel[top - reach : bottom + reach, max(0, x - 2 * half) : x + 2 * half + 1] = 0
        panel[top - reach : bottom + reach, max(0, x - half) : x + half + 1] = 255

    def _timeline(self) -> np.ndarray:
        """Return the bar of the whole video, shape (h, w, 3)."""
        columns = self.size[1] - 2 * (self.unit // 2)
        places = (np.arange(columns) + 0.5) / columns * self.file.frames
        frames = [self.label_frame(math.floor(place)) for place in places]
        labels = [-1 if f is None else self.prediction['pred_label'][f] for f in frames]
        row = np.array([label_color(int(label)) for label in labels], np.uint8)
        return np.repeat(row[None], round(1.5 * self.unit), axis=0)
