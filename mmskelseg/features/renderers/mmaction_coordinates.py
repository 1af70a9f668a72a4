"""What MMAction2's own transforms make of a skeleton."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmengine.config import ConfigDict

from mmskelseg.features.renderers.coordinates import Coordinates
from mmskelseg.registry import TRANSFORMS
from mmskelseg.utils.errors import UserError


@TRANSFORMS.register_module()
class MMActionCoordinates(Coordinates):
    """Gives what MMAction2's transforms make of a skeleton, for its networks.

    Used as ``render`` without an encoder, its coordinates are the features. A network
    that starts from a checkpoint of MMAction2 reads here what it was trained with: for
    2D joints ``mmaction.PreNormalize2D`` and ``mmaction.GenSkeFeat`` with
    ``dataset='coco'`` and ``feats=['j']``, which make x, y and score of each joint.

    Reads: keypoint (M, T, V, 2) in pixels and keypoint_score (M, T, V), or keypoint_3d
    (M, T, V, 3); img_shape (h, w); total_frames. Writes: coordinates, float32, shape
    (T, C, V).

    Args:
        transforms: Configs of transforms that change ``keypoint`` and keep its frames.
        dims: 3 for keypoint_3d, 2 for keypoint.
        person: Which of several persons to take; by default the one with the highest
            sum of scores in the video, or the first where there are no scores.

    Raises:
        ValueError: If there are no such coordinates or no such person, or if the
            transforms do not keep the frames.
    """

    def __init__(
        self,
        transforms: Sequence[Mapping[str, Any]],
        dims: int = 2,
        *,
        person: int | None = None,
    ) -> None:
        super().__init__(dims, person)
        self.transforms = [ConfigDict(cfg).to_dict() for cfg in transforms]
        self._built = [TRANSFORMS.build(cfg) for cfg in self.transforms]

    def source(self, results: Mapping[str, Any]) -> list[np.ndarray]:
        """Return what the coordinates are made of, for the name of a feature file."""
        arrays = list(self._read(results).values())
        return [*arrays, np.array(results['img_shape'])]

    def coordinates(self, results: Mapping[str, Any]) -> np.ndarray:
        """Return an array of shape (T, C, V)."""
        arrays = self._read(results)
        person = self._one_of(len(arrays['keypoint']), arrays.get('keypoint_score'))
        # Copies, since some of these transforms write into the arrays.
        changed = {
            key: np.array(value[person : person + 1], np.float32)
            for key, value in arrays.items()
        }
        frames = arrays['keypoint'].shape[1]
        changed |= {'img_shape': results['img_shape'], 'total_frames': frames}
        for transform in self._built:
            changed = transform(changed)
        points = changed['keypoint']
        if points.ndim != 4 or points.shape[:2] != (1, frames):
            raise UserError(
                f'MMActionCoordinates: of {frames} frames of one person, its '
                f'transforms make keypoint of shape {points.shape}; name only '
                'transforms that keep persons and frames.'
            )
        # (T, V, C) → (T, C, V)
        return points[0].swapaxes(1, 2).astype(np.float32)

    def _read(self, results: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return ``keypoint`` and, where MMAction2 has it, ``keypoint_score``."""
        arrays = {'keypoint': np.asarray(results[self._key(results)])}
        if self.dims == 2:
            ones = np.ones(arrays['keypoint'].shape[:3], np.float32)
            arrays['keypoint_score'] = np.asarray(results.get('keypoint_score', ones))
        return arrays

    def settings(self) -> dict[str, Any]:
        """Return all that decides the coordinates, as plain values."""
        return {
            'type': type(self).__name__,
            'transforms': self.transforms,
            'dims': self.dims,
            'person': self.person,
        }
