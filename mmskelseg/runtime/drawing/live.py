"""The live picture: people, the current label, and a scrolling timeline."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from mmskelseg.runtime.drawing.frames import (
    BACKGROUND,
    FramePicture,
    clock_time,
    draw_box,
    label_color,
)
from mmskelseg.runtime.structures import Skeleton


class LivePicture(FramePicture):
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
        super().__init__(img_shape, skeleton.limbs)
        self.classes = classes
        self.seconds = seconds
        self._scale = np.array(self.size[::-1]) / img_shape[::-1]
        # Times at which labels begin, and the labels.
        self._past: deque[tuple[float, int]] = deque()
        self._until = 0.0
        self._score = 0.0

    @property
    def label(self) -> int:
        """The latest label, -1 before the first one."""
        return self._past[-1][1] if self._past else -1

    def add(self, start: float, end: float, label: int, score: float) -> None:
        """Add the final label of a frame, -1 for none, and its probability.

        Frames, from ``start`` to ``end`` in seconds, must be in temporal order.
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
            people: Joints (V, 2) in pixels of the frame, scores (V,) and class of each.
            note: Text at the right, such as the frame rate.
        """
        canvas, picture, panel = self.canvas(image)
        for points, score, label in people:
            self.draw_person(picture, points * self._scale, score, label)
        name, sure = 'unlabelled' if self._past else 'no label yet', ''
        if self.label >= 0:
            name, sure = str(self.classes[self.label]), f'{self._score:.0%}'
        self.draw_label(panel, self.label, name, clock_time(now), note, sure)
        self._draw_timeline(panel, now)
        return canvas

    def _draw_timeline(self, panel: np.ndarray, now: float) -> None:
        gap = self.unit // 2
        height, width = round(1.5 * self.unit), max(0, self.size[1] - 2 * gap)
        bar = np.full((height, width, 3), BACKGROUND, np.uint8)
        places = now + (np.arange(width) + 0.5) / width * self.seconds
        places -= self.seconds
        # Each label is drawn to the end, and the next one is drawn over it.
        for start, label in self._past:
            bar[:, (places >= start) & (places < self._until)] = label_color(label)
        draw_box(panel, 2 * self.unit, gap, height, width, bar)
