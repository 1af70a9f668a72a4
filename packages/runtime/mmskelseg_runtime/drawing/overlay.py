"""Videos with skeletons, the current label and a timeline with a moving cursor."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image

from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.video import VideoFile, read_frames, written_video
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.progress import progress_bar
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.places import Place
from mmskelseg_io.structures.predictions import Prediction, of_tiers, tier_title
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.drawing.frames import (
    GROUND,
    FramePicture,
    clock_time,
    draw_box,
    write_text,
)
from mmskelseg_runtime.drawing.palette import class_colors

Predictions: TypeAlias = Prediction | Sequence[Prediction]
_GIF_FPS, _GIF_COLORS, _LONGEST_GIF = 10, 64, 60
# Largest side of a plain background, since pose files may state any size.
_LARGEST_PLAIN = 1920


def write_overlay(
    prediction: Predictions,
    path: str | os.PathLike,
    *,
    codec: str = 'mp4v',
    show_progress: bool = True,
) -> None:
    """Write a video with its prediction drawn onto the frames, without sound.

    Args:
        prediction: See :class:`Overlay`, with ``filename``, the video; without it, the
            background is plain. Several predictions are drawn together as by
            :class:`PeopleOverlay`.
        path: The ``.mp4`` file to write.
        codec: See :func:`mmskelseg_io.files.video.written_video`.
        show_progress: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If the video does not exist.
        ValueError: If the video cannot be read, or the codec is not available.
    """
    overlay, images = _read(prediction, path)
    file = overlay.file
    with (
        progress_bar('Drawing the overlay', file.frames, show_progress) as count,
        written_video(path, file.fps, overlay.img_shape, codec) as write,
    ):
        for i, image in enumerate(images):
            write(overlay.draw(image, i))
            count(1)


def write_gif(
    prediction: Predictions, path: str | os.PathLike, *, show_progress: bool = True
) -> None:
    """Write the overlay as a small animated GIF for web pages, at 10 frames per second.

    See :func:`write_overlay`.

    Raises:
        FileNotFoundError: If the video does not exist.
        ValueError: If the video cannot be read, or is longer than a minute.
    """
    overlay, images = _read(prediction, path)
    file = overlay.file
    if file.seconds > _LONGEST_GIF:
        raise UserError(
            f'{path}: a GIF of {file.seconds:.0f} s would be too large for a web page; '
            f'the limit is {_LONGEST_GIF} s. Write an overlay instead.'
        )
    # A video of fewer frames per second shows all of them.
    rate = min(_GIF_FPS, file.fps)
    pictures: list[Image.Image] = []
    with progress_bar('Drawing the GIF', file.frames, show_progress) as count:
        for i, image in enumerate(images):
            if i * rate / file.fps >= len(pictures):
                picture = overlay.draw(image, i)
                height, width = (max(1, side // 2) for side in picture.shape[:2])
                small = cv2.resize(picture, (width, height), None, 0, 0, cv2.INTER_AREA)
                pictures.append(Image.fromarray(small[..., ::-1]))
            count(1)
    # One palette for all frames, since they have the same colours.
    method = Image.Quantize.MAXCOVERAGE
    middle = pictures[len(pictures) // 2].quantize(_GIF_COLORS, method, kmeans=1)
    frames = [p.quantize(palette=middle, dither=Image.Dither.NONE) for p in pictures]
    with atomic_write(path) as stream:
        frames[0].save(
            stream,
            'GIF',
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 / rate),
            loop=0,
        )


def _read(
    prediction: Predictions, path: str | os.PathLike
) -> tuple['Overlay', Iterable[np.ndarray]]:
    """Return the overlay of one or several predictions, and the frames to draw onto."""
    first = prediction if isinstance(prediction, Mapping) else prediction[0]
    images: Iterable[np.ndarray]
    if 'filename' in first:
        file = VideoFile.open(first['filename'])
        images = read_frames(file.path)
    else:
        frames, (height, width) = first['pred_label'].shape[-1], first['img_shape']
        scale = min(1, _LARGEST_PLAIN / max(height, width))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        file = VideoFile(Path(path), frames, first['fps'], size)
        images = repeat(np.full((1, 1, 3), GROUND, np.uint8), frames)
    if not isinstance(prediction, Mapping):
        return PeopleOverlay(prediction, file), images
    if 'tiers' in prediction:
        return PeopleOverlay([prediction], file), images
    return Overlay(prediction, file), images


class Overlay(FramePicture):
    """Draws the prediction for a video onto its frames.

    Below the picture are the label of the frame, its confidence and the time, and below
    them the timeline of the whole video. Colours are those of the timelines.

    Args:
        prediction: Has ``pred_label`` (T,), -1 for none; ``pred_score`` (K, T);
            ``fps``; ``classes``; ``skeleton``; and, to draw skeletons, ``keypoint``
            (M, T, V, 2) in pixels of ``img_shape`` and ``keypoint_score``; and
            ``objects`` and ``places`` in the image, if there are any.
        file: The video.
    """

    def __init__(self, prediction: Prediction, file: VideoFile) -> None:
        limbs = Skeleton.get(prediction['skeleton']).limbs
        colors = class_colors(tiers_of(prediction))
        super().__init__(file.img_shape, limbs, colors)
        self.prediction = prediction
        self.file = file
        # Those whose skeletons are drawn.
        self.people: Sequence[Prediction] = [prediction]
        self.frames = prediction['pred_label'].shape[-1]
        width = self.size[1] - 2 * (self.unit // 2)
        self._bar = self._timeline(prediction['pred_label'], width)
        self._places = [*map(Place.of, prediction.get('places', ()))]

    def label_frame(self, i: int) -> int | None:
        """Return the index of the label for frame i of the video, or None.

        Both start at 0; if their frame rates differ, they are aligned by time.
        """
        step = 1.0
        if abs(self.file.frames - self.frames) > 1:
            step = self.prediction['fps'] / self.file.fps
        frame = math.floor((i + 0.5) * step)
        return frame if frame < self.frames else None

    def draw(self, image: np.ndarray, i: int) -> np.ndarray:
        """Return frame i, (H, W, 3), uint8, BGR, with the overlay, (*img_shape, 3)."""
        canvas, picture, panel = self.canvas(image)
        if self._places:
            self.draw_places(picture, self._places, self.prediction['img_shape'])
        frame = self.label_frame(i)
        if frame is not None:
            self._draw_objects(picture, frame)
            self._draw_picture(picture, frame)
        self._draw_panel(panel, i, frame)
        return canvas

    def _draw_objects(self, picture: np.ndarray, frame: int) -> None:
        joints = np.concatenate([self._seen(one, frame) for one in self.people])
        for one in self.prediction.get('objects', ()):
            points = one['points'][frame] * self._scale()
            self.draw_object(picture, points, one['score'][frame], one['name'], joints)

    def _scale(self) -> np.ndarray:
        """Return the width and height of a pixel of ``img_shape`` in the picture."""
        return np.array(self.size[::-1]) / self.prediction['img_shape'][::-1]

    def _draw_picture(self, picture: np.ndarray, frame: int) -> None:
        for prediction in self.people:
            label = int(prediction['pred_label'][frame])
            for points, score in zip(*self._joints(prediction, frame), strict=True):
                self.draw_person(picture, points, score, label)

    def _joints(
        self, prediction: Prediction, frame: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the joints of people in the picture (M, V, 2), and their scores."""
        if 'keypoint' not in prediction:
            return np.zeros((0, 0, 2)), np.zeros((0, 0))
        people = prediction['keypoint'][:, frame] * self._scale()
        return people, prediction['keypoint_score'][:, frame]

    def _seen(self, prediction: Prediction, frame: int) -> np.ndarray:
        """Return the joints that are seen, shape (J, 2)."""
        points, score = self._joints(prediction, frame)
        return points[score > 0]

    def _draw_panel(self, panel: np.ndarray, i: int, frame: int | None) -> None:
        label, name, sure = -1, 'no prediction', ''
        if frame is not None:
            label, name = int(self.prediction['pred_label'][frame]), 'unlabelled'
        if label >= 0:
            name = str(self.prediction['classes'][label])
            sure = f'{self.prediction["pred_score"][label, frame]:.0%}'
        self.draw_label(panel, label, name, self._clock(i), sure)
        self._draw_bar(panel, self._bar, self.unit // 2, 2 * self.unit, i)

    def _clock(self, i: int) -> str:
        return f'{clock_time(i / self.file.fps)} / {clock_time(self.file.seconds)}'

    def _draw_bar(
        self, panel: np.ndarray, bar: np.ndarray, left: int, top: int, i: int
    ) -> None:
        """Draw a timeline at (left, top), with a cursor at frame i."""
        height, width = bar.shape[:2]
        draw_box(panel, top, left, height, width, bar)
        x = left + round((i + 0.5) / self.file.frames * (width - 1))
        x, reach = min(x, left + width - 1), self.unit // 3
        rows = panel[top - reach : top + height + reach]
        # White with black edges, which is visible on every colour.
        half = max(1, self.unit // 12)
        rows[:, max(0, x - 2 * half) : x + 2 * half + 1] = 0
        rows[:, max(0, x - half) : x + half + 1] = 255

    def _timeline(self, labels: np.ndarray, width: int) -> np.ndarray:
        """Return the bar of the whole video, shape (h, width, 3)."""
        # A very narrow picture has no room for it.
        width = max(width, 0)
        places = (np.arange(width) + 0.5) / width * self.file.frames
        frames = [self.label_frame(math.floor(place)) for place in places]
        shown = [-1 if frame is None else labels[frame] for frame in frames]
        colors = [self.paints(int(label))[0] for label in shown]
        row = np.array(colors, np.uint8).reshape(width, 3)
        return np.repeat(row[None], round(1.5 * self.unit), axis=0)


class PeopleOverlay(Overlay):
    """Draws the predictions for several people, or tiers, onto the frames of a video.

    Each person has the colour of their own label, of the first tier, and their name
    above the head. Below the picture are the time, and the name, label and timeline of
    each tier of each person.

    Args:
        predictions: Predictions for the same frames; see :class:`Overlay`. If there are
            several, each also has ``person``, a name.
        file: The video.
    """

    def __init__(self, predictions: Sequence[Prediction], file: VideoFile) -> None:
        rows = [
            (tier_title(prediction.get('person'), tier), row)
            for prediction in predictions
            for tier, row in of_tiers(prediction).items()
        ]
        self.titles, self.predictions = zip(*rows, strict=True)
        super().__init__(self.predictions[0], file)
        # Those of a tier do not know its background.
        self.colors = class_colors(tiers_of(predictions[0]))
        self.people = self.predictions[:: len(rows) // len(predictions)]
        gap, width = self.unit // 2, self.size[1]
        self._left = gap + min(16 * self.unit, 2 * width // 5)
        self._bars = [
            self._timeline(prediction['pred_label'], width - gap - self._left)
            for prediction in self.predictions
        ]
        self.panel = 2 * math.ceil(self.unit * (1 + len(rows)))

    def _draw_picture(self, picture: np.ndarray, frame: int) -> None:
        super()._draw_picture(picture, frame)
        # Tags are drawn last, on top of all skeletons.
        for prediction in self.people:
            joints = self._seen(prediction, frame)
            if len(joints) and 'person' in prediction:
                x, y = joints[:, 0].mean(), joints[:, 1].min() - self.unit
                label = int(prediction['pred_label'][frame])
                place = np.clip([x, y], -(2**14), 2**14).astype(int).tolist()
                self.draw_tag(
                    picture, str(prediction['person']), label, self.unit, *place
                )

    def _draw_panel(self, panel: np.ndarray, i: int, frame: int | None) -> None:
        unit, width = self.unit, self.size[1]
        gap = unit // 2
        write_text(panel, self._clock(i), unit, width - gap, at_right=True)
        for row, prediction in enumerate(self.predictions, 1):
            top = 2 * unit * row
            label = -1 if frame is None else int(prediction['pred_label'][frame])
            name = prediction['classes'][label] if label >= 0 else 'unlabelled'
            draw_box(panel, top + gap, gap, unit, unit, self.paints(label)[0])
            x = gap + 2 * unit
            half = (self._left - x) // 2
            for column, text in enumerate((self.titles[row - 1], name)):
                place = x + column * half
                write_text(panel[top:], text, unit, place, most=half - gap)
            self._draw_bar(panel, self._bars[row - 1], self._left, top + unit // 4, i)
