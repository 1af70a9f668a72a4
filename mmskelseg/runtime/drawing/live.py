"""The live picture: people, the current label, and a scrolling timeline."""

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from mmskelseg.runtime.drawing.frames import (
    BACKGROUND,
    EDGE,
    clock_time,
    draw_person,
    label_color,
    picture_size,
    write_text,
)
from mmskelseg.runtime.structures import Skeleton


class LivePicture:
    """Draws the frames of a camera with the labels so far.

    Below the picture are the latest final label, its confidence and the time, and below
    them a timeline of the last seconds, which ends with the present. Since labels are
    delayed, its right end is empty.

    Args:
        img_shape: Height and width of the camera's frames.
        skeleton: The layout of the joints.
        classes: Names of the classes.
        seconds: Length of the timeline.
    """

    def __init__(
        self,
        img_shape: tuple[int, int],
        skeleton: Skeleton,
        classes: Sequence[str],
        *,
        seconds: float = 30,
    ) -> None:
        self.classes = classes
        self.seconds = seconds
        self._limbs = skeleton.limbs
        self.size, self._unit = picture_size(img_shape)
        self._scale = np.array(self.size[::-1]) / img_shape[::-1]
        self._panel = 2 * round(4.1 * self._unit / 2)
        # Times at which labels begin, and the labels.
        self._past: deque[tuple[float, int]] = deque()
        self._until = 0.0
        self._score = 0.0

    @property
    def img_shape(self) -> tuple[int, int]:
        """Height and width of the drawn pictures."""
        return self.size[0] + self._panel, self.size[1]

    @property
    def label(self) -> int:
        """The latest label, -1 before the first one."""
        return self._past[-1][1] if self._past else -1

    def add(self, start: float, end: float, label: int, score: float) -> None:
        """Add the final label of a frame; frames must be in temporal order.

        Args:
            start: Time of the frame in seconds.
            end: Time of the next frame.
            label: The class, -1 for none.
            score: Probability of the class.
        """
        if label != self.label or not self._past:
            self._past.append((start, label))
        self._until, self._score = end, score
        while len(self._past) > 1 and self._past[1][0] < end - self.seconds:
            self._past.popleft()

    def draw(
        self,
        image: np.ndarray,
        now: float,
        people: Sequence[tuple[np.ndarray, np.ndarray, int]],
        note: str = '',
    ) -> np.ndarray:
        """Return a frame with people, label and timeline, shape (*img_shape, 3).

        Args:
            image: The frame, shape (H, W, 3), uint8, BGR.
            now: Time of the frame in seconds.
            people: Joints (V, 2) in pixels of the frame, scores (V,) and class of each
                person.
            note: Text at the right, such as the frame rate.
        """
        canvas = np.empty((*self.img_shape, 3), np.uint8)
        picture = canvas[: self.size[0]]
        picture[:] = cv2.resize(image, self.size[::-1])
        for points, score, label in people:
            scaled = points * self._scale
            draw_person(picture, scaled, score, self._limbs, label, self._unit)
        self._draw_panel(canvas[self.size[0] :], now, note)
        return canvas

    def _draw_panel(self, panel: np.ndarray, now: float, note: str) -> None:
        unit, width = self._unit, self.size[1]
        gap = unit // 2
        panel[:] = BACKGROUND
        panel[gap - 1 : gap + unit + 1, gap - 1 : gap + unit + 1] = EDGE
        panel[gap : gap + unit, gap : gap + unit] = label_color(self.label)
        name = 'no label yet' if not self._past else 'unlabelled'
        sure = ''
        if self.label >= 0:
            name, sure = str(self.classes[self.label]), f'{self._score:.0%}'
        right = width - gap
        for text in filter(None, (clock_time(now), note, sure)):
            right -= write_text(panel, text, unit, right, at_right=True) + unit
        write_text(panel, name, unit, gap + 2 * unit, most=right - 2 * gap - unit)
        top, height = 2 * unit, round(1.5 * unit)
        bar = panel[top : top + height, gap : width - gap]
        panel[top - 1 : top + height + 1, gap - 1 : width - gap + 1] = EDGE
        bar[:] = BACKGROUND
        places = now + (np.arange(bar.shape[1]) + 0.5) / bar.shape[1] * self.seconds
        places -= self.seconds
        # Each label is drawn to the end, and the next one is drawn over it.
        for start, label in self._past:
            bar[:, (places >= start) & (places < self._until)] = label_color(label)
