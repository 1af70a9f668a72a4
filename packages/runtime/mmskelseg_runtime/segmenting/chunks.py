"""Chunks of videos that together give what the whole video would."""

from collections.abc import Iterator


def frame_chunks(
    frames: int, context: float | None, size: int | None
) -> Iterator[tuple[slice, slice]]:
    """Yield the frames that each chunk of a video reads, and which of these it outputs.

    Args:
        frames: Number of frames of the video.
        context: Number of frames to each side on which an output depends, by which
            chunks overlap. None: it depends on all, so there is a single chunk.
        size: Number of frames that a chunk outputs; None for a single chunk.

    >>> [(outer.start, outer.stop) for outer, _ in frame_chunks(7, 2, 4)]
    [(0, 6), (2, 7)]
    """
    if size is None or context is None or context >= frames:
        context, size = 0, frames
    for begin in range(0, frames, size):
        end = min(begin + size, frames)
        first = max(begin - int(context), 0)
        outer = slice(first, min(end + int(context), frames))
        yield outer, slice(begin - first, end - first)
