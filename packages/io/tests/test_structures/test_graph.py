import numpy as np
import pytest

from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.graph import (
    graph_center,
    hop_distances,
    skeleton_pyramid,
    spatial_subsets,
)

LAYOUTS = ['coco17', 'lcr15']


@pytest.mark.parametrize('name', LAYOUTS)
def test_hop_distances_agree_with_powers_of_the_adjacency(name):
    """The first power of it that connects two joints is their distance."""
    skeleton = Skeleton.get(name)
    V = skeleton.num_joints
    step = np.eye(V)
    for a, b in skeleton.limbs:
        step[a, b] = step[b, a] = 1
    expected = np.full((V, V), np.inf)
    for hop in reversed(range(V)):
        expected[np.linalg.matrix_power(step, hop) > 0] = hop
    np.testing.assert_array_equal(hop_distances(skeleton), expected)


def test_spatial_subsets_are_those_of_the_reference(vectors):
    """Its graph of LCR-15 has two limbs more, from each hip to its shoulder."""
    lcr15 = Skeleton.get('lcr15')
    skeleton = Skeleton(
        'ms-gcn', lcr15.joints, (*lcr15.limbs, (4, 10), (5, 11)), root=lcr15.root
    )
    expected = vectors('msgcn_tiny_forward')['A']
    np.testing.assert_array_equal(spatial_subsets(skeleton), expected)


@pytest.mark.parametrize('name', LAYOUTS)
@pytest.mark.parametrize('reach', [1, None])
def test_each_joint_reads_with_weights_that_add_up_to_1(name, reach):
    """Each neighbour is in one subset, and counts as much as the others."""
    adjacency = spatial_subsets(Skeleton.get(name), reach)
    np.testing.assert_allclose(adjacency.sum(axis=(0, 1)), 1, rtol=1e-6)
    assert ((adjacency > 0).sum(axis=0) <= 1).all()
    for read in adjacency.sum(axis=0).T:
        assert len(set(read[read > 0])) == 1


def test_spatial_subsets_follow_the_way_to_the_root():
    """Of an arm, each joint but the root reads the one nearer to it apart."""
    arm = {'joints': 3, 'limbs': [[0, 1], [1, 2]], 'root': [0]}
    own, farther, nearer = spatial_subsets(Skeleton.get(arm), reach=None)
    third = np.float32(1 / 3)
    np.testing.assert_array_equal(np.diag(own), [0.5, third, 0.5])
    np.testing.assert_array_equal(farther, [[0, 0, 0], [0.5, 0, 0], [0, third, 0]])
    np.testing.assert_array_equal(nearer, [[0, third, 0], [0, 0, 0.5], [0, 0, 0]])


def test_graph_without_a_root_is_ordered_from_its_middle():
    """Fewest limbs to the others; a joint that no way leads to is far from it."""
    limbs = [[0, 1], [1, 2], [2, 3], [2, 4]]
    assert graph_center(Skeleton.get({'joints': 6, 'limbs': limbs})) == (2,)
    rooted = {'joints': 6, 'limbs': limbs, 'root': [0, 1]}
    assert graph_center(Skeleton.get(rooted)) == (0, 1)
    nearer = spatial_subsets(Skeleton.get({'joints': 6, 'limbs': limbs}))[2]
    assert np.argwhere(nearer).tolist() == [[1, 0], [2, 1], [2, 3], [2, 4]]


def test_spatial_subsets_are_symmetric_with_two_roots():
    """COCO's middle is between the hips, so left and right read alike."""
    skeleton = Skeleton.get('coco17')
    order = np.arange(17)
    for a, b in skeleton.flip_pairs:
        order[[a, b]] = b, a
    adjacency = spatial_subsets(skeleton, reach=None)
    np.testing.assert_array_equal(adjacency[:, order][:, :, order], adjacency)


def test_pyramid_pools_joints_to_parts_and_parts_to_the_body():
    """Arms and legs meet in the trunk, and each node is the mean of its joints."""
    (_, joints), (parts, to_parts), (body, to_body) = skeleton_pyramid(
        Skeleton.get('lcr15')
    )
    np.testing.assert_array_equal(joints, np.eye(15))
    # Neck, head and centre remain, which is where arms and legs are tied to.
    assert parts.limbs == ((0, 4), (1, 4), (2, 4), (3, 4))
    assert parts.root == (4,)
    np.testing.assert_allclose(to_parts[:, 4], np.isin(np.arange(15), (12, 13, 14)) / 3)
    np.testing.assert_allclose(to_parts.sum(axis=0), 1)
    assert (body.joints, body.limbs) == (('body',), ())
    np.testing.assert_allclose(to_body, np.full((5, 1), 0.2))


def test_pyramid_has_the_parts_of_the_skeleton_alone():
    """No parts are made up, and a joint of two parts is in both."""
    chain = {'joints': 3, 'limbs': [[0, 1], [1, 2]]}
    assert [one.num_joints for one, _ in skeleton_pyramid(Skeleton.get(chain))] == [
        3, 1
    ]  # fmt: skip
    chain['drop_groups'] = {'upper': [0, 1], 'lower': [1, 2]}
    _, (parts, pool), _ = skeleton_pyramid(Skeleton.get(chain))
    assert (parts.joints, parts.limbs) == (('upper', 'lower'), ((0, 1),))
    np.testing.assert_allclose(pool, [[0.5, 0], [0.5, 0.5], [0, 0.5]])
