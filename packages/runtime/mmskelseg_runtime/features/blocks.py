"""Blocks of frames, and what features keep from one block to the next.

Each feature is written once, as a function of a block of frames and a state. In a
stream, a block are the frames that have just arrived; a recording is one block.
Functions keep to the array API standard where exported models contain them, as graphs
that PyTorch records.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from mmskelseg_io.structures.places import Place

# Steps that compare 17 million frames.
_STEPS = 24
# Since 2.1, NumPy has the standard's functions; a copy of them takes 0.1 s to import.
_NUMPY = np if hasattr(np, 'astype') else array_namespace(np.zeros(0))


def namespace(values: np.ndarray) -> Any:
    """Return the functions of the array API standard for an array or a tensor."""
    # It takes a tenth of the time of a frame of a stream to find those of NumPy.
    return _NUMPY if isinstance(values, np.ndarray) else array_namespace(values)


def flat(values: np.ndarray, axes: int = 1) -> np.ndarray:
    """Return values with one axis after the first ones, whatever their length."""
    # With zero frames, a width of -1 could not be inferred.
    return values.reshape(*values.shape[:axes], math.prod(values.shape[axes:]))


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
        last = self.arrays.get(key, _zeros_before(values))
        values = namespace(values).concat([last, values], axis=1)
        values = change(values) if change else values
        self.arrays[key] = values[:, -1:]
        return values

    def summed(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return the sum of the values so far, (k, n, ...)."""
        # A running function does not depend on how frames are split into blocks.
        total = namespace(values).cumulative_sum
        return self.continued(name, values, lambda x: total(x, axis=1))[:, 1:]

    def largest(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return the largest of the values so far, (k, n, ...)."""
        return self.continued(name, values, _running_maximum)[:, 1:]

    def held(
        self, name: str, values: np.ndarray, known: np.ndarray, *, whole: bool = False
    ) -> np.ndarray:
        """Return values (k, n, D), where they are not known (k, n) the last known.

        Of a ``whole`` recording, the first ones are those that will be known first.
        """
        xp, where = namespace(known), device(known)
        rows = known * xp.arange(1, known.shape[1] + 1, device=where)
        rows = xp.concat([_zeros_before(rows), rows], axis=1)
        if whole:
            first = xp.argmax(xp.astype(rows > 0, xp.int64), axis=1, keepdims=True)
            rows = xp.maximum(rows, first)
        rows = _running_maximum(rows)
        each = xp.arange(known.shape[0], device=where)[:, None]
        return self.continued(name, values, lambda x: x[each, rows])[:, 1:]

    def changes(self, name: str, values: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return changes since the previous frame, 0 unless it is known in both.

        Shapes: values (k, n, ...); known is like it, or has 1 for some of its axes.
        """
        values = self.continued(name, values)
        known = self.continued(f'{name}_known', known)
        both, change = known[:, 1:] & known[:, :-1], values[:, 1:] - values[:, :-1]
        return namespace(values).where(both, change, 0)


def _zeros_before(values: np.ndarray) -> np.ndarray:
    """Return zeros (k, 1, ...) like values (k, n, ...)."""
    shape = (values.shape[0], 1, *values.shape[2:])
    return namespace(values).zeros(shape, dtype=values.dtype, device=device(values))


def _running_maximum(values: np.ndarray) -> np.ndarray:
    """Return the largest of the values so far, (k, n, ...)."""
    if isinstance(values, np.ndarray):
        return np.maximum.accumulate(values, axis=1)
    # ONNX has no such operator. Each step doubles the frames that are compared; a graph
    # has the steps for recordings of any length.
    xp = namespace(values)
    at = xp.arange(values.shape[1], device=device(values))
    for step in range(_STEPS):
        values = xp.maximum(values, values[:, xp.clip(at - 2**step, 0, None)])
    return values
