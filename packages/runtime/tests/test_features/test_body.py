"""Bodies and coordinates of the frames so far."""

import numpy as np
import pytest

from mmskelseg_runtime.features import SkeletonCoordinates
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.body import follow

SIX = {'joints': list('abcdef'), 'limbs': []}


def person(T=60, V=6, dims=2, seed=0):
    """Return a walk of joints, of which some are lost, and the root at first."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 9, (1, V, dims)) + rng.normal(0, 1, (T, V, dims)).cumsum(0)
    seen = rng.uniform(size=(T, V)) > 0.3
    seen[:7, :2] = False
    seen[20:24] = False
    return points + 100, seen


def followed(root, points, seen):
    """Return root, joints relative to it, and size of a person in frames so far."""
    body = follow(Frames(points[None], seen[None]), root, State())
    return body.root[0], body.relative, body.size


def test_root_is_where_it_was_last_seen_and_never_where_it_will_be():
    """Before it is seen, it is the mean of all visible joints."""
    points = np.arange(10.0).reshape(5, 2, 1)
    seen = np.array([[0, 1], [0, 0], [1, 1], [0, 1], [1, 0]], bool)
    root, relative, _ = followed([0], points, seen)
    assert root.ravel().tolist() == [1, 1, 4, 4, 8]
    assert relative[..., 0].tolist() == [[0, 0], [0, 0], [0, 1], [0, 3], [0, 0]]


def test_size_is_that_of_the_frames_so_far():
    """Infinite while all joints are at one point, then the root mean square."""
    points = np.array([[[5.0], [5.0]], [[5.0], [8.0]], [[0.0], [0.0]]])
    _, _, size = followed([0], points, np.ones((3, 2), bool))
    np.testing.assert_allclose(size, [np.inf, 1.5, np.sqrt(9 / 6)])


def test_rounding_is_no_size():
    """All joints at one point far from the origin, in float32."""
    points = np.full((4, 3, 2), 1e6)
    points[:, 1] += 0.03
    _, _, size = followed([0], points, np.ones((4, 3), bool))
    assert (size == np.inf).all()


@pytest.mark.parametrize('dims', [2, 3])
@pytest.mark.parametrize('displacement', [True, False])
@pytest.mark.parametrize('scale', ['body', None])
def test_chunks_give_what_all_frames_together_give(dims, displacement, scale):
    """Also after the state was stored and loaded between chunks."""
    points, seen = person(dims=dims)
    render = SkeletonCoordinates(
        SIX, dims, root=['a', 'b'], displacement=displacement, scale=scale, causal=True
    )
    expected = render.running().push(points, seen)
    rng = np.random.default_rng(1)
    for _ in range(5):
        running, found, begin = render.running(), [], 0
        while begin < len(points):
            end = begin + rng.integers(20)
            found.append(running.push(points[begin:end], seen[begin:end]))
            state = running.state_dict()
            running = render.running()
            running.load_state_dict(state)
            begin = end
        np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-6)


def test_state_is_a_copy():
    points, seen = person()
    render = SkeletonCoordinates(SIX, 2, causal=True)
    body = render.running()
    body.push(points[:9], seen[:9])
    state = body.state_dict()
    before = {key: value.copy() for key, value in state.items()}
    body.push(points[9:], seen[9:])
    assert all((state[key] == value).all() for key, value in before.items())
    body.reset()
    fresh = render.running().state_dict()
    assert all((body.state_dict()[key] == value).all() for key, value in fresh.items())
