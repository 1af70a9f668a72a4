"""Frames of a video file, one for each label."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.video import (
    count_rest,
    opened_video,
    remaining_frames,
    seconds_at,
    stated,
)
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import Count
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_runtime.features.recipe import BaseRenderer, RenderedVideo
from mmskelseg_runtime.parts import RENDERERS

if TYPE_CHECKING:
    import cv2

# Largest difference in seconds between the ends of a video and of its labels when
# aligned by time.
_TOLERANCE = 1.0


@RENDERERS.register
class ReadVideoFrames(BaseRenderer):
    """Reads a video file as images, one for each label.

    Reads: filename, the path of the video; total_frames; fps; flip, if an augmentation
    wrote it. Writes: imgs (T, 3, H, W), float32, red, green and blue from 0 to 1.

    Args:
        size: Height and width to which frames are resized, without keeping their aspect
            ratio, so that nothing is cut off; None keeps their size.
        align: ``index``: frame i of the file belongs to label i, and there are as many
            frames as labels. ``fps``: label i belongs to the frame that is shown
            nearest to i / fps seconds after the first one, by the file's time stamps
            and the annotation's ``fps``. This also works for labels at another frame
            rate and for videos of variable frame rate.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read to its end, or its frames do not match
            the labels: in number if aligned by index, by more than a second if aligned
            by time.
    """

    reads: ClassVar[Literal['video']] = 'video'
    context: ClassVar = (0, 0)

    def __init__(
        self,
        size: tuple[Count, Count] | None = (224, 224),
        align: Literal['index', 'fps'] = 'index',
    ) -> None:
        self.size = None if size is None else (int(size[0]), int(size[1]))
        self.align = align

    def transform(self, results: RenderedVideo) -> RenderedVideo:
        """Write ``imgs`` of the whole video."""
        results['imgs'] = np.concatenate(list(self.blocks(results, 128)))
        return results

    def blocks(self, results: VideoAnnotation, frames: int) -> Iterator[np.ndarray]:
        """Yield ``imgs`` in blocks of ``frames``, to limit the memory."""
        images = self._images(results)
        while block := list(islice(images, frames)):
            yield _as_values(np.stack(block), results)

    def check(self, results: VideoAnnotation) -> None:
        """Raise a UserError for a file that does not match its labels.

        Call it before any work. It trusts the length that the file states, and counts
        the frames only if that length does not match.
        """
        with opened_video(_path(results)) as capture:
            frames, rate = stated(capture)
            if self.align == 'fps' and frames > 0 and rate > 0:
                _check_end(frames / rate, results)
            elif self.align == 'index' and frames != results['total_frames']:
                _check_count(count_rest(capture), results)

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return arrays that identify the video file and the timing of its labels."""
        timing: list[float] = [results['total_frames']]
        if self.align == 'fps':
            timing.append(results['fps'])
        return [_sample(_path(results)), np.array(timing, np.float64)]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the images, as plain values."""
        return {
            'type': type(self).__name__,
            'size': self.size and list(self.size),
            'align': self.align,
        }

    def _images(self, results: VideoAnnotation) -> Iterator[np.ndarray]:
        """Yield an image (h, w, 3) for each label, uint8, blue, green and red."""
        import cv2

        select = _by_time if self.align == 'fps' else _by_index
        with opened_video(_path(results)) as capture:
            for image in select(capture, results):
                if self.size is not None and image.shape[:2] != self.size:
                    # INTER_AREA averages when shrinking, so that details don't flicker.
                    image = cv2.resize(
                        image, self.size[::-1], interpolation=cv2.INTER_AREA
                    )
                yield image


def _by_index(
    capture: 'cv2.VideoCapture', results: VideoAnnotation
) -> Iterator[np.ndarray]:
    count = 0
    for image in islice(remaining_frames(capture), results['total_frames']):
        count += 1
        yield image
    _check_count(count + count_rest(capture), results)


def _by_time(
    capture: 'cv2.VideoCapture', results: VideoAnnotation
) -> Iterator[np.ndarray]:
    frames = _timed(capture, results)
    time, image = next(frames)
    later, upcoming = next(frames, (np.inf, image))
    for i in range(results['total_frames']):
        wanted = i / results['fps']
        # If two frames are equally near, up to rounding, take the later one.
        while later - wanted <= abs(wanted - time) + 1e-6:
            time, image = later, upcoming
            later, upcoming = next(frames, (np.inf, image))
        yield image
    last = time if np.isinf(later) else later
    *_, last = (last, *(time for time, _ in frames))
    _, rate = stated(capture)
    _check_end(last + (1 / rate if rate > 0 else 0), results)


def _timed(
    capture: 'cv2.VideoCapture', results: VideoAnnotation
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the time in seconds, from 0, and the image of each frame."""
    first = last = None
    for image in remaining_frames(capture):
        time = seconds_at(capture)
        if last is not None and time <= last:
            raise UserError(
                f'{_path(results)}: the frame after {last:.3f} s is stamped '
                f'{time:.3f} s, so its time stamps cannot be used; re-encode the '
                "video (ffmpeg -i OLD NEW.mp4), or align by index (align='index')."
            )
        first = time if first is None else first
        last = time
        yield time - first, image
    if first is None:
        _check_count(0, results)


def _check_count(count: int, results: VideoAnnotation) -> None:
    if count != results['total_frames']:
        raise UserError(
            f'{_path(results)}: {count} frames can be read, but video '
            f'{results["frame_dir"]} has {results["total_frames"]} labels; align them '
            "by time with align='fps' of ReadVideoFrames, or make their numbers equal."
        )


def _check_end(seconds: float, results: VideoAnnotation) -> None:
    labelled = results['total_frames'] / results['fps']
    if abs(seconds - labelled) > _TOLERANCE:
        raise UserError(
            f'{_path(results)}: lasts {seconds:.1f} s, but the labels of video '
            f'{results["frame_dir"]} last {labelled:.1f} s ({results["total_frames"]} '
            f'at {results["fps"]:g} fps); correct the fps of the annotation, or cut '
            'the longer of the two.'
        )


def _path(results: VideoAnnotation) -> Path:
    if not results.get('filename'):
        raise UserError(
            f'video {results["frame_dir"]} has no `filename`, the video file to read '
            'its frames from; add it to the annotation file.'
        )
    try:
        return regular_file(results['filename'])
    except MissingFileError:
        raise MissingFileError(
            f'{results["filename"]}: there is no such file, but it is the '
            f'`filename` of video {results["frame_dir"]}; put it there, or name the '
            'folder of the videos with dataset.data_prefix=dict(video=FOLDER).'
        ) from None


def _sample(path: Path) -> np.ndarray:
    """Return bytes that identify a video file without reading all of it.

    A container lists the length of each coded frame at its start or end, so that any
    change to the video shows there; further samples are taken from the whole file.
    """
    size = path.stat().st_size
    piece = 1 << 16
    with path.open('rb') as file:
        pieces = []
        for start in np.linspace(0, max(size - piece, 0), 64, dtype=int):
            file.seek(start)
            pieces.append(file.read(piece))
    return np.frombuffer(b''.join([str(size).encode(), *pieces]), np.uint8)


def _as_values(images: np.ndarray, results: VideoAnnotation) -> np.ndarray:
    """Return images (n, h, w, 3), or their mirror images, as (n, 3, h, w), 0 to 1."""
    values = images[..., ::-1].astype(np.float32).transpose(0, 3, 1, 2) / 255
    if results.get('flip', False):
        values = values[..., ::-1]
    return np.ascontiguousarray(values)
