"""Copies of videos that browsers play and that seek at once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mmskelseg_io.files.video import VideoFile, read_frames, written_video
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument

# What all browsers play.
_SUFFIXES = ('.mp4', '.m4v', '.mov', '.webm')
_CODECS = ('h264', 'vp8', 'vp9', 'av1')
# To seek, a browser decodes from the last key frame on; this many frames take 0.3 s.
_MOST_FRAMES = 300
_MOST_PIXELS = _MOST_FRAMES * 640 * 480


def is_playable(video: Path) -> bool:
    """Return whether browsers play a video and seek quickly in it.

    Without PyAV, this is judged by its name.
    """
    if video.suffix.lower() not in _SUFFIXES:
        return False
    try:
        import av
    except ImportError:
        return True
    try:
        with av.open(str(video)) as file:
            stream = file.streams.video[0]
            context = stream.codec_context
            if context.name.removeprefix('lib') not in _CODECS:
                return False
            frames = list(stream.index_entries)
            if len(frames) > 2 and not _is_even([one.timestamp for one in frames]):
                return False
            keys = [i for i, one in enumerate(frames) if one.is_keyframe]
            longest = max(b - a for a, b in pairwise([*keys, len(frames), len(frames)]))
            size = context.width * context.height
            return context.pix_fmt == 'yuv420p' and longest * size <= _MOST_PIXELS
    except (av.FFmpegError, IndexError):
        return False


def _is_even(times: Sequence[int]) -> bool:
    """Return whether frames have equal distances, as frame numbers suppose."""
    steps = [b - a for a, b in pairwise(sorted(times))]
    return max(steps) < 1.5 * min(steps)


@dataclass(frozen=True, kw_only=True)
class ConvertVideo(Job[None]):
    """Writes a copy of a video in H.264 with the same frames."""

    writes = ('copy',)
    video: Path = argument('video file')
    copy: Path = argument('file to write')

    def run(self, events: Events) -> None:
        """Write the copy."""
        file = VideoFile.open(self.video)
        height, width = (side - side % 2 for side in file.img_shape)
        with written_video(self.copy, file.fps, (height, width), 'avc1') as put:
            for i, image in enumerate(read_frames(self.video)):
                if i % 250 == 0:
                    events.progress(f'Converting {self.video.name}', i, file.frames)
                put(image[:height, :width])
        made = self.video.stat().st_mtime_ns
        os.utime(self.copy, ns=(made, made))


def is_copy(copy: Path, video: Path) -> bool:
    """Return whether a copy is there, and not of a video that was replaced."""
    if not (copy.is_file() and video.is_file()):
        # The copy can still be seen.
        return copy.is_file()
    # Some file systems keep times to two seconds.
    return abs(copy.stat().st_mtime - video.stat().st_mtime) <= 2
