"""Joints where they are in the image, as MMAction2's graph networks read them."""

import numpy as np

from mmskelseg_io.messages.options import CountOrZero
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.coordinates import Coordinates, read_joints
from mmskelseg_runtime.parts import RENDERERS


@RENDERERS.register
class ImageCoordinates(Coordinates):
    """Gives the place of each joint in the image, and its score.

    x and y are from -1 to 1 between the edges of the image, as after MMAction2's
    ``PreNormalize2D``, so that networks of its recognisers find what they were trained
    on.

    Reads: keypoint (M, T, V, 2) in pixels; keypoint_score (M, T, V), 1 by default;
    img_shape. Writes: coordinates, float32, shape (T, 3, V).

    Args:
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`.
        person: Index of the person; by default the one with the highest sum of scores.
    """

    context = (0.0, 0.0)

    def __init__(
        self, skeleton: SkeletonLike, *, person: CountOrZero | None = None
    ) -> None:
        super().__init__(2, person)
        self.skeleton = Skeleton.get(skeleton)

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return the features of a recording, (T, 3, V)."""
        points, score = read_joints(
            results, 'keypoint', self.skeleton, 2, np.float32, score_dtype=np.float32
        )
        i = self._one_of(score, self.person)
        height, width = results['img_shape']
        places = points[i] / np.array([width / 2, height / 2], np.float32) - 1
        values = np.concatenate([places, score[i][..., None]], axis=-1)
        return values.swapaxes(1, 2)

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        return [*super().source(results), np.array(results['img_shape'])]

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        joints = list(self.skeleton.joints)
        return {'type': type(self).__name__, 'joints_of': joints, 'person': self.person}
