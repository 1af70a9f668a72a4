"""A person's root and size, and the coordinates that are relative to these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import CountOrZero
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.blocks import Frames, State, flat, namespace
from mmskelseg_runtime.features.coordinates import Coordinates
from mmskelseg_runtime.parts import RENDERERS

# A size below this fraction of the coordinates is a rounding error of float32.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Bodies:
    """Roots of M persons, and the first one's joints and size.

    Shapes: root (M, n, dims); relative (n, V, dims), joints relative to the root, 0
    where they are not seen; size (n,), or (1,) for all frames.
    """

    root: np.ndarray
    relative: np.ndarray
    size: np.ndarray


def follow(frames: Frames, root: Sequence[int], state: State) -> Bodies:
    """Return the bodies in the next frames.

    A root is the mean of those of its joints that are seen, whose indices are ``root``.
    While none is seen, it stays at its last position, and until one is first seen, it
    is the mean of all joints seen. The size is the root mean square distance of all
    joints from the root over the frames so far. It is infinite until joints have
    different positions, so that values divided by it are 0.

    Of a whole recording, the root before it is first seen is where that will be, or, if
    it is never seen, the mean of all joints. The size is that after the last frame, or
    1 if joints have no different positions.
    """
    xp, points, seen = namespace(frames.points), frames.points, frames.seen
    mean, shown = _mean(points[:, :, [*root]], seen[:, :, [*root]])
    if frames.whole:
        known = xp.any(shown, axis=1, keepdims=True)
    else:
        known = state.summed('known', xp.astype(shown, xp.int64)) > 0
    # What is recorded as a graph is so for all recordings.
    if not isinstance(known, np.ndarray) or not known.all():
        of_all, any_joint = _mean(points, seen)
        mean = xp.where(known[..., None], mean, of_all)
        shown = shown | (any_joint & ~known)
    path = state.held('root', mean, shown, whole=frames.whole)
    relative = xp.where(seen[0, ..., None], points[0] - path[0, :, None], 0)
    squares = xp.sum(xp.square(relative), axis=(1, 2))
    squares = state.summed('squares', squares[None])[0]
    counts = state.summed('counts', xp.sum(seen[:1], axis=2))[0]
    size = xp.sqrt(squares / xp.clip(counts, 1, None))
    largest = xp.max(xp.abs(points[:1]) * seen[:1, ..., None], axis=(2, 3))
    largest = state.largest('largest', largest)[0]
    size = xp.where(size > ROUNDING * largest, size, xp.inf)
    if frames.whole:
        size = xp.where(xp.isinf(size), 1, size)[-1:]
    return Bodies(path, relative, size)


def _mean(points: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the joints seen (M, n, dims), and whether any is (M, n)."""
    xp = namespace(points)
    counts = xp.sum(seen, axis=2)
    weights = xp.astype(seen, points.dtype) / xp.clip(counts, 1, None)[..., None]
    return xp.sum(points * weights[..., None], axis=2), counts > 0


@RENDERERS.register
class SkeletonCoordinates(Coordinates):
    """Gives the displacement of each joint and its position relative to the root.

    As ``render`` without an encoder, it gives the features themselves.

    The values of a missing joint are 0, as are displacements from or to it and those of
    the last frame. While the root is missing, it stays at its last position; in a video
    that never shows it, positions are relative to the mean of all joints seen in the
    frame.

    Reads: keypoint (M, T, V, 2) in pixels or keypoint_3d (M, T, V, 3); keypoint_score
    (M, T, V), 1 by default. Writes: coordinates, float32, shape (T, C, V), or
    (T, C * V) with ``flatten``. C is ``dims``, or twice that with displacements, which
    come first.

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        dims: 3 for keypoint_3d, 2 for keypoint.
        root: Name of the joint to which positions are relative, or names of several
            joints, for the mean of those seen; by default the root of the skeleton.
        displacement: Whether to include displacements.
        scale: ``body`` divides the values of a video by the root mean square distance
            of its joints from the root, to remove the effect of the camera and of body
            size; None leaves them in pixels or metres.
        person: Index of the person to use; by default the one with the highest sum of
            scores in the video.
        flatten: Whether each frame is one vector, as required by
            :class:`mmskelseg.models.MSTCNPlusPlus`; the joints of a channel are
            adjacent in it.
        causal: Whether no value depends on later frames, so that a stream gives the
            same values. Displacements are then from the previous frame, and 0 in the
            first frame; the body scale is that of the frames so far, and values are 0
            until two joints have been apart; the mean of all joints seen replaces the
            root until it is first seen.

    Raises:
        ValueError: If the coordinates are missing, not finite or do not fit the
            skeleton, or if ``causal=True``, the video has several persons and
            ``person`` is not given.

    Note:
        The code of MS-GCN does not scale; its first layer normalises each channel.

    Source: Filtjens et al. (IEEE TETC 2022), and the code of MS-GCN.
    """

    def __init__(
        self,
        skeleton: SkeletonLike,
        dims: Literal[2, 3] = 3,
        *,
        root: str | Sequence[str] | None = None,
        displacement: bool = True,
        scale: Literal['body'] | None = 'body',
        person: CountOrZero | None = None,
        flatten: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__(dims, person)
        self.skeleton = Skeleton.get(skeleton)
        names = [root] if isinstance(root, str) else root
        joints = self.skeleton.joints
        if names is not None and not (names and set(names) <= set(joints)):
            raise UserError(
                f'root={root!r} must be names of joints of skeleton '
                f'{self.skeleton.name!r}: {", ".join(joints)}.'
            )
        self.root = self.skeleton.root
        if names is not None:
            self.root = tuple(joints.index(name) for name in names)
        self.displacement = displacement
        self.scale = scale
        self.flatten = flatten
        self.causal = causal

    def bodies(self, frames: Frames, state: State) -> Bodies:
        """Return the bodies in the next frames; without a scale, their size is 1."""
        found = follow(frames, self.root, state.of('body'))
        ones = namespace(found.size).ones_like(found.size[-1:])
        return found if self.scale else replace(found, size=ones)

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return float32 features of the next frames, (n, C, V) or (n, C * V)."""
        return self.of_body(self.bodies(frames, state), frames, state)

    def of_body(self, body: Bodies, frames: Frames, state: State) -> np.ndarray:
        """Return the features of a body in the next frames."""
        xp, values = namespace(body.relative), body.relative
        if self.displacement:
            seen = frames.seen[:1, ..., None]
            moved = state.changes('points', frames.points[:1], seen)[0]
            if frames.whole:
                # To the next frame; the first one has no change from before it.
                moved = xp.roll(moved, -1, axis=0)
            values = xp.concat([moved, values], axis=-1)
        values = values / body.size[:, None, None]
        values = xp.astype(xp.matrix_transpose(values), xp.float32)
        return flat(values) if self.flatten else values

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        settings = {**vars(self), 'type': type(self).__name__, 'root': list(self.root)}
        settings['joints_of'] = list(settings.pop('skeleton').joints)
        if not self.causal:
            # So that names of existing feature files stay valid.
            del settings['causal']
        return settings
