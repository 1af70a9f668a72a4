"""Skeletons seen more and more coarsely: joints, body parts, the whole body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg.structures.skeleton import Skeleton


def skeleton_pyramid(skeleton: Skeleton) -> list[tuple[Skeleton, np.ndarray]]:
    """Return the levels of a skeleton, each with how it reads the level below.

    Body parts are the skeleton's drop groups (arms and legs) and, as one more, the
    joints in none of them. A skeleton without drop groups has no such level.

    Returns:
        For each level its skeleton of G nodes and an array (G', G), float32, whose
        column g has the weights of the G' nodes below in node g; they add up to 1. The
        first level has the joints, each of which reads itself.

    >>> [level.joints for level, _ in skeleton_pyramid(Skeleton.get('lcr15'))][1:]
    [('left_arm', 'right_arm', 'left_leg', 'right_leg', 'remaining'), ('body',)]
    """
    levels = [(skeleton, np.eye(skeleton.num_joints, dtype=np.float32))]
    if skeleton.drop_groups:
        parts = dict(skeleton.drop_groups)
        grouped = set().union(*parts.values())
        remaining = [j for j in range(skeleton.num_joints) if j not in grouped]
        if remaining:
            parts['remaining'] = tuple(remaining)
        levels.append(_pooled(skeleton, parts))
    top = levels[-1][0]
    levels.append(_pooled(top, {'body': range(top.num_joints)}))
    return levels


def _pooled(
    skeleton: Skeleton, groups: Mapping[str, Sequence[int]]
) -> tuple[Skeleton, np.ndarray]:
    """Return the skeleton of groups of joints, and the share of each joint in them.

    Two groups have a limb where one leads from a joint of one to a joint of the other.
    """
    member = np.zeros((skeleton.num_joints, len(groups)), np.float32)
    for g, joints in enumerate(groups.values()):
        member[list(joints), g] = 1
    limbs = {
        (min(g, h), max(g, h))
        for a, b in skeleton.limbs
        for g in np.flatnonzero(member[a]).tolist()
        for h in np.flatnonzero(member[b]).tolist()
        if g != h
    }
    root = np.flatnonzero(member[list(skeleton.root)].any(axis=0))
    pooled = Skeleton(
        name=f'{skeleton.name} pooled',
        joints=tuple(groups),
        limbs=tuple(sorted(limbs)),
        root=tuple(root.tolist()),
    )
    return pooled, member / member.sum(axis=0)
