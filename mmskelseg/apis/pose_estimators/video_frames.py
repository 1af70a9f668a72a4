"""Reading a video once, from its first frame to its last."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import numpy as np

from mmskelseg.fileio.video import VideoFile
from mmskelseg.utils.progress import progress_bar

# Part by which the rate that a file states may differ from that of its time stamps,
# and by which its frames may be fewer than it states, before it is worth a note.
_RATE, _COUNT = 0.01, 0.02


class VideoFrames:
    """Iterates over the frames of a video file, of which it holds one at a time.

    Attributes:
        file: What the file states.
        count: How many frames were read.
        notes: What is odd about the file, a sentence each, when all were.

    Args:
        path: The file.
        progress: Whether to show a progress bar, on the error output.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read as a video.
    """

    def __init__(self, path: str | os.PathLike, *, progress: bool = True) -> None:
        self.file = VideoFile.open(path)
        self.progress = progress
        self.count = 0
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield images (H, W, 3), uint8, blue, green and red."""
        first = last = 0.0
        capture = cv2.VideoCapture(str(self.file.path))
        frames = self.file.frames
        try:
            with progress_bar('Estimating poses', frames, self.progress) as count:
                while (image := capture.read()[1]) is not None:
                    last = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                    first = last if self.count == 0 else first
                    self.count += 1
                    yield image
                    count(1)
        finally:
            capture.release()
        self._take_notes(last - first)

    def _take_notes(self, seconds: float) -> None:
        stated = self.file
        if self.count < stated.frames * (1 - _COUNT):
            self.notes.append(
                f'only the first {self.count} of {stated.frames} frames can be read'
            )
        measured = (self.count - 1) / seconds if seconds > 0 else stated.fps
        # A single step says little about a rate.
        if self.count > 2 and abs(measured / stated.fps - 1) > _RATE:
            self.notes.append(
                f'states {stated.fps:g} frames per second, but its time stamps make '
                f'{measured:g}; give it a constant rate (ffmpeg -i OLD -r 30 NEW.mp4), '
                'or times will be wrong'
            )
