"""Skeletons as graphs for graph convolutions, and as pyramids of body parts."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_io.structures.skeleton import Skeleton


def hop_distances(skeleton: Skeleton) -> np.ndarray:
    """Return the number of limbs between any two joints, shape (V, V), float64.

    It is infinite for joints that are not connected.

    >>> hop_distances(Skeleton.get(dict(joints=4, limbs=[[0, 1], [1, 2]])))
    array([[ 0.,  1.,  2., inf],
           [ 1.,  0.,  1., inf],
           [ 2.,  1.,  0., inf],
           [inf, inf, inf,  0.]])
    """
    V = skeleton.num_joints
    distance = np.full((V, V), np.inf)
    np.fill_diagonal(distance, 0)
    for a, b in skeleton.limbs:
        if a != b:
            distance[a, b] = distance[b, a] = 1
    for via in range(V):
        detour = distance[:, via, None] + distance[via]
        distance = np.minimum(distance, detour)
    return distance


def graph_center(skeleton: Skeleton) -> tuple[int, ...]:
    """Return the joints that are the centre of a graph: the root of the skeleton.

    If all joints are the root, as in a skeleton without one, the centre is the joint
    with the smallest total distance to all others, counted in limbs; the first of
    several.

    >>> graph_center(Skeleton.get(dict(joints=3, limbs=[[0, 1], [1, 2]])))
    (1,)
    """
    if len(skeleton.root) < skeleton.num_joints:
        return skeleton.root
    # A joint that is not connected counts as farther away than any other.
    steps = np.minimum(hop_distances(skeleton), skeleton.num_joints)
    return (int(steps.sum(axis=0).argmin()),)


def spatial_subsets(skeleton: Skeleton, reach: int | None = 1) -> np.ndarray:
    """Return the adjacency matrix in three spatial subsets, (3, V, V), float32.

    Subset 0 is the joint itself, 1 its neighbours that are at least as far from the
    root (centrifugal), 2 its neighbours that are nearer to the root (centripetal).
    Entry (k, v, w) is the weight with which joint w reads joint v of its subset k. All
    weights of a joint are equal and sum to 1 over the subsets.

    Args:
        skeleton: Its ``limbs`` are the edges. If its :func:`graph_center` has several
            joints, distances are to the nearest of them.
        reach: Joints farther from the root than this number of limbs count as equally
            far. None distinguishes all distances, as in the paper.

    Note:
        The default gives the weights of the public code of ST-GCN and MS-GCN, which
        only sees distances up to one limb.

    Source: Yan et al. (AAAI 2018), Sec. 3.3, "spatial configuration partitioning".

    >>> chain = Skeleton.get(dict(joints=3, limbs=[[0, 1], [1, 2]], root=[0]))
    >>> (spatial_subsets(chain, reach=None)[2] > 0).astype(int)  # towards the root
    array([[0, 1, 0],
           [0, 0, 1],
           [0, 0, 0]])
    """
    distance = hop_distances(skeleton)
    to_root = distance[list(graph_center(skeleton))].min(axis=0)
    if reach is not None:
        to_root[to_root > reach] = np.inf
    neighbours = distance == 1
    nearer = to_root[:, None] < to_root
    subsets = [distance == 0, neighbours & ~nearer, neighbours & nearer]
    masks = np.stack(subsets).astype(np.float64)
    return (masks / masks.sum(axis=(0, 1))).astype(np.float32)


def skeleton_pyramid(skeleton: Skeleton) -> list[tuple[Skeleton, np.ndarray]]:
    """Return the levels of a skeleton: joints, body parts and the whole body.

    Body parts are the skeleton's drop groups (arms and legs), plus one for all
    remaining joints. A skeleton without drop groups has no such level.

    Returns:
        For each level, its skeleton of G nodes and a pooling matrix (G', G), float32:
        column g has the weights of the G' nodes of the level below in node g, which
        sum to 1. In the first level, each joint reads itself.

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
    """Return the skeleton of groups of joints, and the weight of each joint in a group.

    Two groups are connected if a limb joins a joint of one to a joint of the other.
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
