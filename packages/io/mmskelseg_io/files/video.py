"""Reading and atomic writing of video files."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmskelseg_io.files.atomic import atomic_replacement
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_io.structures.choices import CODECS

# OpenCV is imported where a video is opened, since most recordings are keypoints.
if TYPE_CHECKING:
    import cv2

VIDEO_SUFFIXES = (
    '.mp4', '.mov', '.avi', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.wmv', '.mts',
)  # fmt: skip
# Relative differences beyond which there is a note: between the stated frame rate and
# that of the time stamps, and between the stated number of frames and the actual one.
_RATE, _COUNT = 0.01, 0.02
# Seconds between the time of a frame and that of a constant rate beyond which there is
# a note.
_APART = 0.25


@dataclass(frozen=True)
class VideoFile:
    """The metadata of a video file, read without decoding all of it.

    ``img_shape`` is height and width in pixels, as the frames are displayed. Some files
    hold slightly fewer frames than the number that they state.
    """

    path: Path
    frames: int
    fps: float
    img_shape: tuple[int, int]

    @classmethod
    def open(cls, path: str | os.PathLike) -> 'VideoFile':
        """Read the metadata of a file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it cannot be read as a video.
        """
        path = Path(path)
        with opened_video(path) as capture:
            read, image = capture.read()
            frames, fps = stated(capture)
            if not read or not 0 < fps < 1000:
                what = 'no frame' if not read else f'a rate of {fps:g} fps'
                raise UserError(
                    f'{path}: has {what}; play it to see whether it is intact, and '
                    're-encode it (ffmpeg -i OLD NEW.mp4).'
                )
            if frames < 1:
                # Streams do not state the number.
                frames = 1 + count_rest(capture)
            return cls(path, frames, fps, image.shape[:2])

    @property
    def seconds(self) -> float:
        """The duration."""
        return self.frames / self.fps

    def times(self) -> 'FrameTimes':
        """Return the number and the times of the frames, by decoding all of them."""
        times = FrameTimes(self)
        with opened_video(self.path) as capture:
            while capture.grab():
                times.add(capture)
        return times


@dataclass
class FrameTimes:
    """The times of a file's frames, as they are read, compared with what it states.

    ``count`` is the number of frames so far.
    """

    file: VideoFile
    count: int = 0
    _first: float = 0.0
    _last: float = 0.0
    # The largest difference from the times of a constant rate.
    _apart: float = 0.0

    def add(self, capture: 'cv2.VideoCapture') -> None:
        """Add the frame that was read last."""
        self._last = seconds_at(capture)
        self._first = self._first if self.count else self._last
        expected = self._first + self.count / self.file.fps
        self._apart = max(self._apart, abs(self._last - expected))
        self.count += 1

    def notes(self) -> tuple[str, ...]:
        """Return sentences about problems, once all frames have been read."""
        stated, notes = self.file, []
        if self.count < stated.frames * (1 - _COUNT):
            notes.append(
                f'only the first {self.count} of {stated.frames} frames can be read'
            )
        seconds = self._last - self._first
        measured = (self.count - 1) / seconds if seconds > 0 else stated.fps
        remedy = (
            'give it a constant frame rate (ffmpeg -i OLD -r 30 NEW.mp4), or times '
            'will be wrong'
        )
        # A single interval is too little to measure a frame rate.
        if self.count > 2 and abs(measured / stated.fps - 1) > _RATE:
            notes.append(
                f'states {stated.fps:g} frames per second, but its time stamps mean '
                f'{measured:g}; {remedy}'
            )
        elif seconds > 0 and self._apart > _APART:
            notes.append(
                f'frames are up to {self._apart:.1f} s away from a constant rate of '
                f'{stated.fps:g} per second; {remedy}'
            )
        return tuple(notes)


def is_video(path: str | os.PathLike) -> bool:
    """Return whether a file has the suffix of a video.

    >>> is_video('take1.MP4'), is_video('take1.json')
    (True, False)
    """
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def read_frames(path: str | os.PathLike) -> Iterator[np.ndarray]:
    """Yield the images (H, W, 3) of a video, uint8, in BGR order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read as a video.
    """
    with opened_video(Path(path)) as capture:
        yield from remaining_frames(capture)


@contextmanager
def written_video(
    path: str | os.PathLike, fps: float, img_shape: tuple[int, int], codec: str = 'mp4v'
) -> Iterator[Callable[[np.ndarray], object]]:
    """Yield a function that adds images to a video, which appears when the block ends.

    Args:
        path: The ``.mp4`` file to write; missing folders are created.
        fps: Frames per second.
        img_shape: Height and width of each image, both even.
        codec: One of ``CODECS``: ``mp4v`` (MPEG-4), which every OpenCV can write and
            most players can play; ``avc1`` (H.264), which browsers play as well, but
            only PyAV and few builds of OpenCV can write; or ``vp09`` (VP9), which
            browsers play, too, but which takes ten times as long to write.

    Raises:
        ValueError: If the codec cannot be written.
        OSError: If the file came out too short.
    """
    by_av = codec == 'avc1' and find_spec('av') is not None
    writer = _av_writer if by_av else _opencv_writer
    count = 0
    with atomic_replacement(path) as aside:
        with writer(aside, fps, img_shape, codec) as put:

            def write(image: np.ndarray) -> None:
                nonlocal count
                assert image.shape == (*img_shape, 3), image.shape
                put(image)
                count += 1

            yield write
        if count and VideoFile.open(aside).frames != count:
            raise UnavailableError(
                f'{path}: {count} frames were written but cannot be read back; check '
                'whether the disk is full.'
            )


@contextmanager
def _opencv_writer(
    path: Path, fps: float, img_shape: tuple[int, int], codec: str
) -> Iterator[Callable[[np.ndarray], object]]:
    import cv2

    fourcc = cv2.VideoWriter.fourcc(*codec)
    writer = cv2.VideoWriter(os.fspath(path), fourcc, fps, img_shape[::-1])
    try:
        if not writer.isOpened():
            others = ', '.join(name for name in CODECS if name != codec)
            also = ', or install PyAV (pip install av)' if codec == 'avc1' else ''
            raise UserError(
                f'This OpenCV cannot write the codec {codec}; choose {others}{also}.'
            )
        yield lambda image: writer.write(image)
    finally:
        writer.release()


@contextmanager
def _av_writer(
    path: Path, fps: float, img_shape: tuple[int, int], codec: str
) -> Iterator[Callable[[np.ndarray], object]]:
    import av

    # The index comes first, so that a browser can play the file while it loads.
    with av.open(os.fspath(path), 'w', options={'movflags': 'faststart'}) as file:
        rate = Fraction(fps).limit_denominator(2**15)
        # A key frame each second, so that a player finds any frame at once.
        settings = {'preset': 'veryfast', 'crf': '20', 'g': str(max(round(fps), 1))}
        stream = file.add_stream('libx264', rate=rate, options=settings)
        stream.height, stream.width = img_shape
        stream.pix_fmt = 'yuv420p'

        def put(image: np.ndarray) -> None:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='bgr24')))

        yield put
        file.mux(stream.encode())


@contextmanager
def opened_video(path: Path) -> Iterator['cv2.VideoCapture']:
    """Open a video file for a block."""
    import cv2

    capture = cv2.VideoCapture(os.fspath(regular_file(path)))
    try:
        if not capture.isOpened():
            raise UserError(
                f'{path}: cannot be read as a video; play it to see whether it is '
                'intact, and re-encode it (ffmpeg -i OLD NEW.mp4).'
            )
        yield capture
    finally:
        capture.release()


def stated(capture: 'cv2.VideoCapture') -> tuple[int, float]:
    """Return the number of frames and the frame rate that an open video states."""
    import cv2

    frames = round(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return frames, capture.get(cv2.CAP_PROP_FPS)


def seconds_at(capture: 'cv2.VideoCapture') -> float:
    """Return the time of the frame that was read last."""
    import cv2

    return capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def remaining_frames(capture: 'cv2.VideoCapture') -> Iterator[np.ndarray]:
    """Yield the remaining images of an open video."""
    while (image := capture.read()[1]) is not None:
        yield image


def count_rest(capture: 'cv2.VideoCapture') -> int:
    """Return the number of remaining frames of an open video."""
    return sum(1 for _ in iter(capture.grab, False))
