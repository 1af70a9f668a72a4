"""A person's root, size and coordinates, computed causally from the frames so far.

``causal`` renderers and streams both use this module, so that their results agree.
Renderers process all frames of a video at once.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_runtime.streaming.state import RunningFeatures, Stateful

# A size below this fraction of the coordinates is a rounding error of float32.
ROUNDING = 1e-6


class RunningBody(Stateful):
    """The root of a person, and the person's size over the frames so far.

    The root is the mean of its visible joints, and stays at its last position while
    none of them is visible. Until one first is, it is the mean of all visible
    joints. The size is the root mean square distance of all joints from the root over
    the frames so far. It is infinite until joints have different positions, so that
    values divided by it are 0. After the last frame, it is the size over the
    whole video, if the root was always visible.

    Args:
        root: Indices of the joints whose mean is the root.
        dims: Number of coordinates of a joint.
    """

    _arrays = ('root', 'known', 'sums')

    def __init__(self, root: Sequence[int], dims: int) -> None:
        self.root = list(root)
        self.dims = dims
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._root = np.zeros(self.dims)
        self._known = np.zeros((), bool)
        # The sum of squared distances, their number, and the largest coordinate.
        self._sums = np.zeros(3)

    def push(
        self, points: np.ndarray, seen: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the root (n, dims), the joints relative to it, and the size (n,).

        Invisible joints are 0. Shapes: points (n, V, dims), the joints of the next
        frames in float64; seen (n, V), whether they are visible.
        """
        root = self._path(points, seen)
        relative = np.where(seen[..., None], points - root[:, None], 0)
        sums = np.empty((len(points) + 1, 3))
        sums[0] = self._sums
        sums[1:, 0] = np.square(relative).sum(axis=(1, 2))
        sums[1:, 1] = seen.sum(axis=1)
        sums[1:, 2] = (np.abs(points) * seen[..., None]).max(axis=(1, 2), initial=0)
        # Cumulative sums, so that results do not depend on how frames are split.
        np.cumsum(sums[:, :2], axis=0, out=sums[:, :2])
        np.maximum.accumulate(sums[:, 2], out=sums[:, 2])
        self._sums = sums[-1]
        squares, counts, largest = sums[1:].T
        size = np.sqrt(squares / np.maximum(counts, 1))
        return root, relative, np.where(size > ROUNDING * largest, size, np.inf)

    def _path(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        mean, shown = _mean(points[:, self.root], seen[:, self.root])
        known = np.logical_or.accumulate(shown) | self._known
        if not known.all():
            of_all, any_joint = _mean(points, seen)
            mean = np.where(known[:, None], mean, of_all)
            shown = np.where(known, shown, any_joint)
        # For each frame, the last frame that shows the root; 0 is before these frames.
        last = np.maximum.accumulate(np.where(shown, np.arange(1, len(points) + 1), 0))
        path = np.concatenate([self._root[None], mean])[last]
        if len(points):
            self._root, self._known = path[-1], known[-1]
        return path


class RunningCoordinates(RunningFeatures):
    """Features of a ``causal`` ``SkeletonCoordinates``, computed incrementally.

    Args:
        root: Indices of the joints whose mean is the root.
        dims: Number of coordinates of a joint, 2 or 3.
        num_joints: Number of joints of the skeleton, V.
        displacement: Whether to include displacements from the previous frame.
        scale: Whether to divide values by the size of the body.
        flatten: Whether to flatten channels and joints into one axis.
    """

    _arrays = ('points', 'seen')

    def __init__(
        self,
        root: Sequence[int],
        dims: int,
        num_joints: int,
        *,
        displacement: bool,
        scale: bool,
        flatten: bool,
    ) -> None:
        self.dims = dims
        self.num_joints = num_joints
        self.displacement = displacement
        self.scale = scale
        self.flatten = flatten
        self.body = RunningBody(root, dims)
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.body.reset()
        self._points = np.zeros((self.num_joints, self.dims))
        self._seen = np.zeros(self.num_joints, bool)

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features of the next frames, (n, C, V) or (n, C * V).

        Shapes: points (n, V, dims), float64; seen (n, V), whether they are visible.
        """
        _, values, size = self.body.push(points, seen)
        if self.displacement:
            before = np.concatenate([self._points[None], points[:-1]])
            both = seen & np.concatenate([self._seen[None], seen[:-1]])
            moved = np.where(both[..., None], points - before, 0)
            values = np.concatenate([moved, values], axis=-1)
            if len(points):
                self._points, self._seen = points[-1], seen[-1]
        if self.scale:
            values = values / size[:, None, None]
        return channels_first(values, flatten=self.flatten)

    @property
    def _parts(self) -> Mapping[str, RunningBody]:
        return {'body': self.body}


def channels_first(values: np.ndarray, *, flatten: bool) -> np.ndarray:
    """Return float32 features (n, C, V) or (n, C * V) from values (n, V, C)."""
    values = values.swapaxes(1, 2).astype(np.float32)
    # With zero frames, a width of -1 could not be inferred.
    width = math.prod(values.shape[1:])
    return values.reshape(len(values), width) if flatten else values


def _mean(points: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each frame's visible joints (n, dims), and whether any is."""
    counts = seen.sum(axis=1)
    weights = seen / np.maximum(counts, 1)[:, None]
    return (points * weights[..., None]).sum(axis=1), counts > 0
