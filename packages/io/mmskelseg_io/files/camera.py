"""Live frames of a camera, a network stream or a file: always the newest one."""

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

from mmskelseg_io.messages.errors import MissingFileError, UserError

# Some streams state a rate that is not a frame rate, such as 90,000.
_FASTEST = 1000.0
# Seconds after which a source that hangs is given up.
_PATIENCE = 2.0


@dataclass(frozen=True)
class CameraFrame:
    """A frame of a camera.

    ``number`` counts from 0, with dropped frames; ``time`` is in seconds from the first
    frame; ``image`` is uint8 in BGR order, shape (H, W, 3).
    """

    number: int
    time: float
    image: np.ndarray


class Camera:
    """A source of frames that always yields the newest one.

    A separate thread reads the frames. A frame is dropped if the next one arrives
    before it is requested, so the consumer never falls behind. A file plays at its own
    rate, like a camera, unless ``every_frame`` is set.

    Args:
        source: Number of a camera, address of a stream (``rtsp://...``), or a file.
        every_frame: Yield every frame of a file, without waiting for its time.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If the source cannot be opened, or ``every_frame`` is set for a
            camera or a stream.

    Attributes:
        fps: Frame rate that the source states; None if it states none.
        img_shape: Height and width of its frames.
        dropped: How many frames have been dropped so far.
    """

    def __init__(self, source: str | os.PathLike, *, every_frame: bool = False) -> None:
        self.source = os.fspath(source)
        number = self.source.isdecimal() and len(self.source) < 10
        self.is_file = not (number or '://' in self.source)
        if self.is_file and not Path(self.source).is_file():
            raise MissingFileError(
                f'{self.source}: there is no such file; a camera is a number, such as '
                '0, and a stream an address, such as rtsp://10.0.0.5/live.'
            )
        if every_frame and not self.is_file:
            raise UserError(
                f'{self.source}: only a file can give every frame, since a camera does '
                'not wait while a frame is labelled; leave that option out.'
            )
        self.every_frame = every_frame
        self.dropped = 0
        self._capture = cv2.VideoCapture(int(self.source) if number else self.source)
        opened = self._capture.isOpened()
        image = self._capture.read()[1] if opened else None
        if image is None:
            self._capture.release()
            what = f'camera {self.source}' if number else self.source
            raise UserError(
                f'{what}: cannot be opened, or gives no frame; check whether another '
                'program uses it, and whether a player can show it.'
            )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = rate if 0 < rate < _FASTEST and math.isfinite(rate) else None
        if self.is_file and self.fps is None:
            self._capture.release()
            raise UserError(
                f'{self.source}: states a rate of {rate:g} frames per second; '
                're-encode it (ffmpeg -i OLD -r 30 NEW.mp4).'
            )
        self.img_shape = image.shape[0], image.shape[1]
        self._first = image
        self._reader: Thread | None = None
        self._changed = Condition()
        self._newest: CameraFrame | None = None
        self._ended = False
        self._began = time.monotonic()

    def now(self) -> float:
        """Return the time since the first frame, in seconds."""
        return time.monotonic() - self._began

    def __iter__(self) -> Iterator[CameraFrame]:
        """Yield frames until the source ends or :meth:`close` is called."""
        try:
            yield from self._frames() if self.every_frame else self._newest_frames()
        finally:
            self.close()

    def close(self) -> None:
        """End the iteration, and release the source for other programs."""
        with self._changed:
            self._ended, self._newest = True, None
            self._changed.notify_all()
        if self._reader is None:
            self._capture.release()
        else:
            # It releases the source, unless that hangs.
            self._reader.join(_PATIENCE)

    def _newest_frames(self) -> Iterator[CameraFrame]:
        """Yield the newest frame each time, while a thread reads all."""
        self._reader = Thread(target=self._read, name='camera', daemon=True)
        self._reader.start()
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

    def _read(self) -> None:
        """Read frames until the end, and pass the newest one to the iteration."""
        try:
            for frame in self._frames():
                with self._changed:
                    if self._ended:
                        break
                    self._newest = frame
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _frames(self) -> Iterator[CameraFrame]:
        """Yield all frames; those of a file at its rate, or as fast as possible."""
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
                # Some drivers raise an error when a camera is unplugged.
                image = None
                with suppress(cv2.error):
                    image = self._capture.read()[1]
        finally:
            self._capture.release()
