"""States of streams as arrays, which can be stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np


class Stateful:
    """Something whose state is arrays of its own, and those of its parts."""

    #: The names of its arrays, which are attributes that begin with an underscore.
    _arrays: ClassVar[Sequence[str]] = ()

    @property
    def _parts(self) -> Mapping[str, Stateful]:
        """What has a state of its own, by its name."""
        return {}

    def reset(self) -> None:
        """Forget all frames."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, for :meth:`load_state_dict`."""
        state = {key: np.array(getattr(self, f'_{key}')) for key in self._arrays}
        for name, part in self._parts.items():
            state |= {f'{name}.{key}': x for key, x in part.state_dict().items()}
        return state

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned."""
        for key in self._arrays:
            setattr(self, f'_{key}', np.array(state[key]))
        for name, part in self._parts.items():
            keys = part.state_dict()
            part.load_state_dict({key: state[f'{name}.{key}'] for key in keys})


class RunningFeatures(Stateful):
    """Features that are computed from frames as they arrive.

    A frame has ``num_joints`` joints, those of all ``people``, the one to describe
    first, and after them the points of objects. All have ``dims`` coordinates.
    """

    dims: int
    num_joints: int
    people: int = 1
    #: The kind of each object, and how many points it has.
    instances: Sequence[tuple[str, int]] = ()

    @property
    def num_points(self) -> int:
        """Number of points of all objects."""
        return sum(count for _, count in self.instances)

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C) of the next frames.

        Shapes: points (n, joints and points, dims), float64; seen (n, joints and
        points), whether they are visible.
        """
        raise NotImplementedError


class RunningParts(RunningFeatures):
    """Features of several kinds side by side."""

    def __init__(self, parts: Sequence[RunningFeatures]) -> None:
        self.parts = parts
        self.dims = parts[0].dims
        self.num_joints = max(part.num_joints for part in parts)
        self.people = max(part.people for part in parts)
        self.instances = max((part.instances for part in parts), key=len)

    def reset(self) -> None:
        """Forget all frames."""
        for part in self.parts:
            part.reset()

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C) of the next frames."""
        found = []
        for part in self.parts:
            objects = range(self.num_joints, self.num_joints + part.num_points)
            columns = [*range(part.num_joints), *objects]
            values = part.push(points[:, columns], seen[:, columns])
            found.append(values.reshape(len(values), math.prod(values.shape[1:])))
        return np.concatenate(found, axis=1)

    @property
    def _parts(self) -> Mapping[str, RunningFeatures]:
        return {str(i): part for i, part in enumerate(self.parts)}
