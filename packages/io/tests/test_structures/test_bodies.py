import numpy as np

from mmskelseg_io.structures.bodies import camera_view, joints_seen, up_direction


def body(rng, lengths, turns=(0,)):
    """A video of bodies with these extents, turned in the plane of the first axes."""
    points = rng.normal(0, lengths, (1, len(turns), 40, len(lengths)))
    angles = np.asarray(turns, float)[None, :, None]
    x, y = points[..., 0].copy(), points[..., 1].copy()
    points[..., 0] = x * np.cos(angles) - y * np.sin(angles)
    points[..., 1] = x * np.sin(angles) + y * np.cos(angles)
    key = 'keypoint' if len(lengths) == 2 else 'keypoint_3d'
    return {key: points + 5, 'keypoint_score': np.ones(points.shape[:3])}


def test_joints_are_seen_from_the_same_score_on_as_in_features():
    """Features leave out joints with a score below 0.0001."""
    score = np.array([[[0, 0.00005, 0.0001, 1]]], np.float32)
    assert joints_seen({'keypoint_score': score}).tolist() == [[[0, 0, 1, 1]]]
    points = np.array([[[[0, 0], [0, 2]]]])
    assert joints_seen({'keypoint': points}).tolist() == [[[0, 1]]]


def test_people_who_stand_show_which_axis_is_vertical(rng):
    lost = {**body(rng, (9, 1, 1)), 'keypoint_score': np.zeros((1, 1, 40))}
    videos = [body(rng, (0.2, 0.6, 0.2)), lost]
    assert up_direction({}, videos)[0] == 'y'
    assert up_direction({'up': '-z'}, videos)[0] == '-z'


def test_animals_that_walk_everywhere_show_which_axis_is_vertical(rng):
    """The first two axes are the floor; an animal is hardly higher than wide."""
    turns = rng.uniform(0, 2 * np.pi, 300)
    walking = body(rng, (4, 2, 2), turns)
    assert up_direction({}, [walking])[0] == 'z'
    standing = body(rng, (0.2, 0.6, 0.2))
    assert up_direction({}, [walking, standing])[0] is None


def test_axis_is_not_guessed_where_bodies_show_none(rng):
    crawling = [body(rng, (4, 3, 1), np.zeros(300)) for _ in range(2)]
    assert up_direction({}, crawling)[0] is None
    upright = [body(rng, (0.6, 0.2, 0.2)), body(rng, (0.2, 0.2, 0.6))]
    assert up_direction({}, upright)[0] is None


def test_bodies_that_point_everywhere_are_seen_from_above(rng):
    turns = rng.uniform(0, 2 * np.pi, 300)
    assert camera_view({}, [body(rng, (3, 1), turns)])[0] == 'top'
    # Backwards is not another direction of an upright body.
    assert camera_view({}, [body(rng, (1, 3), [0, np.pi, 0.2])])[0] == 'side'
    assert camera_view({'view': 'top'}, [body(rng, (1, 3))])[0] == 'top'
    lost = {**body(rng, (1, 3)), 'keypoint_score': np.zeros((1, 1, 40))}
    assert camera_view({}, [lost])[0] == 'side'
