"""Frames of a camera, a network stream or a file as they come, the newest first."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread

import cv2
import numpy as np

from mmskelseg.utils.errors import MissingFileError, UserError

# Rates that cameras state and that are none, such as the 90,000 of some streams.
_FASTEST = 1000.0


@dataclass(frozen=True)
class CameraFrame:
    """One frame.

    Args:
        number: From 0, counting those that were dropped.
        time: When it was taken, in seconds from the first one.
        image: Shape (H, W, 3), uint8; blue comes first.
    """

    number: int
    time: float
    image: np.ndarray


class Camera:
    """Yields the newest frame whenever the next one is asked for.

    Frames are read in a thread of their own. One that was not asked for before the next
    came is dropped, so that whoever reads them never falls behind. A file plays at its
    own rate, as if it were a camera, unless every frame is wanted.

    Args:
        source: Number of a camera, address of a stream (``rtsp://...``), or a file.
        every_frame: Of a file, yield every frame and do not wait for its time.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If the source cannot be opened, or a camera shall give every frame.

    Attributes:
        fps: Frames per second that the source states; None if it states none.
        img_shape: Height and width of its frames.
        dropped: How many frames were not yielded so far.
    """

    def __init__(self, source: str | os.PathLike, *, every_frame: bool = False) -> None:
        self.source = os.fspath(source)
        self.is_file = not (self.source.isdecimal() or '://' in self.source)
        if self.is_file and not Path(self.source).is_file():
            raise MissingFileError(
                f'{self.source}: there is no such file; a camera is a number, such as '
                '0, and a stream an address, such as rtsp://10.0.0.5/live.'
            )
        if every_frame and not self.is_file:
            raise UserError(
                f'{self.source}: every frame can be had of a file alone; a camera '
                'goes on while a frame is labelled.'
            )
        self.every_frame = every_frame
        self.dropped = 0
        number = self.source.isdecimal()
        self._capture = cv2.VideoCapture(int(self.source) if number else self.source)
        opened = self._capture.isOpened()
        image = self._capture.read()[1] if opened else None
        if image is None:
            self._capture.release()
            what = f'camera {self.source}' if number else self.source
            raise UserError(
                f'{what}: cannot be opened, or gives no frame; see whether '
                'another program uses it, or whether a player shows it.'
            )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = rate if 0 < rate < _FASTEST and math.isfinite(rate) else None
        if self.is_file and self.fps is None:
            self._capture.release()
            raise UserError(
                f'{self.source}: states a rate of {rate:g} frames per second; write it '
                'anew (ffmpeg -i OLD -r 30 NEW.mp4).'
            )
        self.img_shape = image.shape[0], image.shape[1]
        self._first = image
        self._changed = Condition()
        self._newest: CameraFrame | None = None
        self._ended = False
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the time since the first frame was taken, in seconds."""
        return time.monotonic() - self._began

    def __iter__(self) -> Iterator[CameraFrame]:
        """Yield frames until the source ends or :meth:`close` is called."""
        if self.every_frame:
            yield from self._frames()
            return
        Thread(target=self._read, name='camera', daemon=True).start()
        given = -1
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended)
                frame, self._newest = self._newest, None
            if frame is None:
                return
            self.dropped += frame.number - given - 1
            given = frame.number
            yield frame

    def close(self) -> None:
        """End the iteration."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read(self) -> None:
        """Put each frame where the iteration finds it, until the end."""
        for frame in self._frames():
            with self._changed:
                if self._ended:
                    break
                self._newest = frame
                self._changed.notify_all()
        self.close()

    def _frames(self) -> Iterator[CameraFrame]:
        """Yield all frames, those of a file at its rate or as fast as they are read."""
        self._began = time.monotonic()
        image: np.ndarray | None = self._first
        number = 0
        try:
            while image is not None and not self._ended:
                moment = self.now()
                if self.is_file and self.fps is not None:
                    moment = number / self.fps
                    if not self.every_frame:
                        time.sleep(max(0.0, moment - self.now()))
                yield CameraFrame(number, moment, image)
                number += 1
                # Drivers of cameras that are unplugged raise as well.
                image = None
                with suppress(cv2.error):
                    image = self._capture.read()[1]
        finally:
            self._capture.release()
