"""Removes arms and legs, as when a tracker loses them: Sec. IV-C of the paper."""

from __future__ import annotations

import hashlib

import numpy as np

from mmskelseg.datasets.items import Item
from mmskelseg.datasets.transforms.augment import Transform, check_joints, lose
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Fraction
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.skeleton import SkeletonLike


@TRANSFORMS.register_module()
class DropLimb(Transform):
    """Removes an arm or a leg from some frames, to test or train a model without them.

    With probability p, each frame loses one of the skeleton's drop groups, which are
    equally likely. All persons lose the same one.

    The choice depends only on seed, video and frame. So all models lose the same limbs,
    and a limb that is lost at some p is also lost at every higher p. In the pipeline of
    a training, it also depends on the epoch and on the seed of the training.

    Reads: frame_dir; keypoint (M, T, V, 2); keypoint_score (M, T, V), 1 by default;
    keypoint_3d (M, T, V, 3), if present. Writes: the same as new arrays, with 0 for the
    removed joints.

    Args:
        p: Probability that a frame loses a group, 0 to 1.
        seed: Different seeds remove different limbs.
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`. A data set
            passes the one of its annotation file.

    Raises:
        ValueError: If the skeleton is missing or has no drop groups, or if the
            keypoints do not fit it.

    Source: Hyder et al. (ICRA 2024), Sec. IV-C and Table III.
    """

    def __init__(
        self, p: Fraction, seed: int = 0, *, skeleton: SkeletonLike | None = None
    ) -> None:
        if skeleton is None:
            raise UserError(
                'DropLimb: it is unknown which joints are arms and legs; name the '
                "skeleton, for example skeleton='coco17'."
            )
        self.p = float(p)
        self.seed = int(seed)
        self.skeleton = Skeleton.get(skeleton)
        self.groups = dict(sorted(self.skeleton.drop_groups.items()))
        if not self.groups:
            raise UserError(
                f'DropLimb: skeleton {self.skeleton.name!r} has no drop groups; add '
                '`drop_groups` to it, a list of joints for each arm and leg by name.'
            )

    def transform(self, results: Item) -> Item:
        """Write keypoints and scores without the removed joints."""
        self.check_place(results)
        shape = np.shape(results['keypoint'])
        check_joints(shape, self.skeleton)
        # The last row, with index -1, is for frames that lose nothing.
        rows = np.zeros((len(self.groups) + 1, self.skeleton.num_joints), bool)
        for row, joints in zip(rows[:-1], self.groups.values(), strict=True):
            row[list(joints)] = True
        name = results['frame_dir']
        when = (results.get('epoch', 0), results.get('run_seed', 0))
        if any(when):
            name = f'{name}:{when}'
        removed = rows[self.draw(name, shape[1])]
        lose(results, np.broadcast_to(removed, shape[:3]))
        return results

    def draw(self, frame_dir: str, num_frames: int) -> np.ndarray:
        """Return the index in ``groups`` of each frame's loss, or -1, (T,), int64.

        Two 64-bit numbers per frame from SHAKE-256 over seed and video decide whether a
        frame loses a group, and which. Unlike NumPy, this is the same everywhere.
        """
        stream = hashlib.shake_256(f'{self.seed}:{frame_dir}'.encode())
        numbers = np.frombuffer(stream.digest(16 * num_frames), '<u8').reshape(-1, 2)
        # The upper 53 bits, the precision of a float: always below 1.
        chance = (numbers[:, 0] >> np.uint64(11)) * 2.0**-53
        group = (numbers[:, 1] % np.uint64(len(self.groups))).astype(np.int64)
        return np.where(chance < self.p, group, -1)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the changes, as plain values."""
        return {
            'type': type(self).__name__,
            'p': self.p,
            'seed': self.seed,
            'groups': {name: list(joints) for name, joints in self.groups.items()},
        }
