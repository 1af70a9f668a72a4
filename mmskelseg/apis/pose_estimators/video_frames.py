"""Reading a video once, from its first frame to its last."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import ProgressBar

# Part by which the rate that a file states may differ from that of its time stamps,
# and by which its frames may be fewer than it states, before it is worth a note.
_RATE, _COUNT = 0.01, 0.02


class VideoFrames:
    """Iterates over the frames of a video file and says afterwards what they were.

    Only one frame is held at a time.

    Attributes:
        count: How many frames were read.
        img_shape: Height and width in pixels, as the video is shown.
        fps: Frames per second, as stated, or by the time stamps where these differ.
        notes: What is odd about the file, a sentence each.

    Args:
        path: The file.
        progress: Whether to show a progress bar, on the error output.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no video, or has no rate.
    """

    def __init__(self, path: str | os.PathLike, *, progress: bool = True) -> None:
        self.path = Path(path)
        self.progress = progress
        self.count = 0
        self.img_shape = (0, 0)
        self.fps = 0.0
        self.notes: list[str] = []
        if not self.path.is_file():
            raise FileNotFoundError(f'{path}: there is no such video file.')

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield images (h, w, 3), uint8, blue, green and red."""
        capture = cv2.VideoCapture(str(self.path))
        stated = round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = capture.get(cv2.CAP_PROP_FPS)
        first = last = 0.0
        try:
            # Containers without an index state a negative number.
            bar = self.progress and ProgressBar(max(stated, 0), file=sys.stderr)
            while True:
                read, image = capture.read()
                if not read:
                    break
                last = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                first = last if self.count == 0 else first
                self.count += 1
                self.img_shape = image.shape[:2]
                yield image
                if bar:
                    bar.update()
            if bar:
                bar.file.write('\n')
        finally:
            capture.release()
        self._conclude(stated, rate, last - first)

    def _conclude(self, stated: int, rate: float, seconds: float) -> None:
        if self.count == 0:
            raise ValueError(
                f'{self.path}: no frame can be read; play it to see whether it is a '
                'whole video, and write it anew (ffmpeg -i OLD NEW.mp4).'
            )
        if self.count < stated * (1 - _COUNT):
            self.notes.append(
                f'only the first {self.count} of {stated} frames can be read'
            )
        self.fps = rate
        measured = (self.count - 1) / seconds if seconds > 0 else 0.0
        # A single step says little about a rate.
        if self.count > 2 and measured and abs(measured / (rate or 1) - 1) > _RATE:
            self.fps = measured
            self.notes.append(
                f'{measured:.3f} frames per second by the time stamps, {rate:g} by '
                'the header; if the rate varies, make it constant (ffmpeg -r)'
            )
        if not self.fps > 0:
            raise ValueError(
                f'{self.path}: states no frame rate; write it anew with one (ffmpeg '
                '-i OLD -r 30 NEW.mp4).'
            )
