"""Skeletons as graphs, for convolutions over joints."""

from __future__ import annotations

import numpy as np

from mmskelseg.structures.skeleton import Skeleton


def hop_distances(skeleton: Skeleton) -> np.ndarray:
    """Return how many limbs lie between any two joints, infinity where no way leads.

    Returns:
        Array of shape (V, V), float64.

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


def spatial_subsets(skeleton: Skeleton, reach: int | None = 1) -> np.ndarray:
    """Return a graph's adjacency in subsets by the way to the skeleton's root.

    Subset 0 is a joint itself, 1 its neighbours that are as far from the root as it or
    farther (centrifugal), 2 those nearer to it (centripetal). Entry (k, v, w) is the
    weight with which joint w reads joint v of its subset k. The weights of all that a
    joint reads are equal and add up to 1 over the subsets.

    Args:
        skeleton: Its ``limbs`` are the edges; the nearest joint of ``root`` counts.
        reach: Joints more limbs away from the root than this count as equally far. None
            tells all distances apart, as the paper has it.

    Returns:
        Array of shape (3, V, V), float32.

    Note:
        With the default, weights are those of the public code of ST-GCN and MS-GCN,
        which sees distances up to one limb only.

    Source: Yan et al. (AAAI 2018), Sec. 3.3, "spatial configuration partitioning".

    >>> chain = Skeleton.get(dict(joints=3, limbs=[[0, 1], [1, 2]], root=[0]))
    >>> (spatial_subsets(chain, reach=None)[2] > 0).astype(int)  # reads its way home
    array([[0, 1, 0],
           [0, 0, 1],
           [0, 0, 0]])
    """
    distance = hop_distances(skeleton)
    to_root = distance[list(skeleton.root)].min(axis=0)
    if reach is not None:
        to_root[to_root > reach] = np.inf
    neighbours = distance == 1
    nearer = to_root[:, None] < to_root
    return _weighted([distance == 0, neighbours & ~nearer, neighbours & nearer])


def _weighted(subsets: list[np.ndarray]) -> np.ndarray:
    """Return masks (V, V) as weights that add up to 1 for each joint that reads."""
    masks = np.stack(subsets).astype(np.float64)
    return (masks / masks.sum(axis=(0, 1))).astype(np.float32)
