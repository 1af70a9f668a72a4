"""Coordinates of joints as features, without an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from mmcv.transforms import BaseTransform

from mmskelseg.features.renderers.drawing import MIN_SCORE
from mmskelseg.registry import TRANSFORMS
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError

_KEYS = {2: 'keypoint', 3: 'keypoint_3d'}


@TRANSFORMS.register_module()
class SkeletonCoordinates(BaseTransform):
    """Gives each joint's displacement to the next frame, and its place from the root.

    Used as ``render`` without an encoder, its coordinates are the features.

    A joint that is missing has zeros, and so has the displacement from or to it, and
    that of the last frame. Where the root is missing, it stays where it was last seen.

    Reads: keypoint (M, T, V, 2) in pixels or keypoint_3d (M, T, V, 3); keypoint_score
    (M, T, V), taken as 1 where the key is missing. Writes: coordinates, float32, shape
    (T, C, V), or (T, C * V) with ``flatten``. C is ``dims``, twice with displacements,
    which come first.

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        dims: 3 for keypoint_3d, 2 for keypoint.
        root: Name of the joint from which places are measured, or names of those whose
            mean it is, as far as they are seen; by default the root of the skeleton.
        displacement: Whether displacements are given.
        scale: ``body`` divides a video's values by the root mean square distance of its
            joints from the root, so that neither the camera nor a person's size counts;
            None leaves them in pixels or metres.
        person: Which of several persons to take; by default the one with the highest
            sum of scores in the video.
        flatten: Whether the joints of a channel are put in a row, as one vector a
            frame, which is what :class:`mmskelseg.models.MSTCNPlusPlus` reads.

    Raises:
        ValueError: If an option is not one of these, if there are no such coordinates,
            or if they do not fit the skeleton or are not finite.

    Note:
        The code of MS-GCN does not scale; its first layer normalises each channel.

    Source: Filtjens et al. (IEEE TETC 2022), and the code of MS-GCN.
    """

    reads: ClassVar = 'poses'
    # Of the scale, and of where a missing root was last seen.
    context: ClassVar = None

    def __init__(
        self,
        skeleton: Skeleton | str | Mapping[str, Any],
        dims: int = 3,
        *,
        root: str | Sequence[str] | None = None,
        displacement: bool = True,
        scale: str | None = 'body',
        person: int | None = None,
        flatten: bool = False,
    ) -> None:
        if dims not in _KEYS:
            raise UserError(f'dims={dims!r} is not 2 or 3.')
        if scale not in ('body', None):
            raise UserError(f"scale={scale!r} is not 'body' or None.")
        self.skeleton = Skeleton.get(skeleton)
        names = [root] if isinstance(root, str) else root
        joints = self.skeleton.joints
        if names is not None and not (names and set(names) <= set(joints)):
            raise UserError(
                f'root={root!r} must be names of joints of skeleton '
                f'{self.skeleton.name!r}: {", ".join(joints)}.'
            )
        self.dims = dims
        self.root = (
            self.skeleton.root
            if names is None
            else tuple(joints.index(name) for name in names)
        )
        self.displacement = displacement
        self.scale = scale
        self.person = person
        self.flatten = flatten

    def transform(self, results: dict) -> dict:
        """Write ``coordinates``."""
        results['coordinates'] = self.coordinates(results)
        return results

    def blocks(self, results: Mapping[str, Any], frames: int) -> Iterator[np.ndarray]:
        """Yield ``coordinates`` of that many frames at a time."""
        coordinates = self.coordinates(results)
        for begin in range(0, len(coordinates), frames):
            yield coordinates[begin : begin + frames]

    def source(self, results: Mapping[str, Any]) -> list[np.ndarray]:
        """Return what the coordinates are made of, for the name of a feature file."""
        key = self._key(results)
        return [results[k] for k in (key, 'keypoint_score') if k in results]

    def coordinates(self, results: Mapping[str, Any]) -> np.ndarray:
        """Return an array of shape (T, C, V), or (T, C * V) with ``flatten``."""
        points, seen = self._one_person(*self._read(results))
        relative = np.where(
            seen[..., None], points - self._root_path(points, seen)[:, None], 0
        )
        values = relative
        if self.displacement:
            both = (seen[1:] & seen[:-1])[..., None]
            moved = np.zeros_like(points)
            moved[:-1] = np.where(both, np.diff(points, axis=0), 0)
            values = np.concatenate([moved, relative], axis=-1)
        if self.scale == 'body' and relative.any():
            values = values / np.sqrt(np.square(relative[seen]).sum(axis=-1).mean())
        # (T, V, C) → (T, C, V)
        values = values.swapaxes(1, 2).astype(np.float32)
        return values.reshape(len(values), -1) if self.flatten else values

    def _key(self, results: Mapping[str, Any]) -> str:
        key = _KEYS[self.dims]
        if key not in results:
            raise UserError(
                f'there is no {key}, which SkeletonCoordinates(dims={self.dims}) '
                f'reads; set dims={5 - self.dims}, or add it to the annotation file.'
            )
        return key

    def _read(self, results: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return coordinates (M, T, V, dims) and scores (M, T, V)."""
        key = self._key(results)
        points = np.asarray(results[key], np.float64)
        V = self.skeleton.num_joints
        if points.ndim != 4 or points.shape[2:] != (V, self.dims):
            raise UserError(
                f'{key} has the shape {points.shape}, but skeleton '
                f'{self.skeleton.name!r} needs (persons, frames, {V}, {self.dims}).'
            )
        score = np.asarray(results.get('keypoint_score', np.ones(points.shape[:3])))
        if score.shape != points.shape[:3]:
            raise UserError(
                f'keypoint_score has the shape {score.shape}, but {key} '
                f'{points.shape} needs {points.shape[:3]}.'
            )
        if not (np.isfinite(points).all() and np.isfinite(score).all()):
            raise UserError(
                f'{key} or keypoint_score has values that are not finite; set a joint '
                'that was not seen to 0, with score 0.'
            )
        return points, score

    def _one_person(
        self, points: np.ndarray, score: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a person's coordinates (T, V, dims), and which are seen (T, V)."""
        person = self.person
        if person is None:
            person = int(score.sum(axis=(1, 2)).argmax())
        if not 0 <= person < len(points):
            raise UserError(
                f'SkeletonCoordinates: person={person}, but there are {len(points)} '
                f'persons; name one of 0 to {len(points) - 1}, or None.'
            )
        return points[person], score[person] >= MIN_SCORE

    def _root_path(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return the root of each frame, shape (T, dims)."""
        joints = list(self.root)
        counts = seen[:, joints].sum(axis=1)
        known = np.flatnonzero(counts)
        if not known.size:
            if seen.any():
                names = [self.skeleton.joints[joint] for joint in joints]
                raise UserError(
                    f'no frame shows the root {names}, from which SkeletonCoordinates '
                    'measures; name joints that are seen as its `root`.'
                )
            return np.zeros_like(points[:, 0])
        weights = seen[:, joints, None] / np.maximum(counts, 1)[:, None, None]
        mean = (points[:, joints] * weights).sum(axis=1)
        # The last frame that shows it, or before all of these the first.
        last = np.searchsorted(known, np.arange(len(points)), side='right') - 1
        return mean[known[np.maximum(last, 0)]]

    def settings(self) -> dict[str, Any]:
        """Return all that decides the coordinates, as plain values."""
        return {
            'type': type(self).__name__,
            'joints_of': list(self.skeleton.joints),
            'dims': self.dims,
            'root': list(self.root),
            'displacement': self.displacement,
            'scale': self.scale,
            'person': self.person,
            'flatten': self.flatten,
        }

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(skeleton={self.skeleton.name!r}, '
            f'dims={self.dims}, root={self.root}, displacement={self.displacement}, '
            f'scale={self.scale!r}, person={self.person}, flatten={self.flatten})'
        )
