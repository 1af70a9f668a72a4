"""The live picture: people, the current labels, and scrolling timelines."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.places import Place
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier
from mmskelseg_runtime.drawing.frames import (
    BACKGROUND,
    FramePicture,
    clock_time,
    draw_box,
)
from mmskelseg_runtime.drawing.palette import class_colors


class LivePicture(FramePicture):
    """Draws the frames of a camera with the labels so far, and places.

    Below the picture are, for each tier, the latest final label, its confidence and the
    time, and a timeline of the last seconds, which ends with the present. Since labels
    are delayed, its right end is empty.

    Args:
        img_shape: Height and width of the camera's frames.
        skeleton: The layout of the joints.
        tiers: The tiers of the model; one without a name if it has no others.
        seconds: Length of the timelines.
        places: Those in the camera's frames.
    """

    def __init__(
        self,
        img_shape: tuple[int, int],
        skeleton: Skeleton,
        tiers: Sequence[Tier],
        *,
        seconds: float = 30,
        places: Sequence[Place] = (),
    ) -> None:
        super().__init__(img_shape, skeleton.limbs, class_colors(tiers))
        self.seconds = seconds
        self.places = places
        self.rows = {
            tier.name: LiveRow(tier.classes, tier.rows.start) for tier in tiers
        }
        self._height = self.panel
        self.panel *= len(tiers)

    def add(
        self, start: float, end: float, label: int, score: float, tier: str = ''
    ) -> None:
        """Add the final label of a frame, -1 for none, and its probability.

        Frames of a tier, from ``start`` to ``end`` in seconds, must be in temporal
        order.
        """
        self.rows[tier].add(start, end, label, score, keep=self.seconds)

    def draw(
        self,
        image: np.ndarray,
        now: float,
        people: Sequence[tuple[np.ndarray, np.ndarray, int]],
        note: str = '',
    ) -> np.ndarray:
        """Return a frame with people, labels and timelines, shape (*img_shape, 3).

        Args:
            image: The frame, shape (H, W, 3), uint8, BGR.
            now: Time of the frame in seconds.
            people: Joints (V, 2) in pixels of the frame, scores (V,) and class of each.
            note: Text at the right, such as the frame rate.
        """
        canvas, picture, panels = self.canvas(image)
        self.draw_places(picture, self.places, image.shape[:2])
        # A network camera may change the size of its frames.
        scale = np.array(self.size[::-1]) / image.shape[1::-1]
        for points, score, label in people:
            self.draw_person(picture, points * scale, score, label)
        others = [clock_time(now), note]
        for i, (tier, row) in enumerate(self.rows.items()):
            panel = panels[i * self._height :][: self._height]
            name = f'{tier}: {row.name}' if tier else row.name
            sure = f'{row.score:.0%}' if row.label >= 0 else ''
            self.draw_label(panel, row.id, name, *others, sure)
            self._draw_timeline(panel, row, now)
            others = []
        return canvas

    def _draw_timeline(self, panel: np.ndarray, row: 'LiveRow', now: float) -> None:
        gap = self.unit // 2
        height, width = round(1.5 * self.unit), max(0, self.size[1] - 2 * gap)
        bar = np.full((height, width, 3), BACKGROUND, np.uint8)
        places = now + (np.arange(width) + 0.5) / width * self.seconds
        places -= self.seconds
        # Each label is drawn to the end, and the next one is drawn over it.
        for start, label in row.past:
            color, _ = self.paints(label if label < 0 else row.first + label)
            bar[:, (places >= start) & (places < row.until)] = color
        draw_box(panel, 2 * self.unit, gap, height, width, bar)


@dataclass
class LiveRow:
    """The labels of a tier so far.

    Attributes:
        classes: Names of the tier's classes.
        first: The id of the first of them among those of all tiers.
        past: Times at which labels begin, and the labels.
        until: The end of the latest labelled frame in seconds.
        score: The probability of its label.
    """

    classes: Sequence[str]
    first: int = 0
    past: deque[tuple[float, int]] = field(default_factory=deque)
    until: float = 0.0
    score: float = 0.0

    @property
    def label(self) -> int:
        """The latest label, -1 before the first one."""
        return self.past[-1][1] if self.past else -1

    @property
    def id(self) -> int:
        """The latest label among those of all tiers, -1 before the first one."""
        return self.label if self.label < 0 else self.first + self.label

    @property
    def name(self) -> str:
        """The name of the latest label, or a text for none."""
        if self.label >= 0:
            return str(self.classes[self.label])
        return 'unlabelled' if self.past else 'no label yet'

    def add(
        self, start: float, end: float, label: int, score: float, keep: float
    ) -> None:
        """Add the label of a frame, and drop those that ended ``keep`` seconds ago.

        Between its start and the previous end, there is no label.
        """
        if self.past and start - self.until > (end - start) / 2:
            self.past.append((self.until, IGNORED))
        if label != self.label or not self.past:
            self.past.append((start, label))
        self.until, self.score = end, score
        while len(self.past) > 1 and self.past[1][0] < end - keep:
            self.past.popleft()
