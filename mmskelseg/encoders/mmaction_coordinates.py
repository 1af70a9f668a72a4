"""Coordinates that MMAction2's own transforms compute from a skeleton."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from mmengine.config import ConfigDict

from mmskelseg.registry import TRANSFORMS
from mmskelseg.runtime.features.coordinates import Coordinates
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.annotations import VideoAnnotation


@TRANSFORMS.register_module()
class MMActionCoordinates(Coordinates):
    """Applies MMAction2's transforms to a skeleton, for networks of MMAction2.

    Used as ``render`` without an encoder, its coordinates are the features. A network
    that starts from a checkpoint of MMAction2 thus gets the input it was trained on:
    for 2D joints, ``mmaction.PreNormalize2D`` and ``mmaction.GenSkeFeat`` with
    ``dataset='coco'`` and ``feats=['j']`` give x, y and score of each joint.

    Reads: keypoint (M, T, V, 2) in pixels and keypoint_score (M, T, V), or keypoint_3d
    (M, T, V, 3); img_shape (h, w); total_frames. Writes: coordinates, float32, shape
    (T, C, V).

    Args:
        transforms: Configs of transforms that change ``keypoint`` and keep its frames.
        dims: 3 for keypoint_3d, 2 for keypoint.
        person: Index of the person to use; by default the one with the highest sum of
            scores in the video, or the first if there are no scores.

    Raises:
        ValueError: If the coordinates or the person are missing, or if the transforms
            do not keep the frames.
    """

    def __init__(
        self,
        transforms: Sequence[Mapping[str, object]],
        dims: Literal[2, 3] = 2,
        *,
        person: int | None = None,
    ) -> None:
        super().__init__(dims, person)
        self.transforms = [ConfigDict(cfg).to_dict() for cfg in transforms]
        self._built = [TRANSFORMS.build(cfg) for cfg in self.transforms]

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        arrays = self._read(results)
        if len(arrays['keypoint']) > 1 and 'keypoint_score' in results:
            # In 3D too, they decide which person is used.
            arrays['keypoint_score'] = np.asarray(results['keypoint_score'])
        return [*arrays.values(), np.array(results['img_shape'])]

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return an array of shape (T, C, V)."""
        arrays = self._read(results)
        score = results.get('keypoint_score')
        person = self._one_of(len(arrays['keypoint']), score, self.person)
        # Copies, since some of these transforms modify the arrays.
        changed: dict[str, object] = {
            key: np.array(value[person : person + 1], np.float32)
            for key, value in arrays.items()
        }
        frames = arrays['keypoint'].shape[1]
        changed |= {'img_shape': results['img_shape'], 'total_frames': frames}
        for transform in self._built:
            changed = transform(changed)
        points = np.asarray(changed['keypoint'])
        if points.ndim != 4 or points.shape[:2] != (1, frames):
            raise UserError(
                f'MMActionCoordinates: for {frames} frames of one person, its '
                f'transforms return keypoint of shape {points.shape}; use only '
                'transforms that keep persons and frames.'
            )
        # (T, V, C) → (T, C, V)
        return points[0].swapaxes(1, 2).astype(np.float32)

    def _read(self, results: VideoAnnotation) -> dict[str, np.ndarray]:
        """Return ``keypoint`` and, in 2D as in MMAction2, ``keypoint_score``."""
        arrays = {'keypoint': np.asarray(results[self._key(results)])}
        if self.dims == 2:
            ones = np.ones(arrays['keypoint'].shape[:3], np.float32)
            arrays['keypoint_score'] = np.asarray(results.get('keypoint_score', ones))
        return arrays

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        return {
            'type': type(self).__name__,
            'transforms': self.transforms,
            'dims': self.dims,
            'person': self.person,
        }
