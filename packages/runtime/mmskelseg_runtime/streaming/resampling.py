"""Resampling of frames with time stamps to a fixed frame rate."""

import math
from collections.abc import Iterable, Mapping

import numpy as np

from mmskelseg_io.messages.errors import UserError

#: Longest gap between frames in seconds; longer ones are an error.
LONGEST_GAP = 60.0


class Resampler:
    """A resampler that chooses a frame for each instant of a fixed rate, ``fps``.

    The first frame defines the first instant. Each instant gets the nearest frame, as
    far as it is known when the frame arrives: a frame belongs to the latest instant
    that is at most half a period after it. The period is the average interval between
    the latest frames, but at most that of the fixed rate. An instant without a frame,
    because frames were dropped or the camera is slower, repeats the previous one. A
    frame is skipped if its instant already has one, or if it is late.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        #: Time of the first frame, nan before there is one.
        self.start = math.nan
        self.skipped = 0
        self.repeated = 0
        self._latest = self._period = math.nan
        self._filled = 0

    def choose(self, times: Iterable[float]) -> tuple[list[int], int]:
        """Return the frame index for each new instant, and of the last frame on time.

        An index of -1 stands for the last frame of earlier calls. Times of the next
        frames are in seconds.

        Raises:
            UserError: If a time is not a number, or too far from the previous one.
        """
        times = list(times)
        self._check(times)
        chosen: list[int] = []
        held = -1
        for i, time in enumerate(times):
            if math.isnan(self.start):
                self.start = self._latest = time
            gap = time - self._latest
            if gap < 0:
                self.skipped += 1
                continue
            if time > self.start:
                period = min(gap, 1 / self.fps)
                known = period if math.isnan(self._period) else self._period
                # An average over about eight frames, which removes jitter.
                self._period = known + (period - known) / 8
            early = 0.0 if math.isnan(self._period) else self._period / 2
            # With a tolerance for rounded times.
            instant = math.floor((time - self.start + early) * self.fps + 1e-3)
            missing = instant - self._filled
            if missing < 0:
                self.skipped += 1
            else:
                self.repeated += missing
                chosen += missing * [held] + [i]
                self._filled = instant + 1
            held = i
            self._latest = time
        return chosen, held

    def _check(self, times: Iterable[float]) -> None:
        """Check all times before any of them changes the state."""
        latest = self._latest
        for time in times:
            if not math.isfinite(time):
                raise UserError(f'A frame has time={time}, expected seconds.')
            gap = 0.0 if math.isnan(latest) else time - latest
            if abs(gap) > LONGEST_GAP:
                raise UserError(
                    f'A frame has time={time:g}, {gap:+g} seconds from the previous '
                    f'frame, but at most {LONGEST_GAP:g} are allowed; end the stream '
                    'with flush(), and start a new one with reset().'
                )
            if gap >= 0:
                latest = time

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        return {
            'times': np.array([self.start, self._latest, self._period]),
            'counts': np.array([self._filled, self.skipped, self.repeated]),
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned."""
        self.start, self._latest, self._period = map(float, state['times'])
        self._filled, self.skipped, self.repeated = map(int, state['counts'])
