"""Frames at the times of a camera, as frames at a fixed rate."""

import math
from collections.abc import Iterable

import numpy as np

from mmskelseg.utils.errors import UserError


class Resampler:
    """Chooses a frame for each instant of a fixed rate, from the first frame on.

    Each instant has the frame that is nearest to it, as far as that can be said when
    the frame comes: a frame belongs to the latest instant that is at most half a period
    after it. The period is that between the last frames, on average, but that of the
    rate at most. Instants that no frame belongs to, since frames were dropped or the
    camera is slower, hold the last one before. Frames that come where there is one
    already, or that come late, are skipped.

    Args:
        fps: Instants per second.
        max_gap: Seconds between frames from which on the stream is not held.
    """

    def __init__(self, fps: float, max_gap: float = 60.0) -> None:
        self.fps = fps
        self.max_gap = max_gap
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
        """Return the index of the frame for each instant that is filled now.

        Beside it stands the index of the last frame that did not come late. Both may be
        -1, for that of the frames before these.

        Args:
            times: Of the next frames, in seconds.

        Raises:
            UserError: If a time is not a number, or too far from that of the frame
                before.
        """
        chosen: list[int] = []
        held = -1
        for i, time in enumerate(times):
            if not math.isfinite(time):
                raise UserError(f'A frame has time={time}, expected seconds.')
            if math.isnan(self.start):
                self.start = self._latest = time
            gap = time - self._latest
            if abs(gap) > self.max_gap:
                raise UserError(
                    f'A frame has time={time:g}, {gap:+g} seconds from the frame '
                    f'before, but no more than {self.max_gap:g} are bridged; end the '
                    'stream by flush(), and begin anew by reset().'
                )
            if gap < 0:
                self.skipped += 1
                continue
            if time > self.start:
                period = min(gap, 1 / self.fps)
                known = period if math.isnan(self._period) else self._period
                # Jitter averages out over about as many frames.
                self._period = known + (period - known) / 8
            early = 0.0 if math.isnan(self._period) else self._period / 2
            # A little later, for times that are rounded.
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

    def state(self) -> np.ndarray:
        """Return the numbers from which :meth:`load` goes on."""
        times = self.start, self._latest, self._period
        return np.array([*times, self._filled, self.skipped, self.repeated])

    def load(self, state: np.ndarray) -> None:
        """Go on where :meth:`state` was asked for."""
        self.start, self._latest, self._period = map(float, state[:3])
        self._filled, self.skipped, self.repeated = map(int, state[3:])
