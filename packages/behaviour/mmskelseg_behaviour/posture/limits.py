"""What human joints can do: how far they bend, and how fast they move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: The lowest and the highest angle in degrees, and the highest speed in degrees per
#: second, by what comes after the side in the name of an angle. Ranges are those of
#: healthy adults (American Academy of Orthopaedic Surgeons), widened by 10 to 30
#: degrees since estimated joints are not quite in their places; speeds are beyond those
#: of a throw or a kick.
LIMITS = {
    'trunk_flexion': (-40, 140, 500),
    'trunk_side_bend': (-60, 60, 500),
    'trunk_twist': (-90, 90, 800),
    'neck_flexion': (-80, 90, 500),
    'neck_side_bend': (-60, 60, 500),
    'neck_twist': (-110, 110, 800),
    'shoulder_flexion': (-75, 180, 1500),
    'shoulder_abduction': (-75, 90, 1500),
    'elbow_flexion': (0, 160, 1500),
    'wrist_bend': (0, 100, 2000),
    'hip_flexion': (-50, 160, 1000),
    'hip_abduction': (-50, 80, 1000),
    'knee_flexion': (0, 160, 1000),
}
# A jump is a change over this time in seconds, and so much before and after it is left
# out.
_STEP, _AROUND = 0.1, 0.25


def limits_of(angle: str) -> tuple[int, int, int]:
    """Return the limits of an angle, whatever its side.

    >>> limits_of('left_knee_flexion')
    (0, 160, 1000)
    """
    return LIMITS[angle.removeprefix('left_').removeprefix('right_')]


@dataclass(frozen=True)
class Failures:
    """Where joints are not in their places, since no body could have these angles.

    ``beyond`` says where (T,) each angle is out of range, and ``jumps`` where it moves
    faster than any joint, or did so just before or after.
    """

    beyond: Mapping[str, np.ndarray]
    jumps: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, angles: Mapping[str, np.ndarray], fps: float) -> Failures:
        """Return those of angles (T,) in degrees, by their names."""
        return cls(
            {name: _is_beyond(name, values) for name, values in angles.items()},
            {name: _jumps(name, values, fps) for name, values in angles.items()},
        )

    @cached_property
    def frames(self) -> np.ndarray:
        """Whether any angle of a frame fails, (T,)."""
        return np.any([*self.beyond.values(), *self.jumps.values()], axis=0)

    def reasons(self, frame: int) -> str:
        """Return why a frame is left out, or an empty text."""
        kinds = {'out of range': self.beyond, 'jumps': self.jumps}
        words = (
            f'{name} {what}'.replace('_', ' ')
            for what, kind in kinds.items()
            for name, where in kind.items()
            if where[frame]
        )
        return ', '.join(words)


def left_out(failures: Sequence[Failures]) -> str | None:
    """Return how many frames of recordings are left out, and why; None without any."""
    count, total = (
        sum(each(one.frames) for one in failures) for each in (np.sum, np.size)
    )
    if not count:
        return None
    kinds = {
        'angles out of human range': [one.beyond for one in failures],
        'jumps that no joint makes': [one.jumps for one in failures],
    }
    parts = []
    for what, each in kinds.items():
        frames = sum(int(np.any([*one.values()], axis=0).sum()) for one in each)
        by_angle = {name: sum(int(one[name].sum()) for one in each) for name in each[0]}
        if frames:
            most = max(by_angle, key=lambda name: by_angle[name]).replace('_', ' ')
            parts.append(f'{frames:,} with {what} (most often {most})')
    return (
        f'{count:,} of {total:,} frames ({count / total:.1%}) are not scored: '
        f'{", ".join(parts)}'
    )


def _is_beyond(angle: str, degrees: np.ndarray) -> np.ndarray:
    low, high, _ = limits_of(angle)
    return (degrees < low - 1e-6) | (degrees > high + 1e-6)


def _jumps(angle: str, degrees: np.ndarray, fps: float) -> np.ndarray:
    step, around = max(1, int(_STEP * fps)), round(_AROUND * fps)
    # Arms that swing sideways are raised forwards in one frame, backwards in the next.
    values = np.abs(degrees) if angle.endswith('shoulder_flexion') else degrees
    speeds = np.abs(values[step:] - values[:-step]) * fps / step
    found = np.zeros(len(degrees), bool)
    for i in np.flatnonzero(speeds > limits_of(angle)[2]):
        found[max(0, i - around) : i + step + 1 + around] = True
    return found
