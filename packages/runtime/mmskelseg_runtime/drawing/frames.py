"""Drawing onto frames of videos: people, objects, text, colours."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmskelseg_io.structures.objects import BOX
from mmskelseg_io.structures.places import Place, zones
from mmskelseg_runtime.drawing.fonts import font_file
from mmskelseg_runtime.drawing.palette import PALETTE, class_color, rgb, text_color

# A colour in BGR order.
_Paint: TypeAlias = tuple[int, int, int]
# Colours in BGR order, as in OpenCV. GROUND is the grey value of a missing picture.
BACKGROUND, GROUND, _EDGE, _TEXT = (28, 28, 28), 45, (150, 150, 150), (240, 240, 240)
# What stands for an object instead of a class; -1 is a frame without a label.
OBJECT = -2
_OBJECT_COLOR = '#FFFFFF'
# Smaller pictures are enlarged to this height or width, so that text is legible.
_LEAST = 480
# Possible seconds between two ticks of a time axis; longer ones are whole hours.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
# Joints with a lower score are too uncertain to be drawn.
_SCORE = 0.2


class FramePicture:
    """A video frame above a panel with its label, both in sizes that suit the video.

    Args:
        img_shape: Height and width of the video's frames.
        limbs: Pairs of joints.
        colors: Those of class ids.

    Attributes:
        size: Height and width at which frames are shown.
        unit: Size of text, to which all other sizes are proportional.
        panel: Height of the panel.
    """

    def __init__(
        self,
        img_shape: tuple[int, int],
        limbs: Iterable[tuple[int, int]],
        colors: Sequence[str] = PALETTE,
    ) -> None:
        scale = max(1.0, _LEAST / max(img_shape))
        # Codecs need even sizes.
        height, width = (max(2, 2 * round(side * scale / 2)) for side in img_shape)
        self.size = height, width
        self.unit = max(14, round(min(height, width) / 28), round(width / 60))
        self.panel = 2 * round(4.1 * self.unit / 2)
        self.limbs = tuple(limbs)
        self.colors = colors

    @property
    def img_shape(self) -> tuple[int, int]:
        """Height and width of the drawn pictures."""
        return self.size[0] + self.panel, self.size[1]

    def canvas(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a picture (*img_shape, 3), and its frame and panel, to draw on them.

        The image of the frame is uint8 in BGR order, shape (H, W, 3).
        """
        canvas = np.empty((*self.img_shape, 3), np.uint8)
        picture, panel = canvas[: self.size[0]], canvas[self.size[0] :]
        picture[:] = cv2.resize(image, self.size[::-1])
        panel[:] = BACKGROUND
        return canvas, picture, panel

    def draw_person(
        self, picture: np.ndarray, points: np.ndarray, score: np.ndarray, label: int
    ) -> None:
        """Draw the joints and limbs of a person in the colour of a class, -1 for none.

        Joints are in pixels of the picture, shape (V, 2), their scores have shape (V,).
        """
        line = max(2, round(self.unit / 6))
        color, edge = self.paints(label)
        # OpenCV needs integer pixels in a limited range.
        places = np.clip(np.round(points), -(2**14), 2**14).astype(int).tolist()
        seen = score >= _SCORE
        shown = [(a, b) for a, b in self.limbs if seen[a] and seen[b]]
        for ink, width in ((edge, line + 2), (color, line)):
            for a, b in shown:
                cv2.line(picture, places[a], places[b], ink, width, cv2.LINE_AA)
        for joint in np.flatnonzero(seen):
            cv2.circle(picture, places[joint], line + 1, edge, -1, cv2.LINE_AA)
            cv2.circle(picture, places[joint], line, color, -1, cv2.LINE_AA)

    def draw_object(
        self,
        picture: np.ndarray,
        points: np.ndarray,
        score: np.ndarray,
        name: str,
        joints: np.ndarray,
    ) -> None:
        """Draw an object in white, and its name above it.

        Points are in pixels of the picture, shape (P, 2), their scores have shape (P,).
        Four are the corners of a box, which gets an outline; others are dots. The name
        is below the object if it would cover more joints, shape (J, 2), above.
        """
        seen = score >= _SCORE
        if not seen.any():
            return
        color, edge = self.paints(OBJECT)
        line, size = max(2, round(self.unit / 8)), round(0.7 * self.unit)
        places = np.clip(np.round(points), -(2**14), 2**14).astype(np.int32)
        for ink, width in ((edge, line + 2), (color, line)):
            if len(points) == len(BOX) and seen.all():
                cv2.polylines(picture, [places], True, ink, width, cv2.LINE_AA)
            else:
                for place in places[seen].tolist():
                    cv2.circle(picture, place, width + 1, ink, -1, cv2.LINE_AA)
        (left, top), (right, bottom) = places[seen].min(0), places[seen].max(0)
        height, width = _tag_shape(name, size)
        x, reach = int(left + right) // 2, np.array([width, height]) / 2 + 2 * line

        def covered(y: int) -> int:
            return int((abs(joints - (x, y - height / 2)) < reach).all(axis=1).sum())

        y = min(int(top) - 2 * line, int(bottom) + 2 * line + height, key=covered)
        self.draw_tag(picture, name, OBJECT, size, x, y)

    def draw_places(
        self, picture: np.ndarray, places: Iterable[Place], img_shape: Sequence[int]
    ) -> None:
        """Draw the outlines of places in the image thinly, in white, and names inside.

        Their points are in pixels of an image with a height and width of ``img_shape``.
        """
        scale = np.array(self.size[::-1]) / img_shape[::-1]
        for place in zones(places):
            if place.space == 'image':
                outline = place.outline()
                points = outline.points * scale
                self._draw_place(picture, replace(outline, points=points))

    def _draw_place(self, picture: np.ndarray, place: Place) -> None:
        color, edge = self.paints(OBJECT)
        line, size = max(1, round(self.unit / 16)), round(0.7 * self.unit)
        points = np.clip(np.round(place.points), -(2**14), 2**14).astype(np.int32)
        for ink, width in ((edge, line + 2), (color, line)):
            if place.shape == 'point':
                radius = self.unit // 4
                cv2.circle(picture, points[0].tolist(), radius, ink, width, cv2.LINE_AA)
            else:
                closed = place.has_area
                cv2.polylines(picture, [points], closed, ink, width, cv2.LINE_AA)
        height, width = _tag_shape(place.name, size)
        room = np.array(picture.shape[1::-1]) - (width, height)
        x, y = np.clip(points.min(axis=0) + size // 2, 0, np.maximum(room, 0)).tolist()
        for ink, shift in ((edge, 1), (color, 0)):
            write_text(picture[y + shift :], place.name, size, x + shift, ink=ink)

    def draw_label(
        self, panel: np.ndarray, label: int, name: str, *others: str
    ) -> None:
        """Draw a class and its name at the left of a panel, other texts from the right.

        The class is -1 for none; the name is truncated if there is no room.
        """
        unit, gap = self.unit, self.unit // 2
        draw_box(panel, gap, gap, unit, unit, self.paints(label)[0])
        right = self.size[1] - gap
        for text in filter(None, others):
            right -= write_text(panel, text, unit, right, at_right=True) + unit
        write_text(panel, name, unit, gap + 2 * unit, most=right - 2 * gap - unit)

    def draw_tag(
        self, picture: np.ndarray, text: str, label: int, size: int, x: int, y: int
    ) -> None:
        """Write a text into a box in the colour of a class.

        The middle of the box's lower edge is at (x, y), unless the box has to be moved
        to stay inside the picture.
        """
        height, width = _tag_shape(text, size)
        height = min(height, len(picture))
        x = max(0, min(x - width // 2, picture.shape[1] - width))
        y = max(0, min(y - height, len(picture) - height))
        box = picture[y : y + height, x : x + width]
        color, ink = self.paints(label)
        box[:] = color
        write_text(box, text, size, size // 4, ink=ink)

    def paints(self, label: int) -> tuple[_Paint, _Paint]:
        """Return the colour of a class, and black or white to write on it, as BGR."""
        own = _OBJECT_COLOR if label == OBJECT else class_color(label, self.colors)
        red, green, blue = rgb(own)
        ink = (0, 0, 0) if text_color(own) == 'black' else (255, 255, 255)
        return (blue, green, red), ink


def draw_box(
    panel: np.ndarray,
    top: int,
    left: int,
    height: int,
    width: int,
    content: np.ndarray | tuple[int, int, int],
) -> None:
    """Fill a box with a colour or a picture.

    It has an edge, since some colours are as dark as the panel.
    """
    panel[top - 1 : top + height + 1, left - 1 : left + width + 1] = _EDGE
    panel[top : top + height, left : left + width] = content


def _tag_shape(text: str, size: int) -> tuple[int, int]:
    """Return the height and width of a tag."""
    return 2 * size, _text(text, size).shape[1] + 2 * (size // 4)


def mark_time(seconds: float, step: float) -> str:
    """Return a time as the label of an axis with a tick every ``step`` seconds.

    >>> mark_time(75, 15), mark_time(0.5, 0.5)
    ('1:15', '0:00.5')
    """
    text = clock_time(seconds + 1e-6)
    return text if step < 1 else text.rpartition('.')[0]


def tick_step(seconds: float, most: float) -> float:
    """Return the seconds between ticks of a time axis with at most ``most`` ticks.

    >>> tick_step(60, 6), tick_step(20 * 3600, 6)
    (10, 14400)
    """
    for step in _STEPS:
        if seconds / step <= most:
            return step
    return 3600 * math.ceil(seconds / 3600 / most)


def clock_time(seconds: float) -> str:
    """Return a time in a readable format.

    >>> clock_time(83.25), clock_time(3725)
    ('1:23.2', '1:02:05.0')
    """
    minutes, second = divmod(math.floor(seconds * 10) / 10, 60)
    hours, minute = divmod(int(minutes), 60)
    hour = f'{hours}:{minute:02d}' if hours else str(minute)
    return f'{hour}:{second:04.1f}'


def write_text(
    panel: np.ndarray,
    text: str,
    size: int,
    x: int,
    *,
    at_right: bool = False,
    most: int | None = None,
    ink: tuple[int, int, int] = _TEXT,
) -> int:
    """Write a text near the top of a panel (h, w, 3), and return its width in pixels.

    It begins at x, or ends there if ``at_right``, in a font of ``size`` pixels and an
    ``ink`` in BGR order. Beyond the width ``most``, it is truncated.
    """
    mask = _text(text, size)
    while most is not None and mask.shape[1] > max(most, 2 * size) and len(text) > 2:
        text = text.rstrip('…')[:-1] + '…'
        mask = _text(text, size)
    begin = max(0, x - mask.shape[1] if at_right else x)
    place = panel[size // 2 - size // 4 :, begin:][: mask.shape[0], : mask.shape[1]]
    alpha = mask[: place.shape[0], : place.shape[1], None] / 255
    place[:] = place * (1 - alpha) + np.array(ink) * alpha
    return mask.shape[1]


def text_lines(text: str, size: int, width: int) -> list[str]:
    """Return the lines of a text that fit into a width, broken at spaces if possible.

    >>> text_lines('trunk 4 and neck 2', 20, 100)
    ['trunk 4', 'and neck', '2']
    """
    lines = []
    while text:
        # No letter is narrower than a fifth of the size.
        end = min(len(text), 5 * width // size)
        while end > 1 and _text(text[:end], size).shape[1] > width:
            end -= 1
        if end < len(text):
            end = text.rfind(' ', 1, end + 1) if ' ' in text[1 : end + 1] else end
        lines.append(text[:end])
        text = text[end:].lstrip()
    return lines


@lru_cache(maxsize=512)
def _text(text: str, size: int) -> np.ndarray:
    """Return how much of each pixel a text covers, 0 to 255, shape (h, w).

    OpenCV's own fonts only have ASCII letters.
    """
    font = ImageFont.truetype(font_file(text), size)
    width = math.ceil(font.getlength(text))
    image = Image.new('L', (max(1, width), round(1.5 * size)))
    ImageDraw.Draw(image).text((0, 1.2 * size), text, fill=255, font=font, anchor='ls')
    return np.asarray(image)
