import numpy as np

from mmskelseg.structures import Skeleton
from mmskelseg.structures.pyramid import skeleton_pyramid


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


def test_pyramid_of_a_skeleton_without_parts_has_joints_and_body():
    """No parts are made up."""
    chain = Skeleton.get({'joints': 3, 'limbs': [[0, 1], [1, 2]]})
    levels = [level.num_joints for level, _ in skeleton_pyramid(chain)]
    assert levels == [3, 1]


def test_pyramid_of_parts_that_share_joints_counts_them_in_each():
    """A joint of two parts is in both; parts that cover all leave none over."""
    skeleton = Skeleton.get(
        {
            'joints': 3,
            'limbs': [[0, 1], [1, 2]],
            'drop_groups': {'upper': [0, 1], 'lower': [1, 2]},
        }
    )
    _, (parts, pool), _ = skeleton_pyramid(skeleton)
    assert parts.joints == ('upper', 'lower')
    assert parts.limbs == ((0, 1),)
    np.testing.assert_allclose(pool, [[0.5, 0], [0.5, 0.5], [0, 0.5]])
