"""Blocks of frames, and what features keep from one block to the next.

Each feature is written once, as a function of a block of frames and a state. In a
stream, a block are the frames that have just arrived; a recording is one block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg_io.structures.places import Place


@dataclass(frozen=True)
class Frames:
    """The next n frames of a stream, or all frames of a recording.

    Attributes:
        points: Joints of M persons, the one to describe first, shape (M, n, V, dims),
            float64.
        seen: Whether they are visible, shape (M, n, V).
        objects: The kind, the points (n, P, dims), and whether these are visible
            (n, P), of each object.
        places: Each place, and whether it is known in each frame, (n,).
        whole: Whether features may depend on later frames: root and size are then
            those of all frames, and displacements lead to the next frame.
    """

    points: np.ndarray
    seen: np.ndarray
    objects: Sequence[tuple[str, np.ndarray, np.ndarray]] = ()
    places: Sequence[tuple[Place, np.ndarray]] = ()
    whole: bool = False


class State:
    """What features keep of the last frame: arrays by name, 0 before the first frame.

    All arrays have the shape (k, 1, ...), and the frames of what methods get, (k, n,
    ...), are those that follow.
    """

    def __init__(
        self, arrays: dict[str, np.ndarray] | None = None, prefix: str = ''
    ) -> None:
        self.arrays: dict[str, np.ndarray] = {} if arrays is None else arrays
        self._prefix = prefix

    def of(self, name: str) -> State:
        """Return the state of a part, whose arrays are among these."""
        return State(self.arrays, f'{self._prefix}{name}.')

    def continued(
        self,
        name: str,
        values: np.ndarray,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> np.ndarray:
        """Return values (k, 1 + n, ...) after those of the last frame, which it keeps.

        ``change`` is applied to both, such as a sum over the frames so far.
        """
        key = self._prefix + name
        last = self.arrays.get(key)
        if last is None:
            last = np.zeros((len(values), 1, *values.shape[2:]), values.dtype)
        values = np.concatenate([last, values], axis=1)
        values = values if change is None else change(values)
        self.arrays[key] = values[:, -1:]
        return values

    def accumulated(
        self, name: str, function: np.ufunc, values: np.ndarray
    ) -> np.ndarray:
        """Return a function of the values so far, such as their sum, (k, n, ...)."""
        # A running function does not depend on how frames are split into blocks.
        found = self.continued(name, values, lambda x: function.accumulate(x, axis=1))
        return found[:, 1:]

    def held(self, name: str, values: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return values (k, n, D), where they are not known (k, n) the last known."""
        rows = np.zeros((len(known), 1 + known.shape[1]), int)
        order = known * np.arange(1, rows.shape[1])
        np.maximum.accumulate(order, axis=1, out=rows[:, 1:])
        each = np.arange(len(rows))[:, None]
        return self.continued(name, values, lambda x: x[each, rows])[:, 1:]

    def changes(self, name: str, values: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return changes since the previous frame, 0 unless it is known in both.

        Shapes: values (k, n, ...); known is like it, or has 1 for some of its axes.
        """
        values = self.continued(name, values)
        known = self.continued(f'{name}_known', known)
        return np.where(known[:, 1:] & known[:, :-1], np.diff(values, axis=1), 0)
