"""Others relative to a person, of the frames so far."""

import numpy as np
import pytest

from mmskelseg_runtime.features import PairCoordinates
from mmskelseg_runtime.features.relations import Relations

SIX = {
    'joints': ['right_hip', 'left_hip', 'right_shoulder', 'left_shoulder', 'a', 'b'],
    'limbs': [],
}


def people(M=4, T=60, V=6):
    """Return a walk of joints, of which some, and at times all, are lost."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 9, (M, 1, V, 2)) + rng.normal(0, 1, (M, T, V, 2)).cumsum(1)
    seen = rng.uniform(size=(M, T, V)) > 0.4
    seen[:, :7, :2] = seen[0, 20:24] = seen[1, 30:40] = False
    joints = (points + 100).swapaxes(0, 1).reshape(T, M * V, 2)
    return joints, seen.swapaxes(0, 1).reshape(T, M * V)


def running(scale='body'):
    distances = [('root', 'root'), ('right_hip', 'left_shoulder')]
    render = PairCoordinates(
        SIX, 2, nearest=2, distances=distances, scale=scale, person=0, causal=True
    )
    return render.running(4)


@pytest.mark.parametrize('scale', ['body', None])
def test_chunks_give_what_all_frames_together_give(scale):
    """Also chunks of no frame."""
    points, seen = people()
    expected = running(scale).push(points, seen)
    rng = np.random.default_rng(1)
    for _ in range(5):
        pairs, found, begin = running(scale), [], 0
        while begin < 60:
            end = begin + rng.integers(20)
            found.append(pairs.push(points[begin:end], seen[begin:end]))
            begin = end
        np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-6)


def test_reset_forgets_frames():
    points, seen = people()
    pairs = running()
    pairs.push(points[30:], seen[30:])
    pairs.reset()
    expected = running().push(points, seen)
    np.testing.assert_array_equal(pairs.push(points, seen), expected)


def test_heading_is_the_mean_direction_of_joints_that_are_seen():
    """Of (3, 4) and, in the first frame alone, (3, -4); across it, a quarter turn."""
    points = np.zeros((1, 3, 4, 2))
    points[:, :, 1] = 3, 4
    points[:, :, 3] = 3, -4
    seen = np.ones((1, 3, 4), bool)
    seen[:, 1:, 3] = seen[:, 2, 1] = False
    along = Relations(1, [], ends=[(0, 1), (2, 3)]).headings(points, seen)
    np.testing.assert_allclose(along[0], [[1, 0], [0.6, 0.8], [0, 0]])
    across = Relations(1, [], ends=[(0, 1), (2, 3)], across=True)
    found = across.headings(points, seen)
    np.testing.assert_allclose(found[0], [[0, 1], [-0.8, 0.6], [0, 0]], atol=1e-12)


def test_vectors_turn_in_the_plane_alone():
    """A heading along the second axis of the plane; where it is unknown, nothing."""
    relations = Relations(1, [], plane=(0, 2))
    vectors = np.tile([1.0, 5, 2], (3, 2, 4, 1))
    turned = relations.turned(vectors, np.array([[0.0, 1], [0, 0]]))
    np.testing.assert_allclose(turned[:, 0], np.tile([2, 5, -1], (3, 4, 1)))
    np.testing.assert_array_equal(turned[:, 1], vectors[:, 1])
