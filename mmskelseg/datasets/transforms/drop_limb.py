"""Removal of arms and legs, as a tracker loses them: Sec. IV-C of the paper."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmskelseg.datasets.transforms.augment import (
    A_PROBABILITY,
    Transform,
    check_joints,
    require,
)
from mmskelseg.registry import TRANSFORMS
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError


@TRANSFORMS.register_module()
class DropLimb(Transform):
    """Removes an arm or a leg from some frames, to test a model without it.

    In each frame, with probability p, one of the skeleton's drop groups is removed,
    each as likely as the others, of all persons alike.

    What is drawn depends on seed, video and frame alone. So all models lose the same
    limbs, and what is lost at some p is lost at every higher one.

    Reads: frame_dir; keypoint (M, T, V, 2); keypoint_score (M, T, V), taken as 1 where
    the key is missing; keypoint_3d (M, T, V, 3), where it is there. Writes: the last
    three as new arrays, 0 in the joints removed.

    Args:
        p: Probability that a frame loses a group, 0 to 1.
        seed: Other seeds give other draws.
        skeleton: The layout of the V joints; see :meth:`Skeleton.get`. A data set tells
            it the one of its annotation file.

    Raises:
        ValueError: If p is no probability, if there is no skeleton or it has no drop
            groups, or if the keypoints do not fit it.

    Source: Hyder et al. (ICRA 2024), Sec. IV-C and Table III.
    """

    def __init__(
        self,
        p: float,
        seed: int = 0,
        *,
        skeleton: Skeleton | str | Mapping[str, Any] | None = None,
    ) -> None:
        require(0 <= p <= 1, 'DropLimb', 'p', p, A_PROBABILITY)
        if skeleton is None:
            raise UserError(
                'DropLimb: it is not said which joints are arms and legs; name the '
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

    def transform(self, results: dict) -> dict:
        """Write keypoints and scores without the joints removed."""
        shape = np.shape(results['keypoint'])
        check_joints(shape, self.skeleton)
        if 'keypoint_score' not in results:
            results['keypoint_score'] = np.ones(shape[:3], np.float32)
        # The last row, which -1 means, is of frames that lose nothing.
        rows = np.zeros((len(self.groups) + 1, self.skeleton.num_joints), bool)
        for row, joints in zip(rows[:-1], self.groups.values(), strict=True):
            row[list(joints)] = True
        removed = rows[self.draw(results['frame_dir'], shape[1])]
        for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
            if key in results:
                results[key] = np.array(results[key])
                results[key][:, removed] = 0
        return results

    def draw(self, frame_dir: str, num_frames: int) -> np.ndarray:
        """Return the place in ``groups`` of what each frame loses, or -1, (T,), int64.

        Two numbers of 64 bits a frame, of SHAKE-256 over seed and video: one decides
        whether, the other which. Unlike NumPy's generators, it is the same everywhere.
        """
        stream = hashlib.shake_256(f'{self.seed}:{frame_dir}'.encode())
        numbers = np.frombuffer(stream.digest(16 * num_frames), '<u8').reshape(-1, 2)
        # The upper 53 bits, as many as a float keeps: below 1 always.
        chance = (numbers[:, 0] >> np.uint64(11)) * 2.0**-53
        group = (numbers[:, 1] % np.uint64(len(self.groups))).astype(np.int64)
        return np.where(chance < self.p, group, -1)

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is removed, as plain values."""
        return {
            'type': type(self).__name__,
            'p': self.p,
            'seed': self.seed,
            'groups': {name: list(joints) for name, joints in self.groups.items()},
        }
