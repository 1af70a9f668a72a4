"""Coordinates of a person and of others relative to the person."""

import numpy as np
import pytest

from mmskelseg_runtime.features import (
    FeatureRecipe,
    PairCoordinates,
    SkeletonCoordinates,
)
from tests.errors import raises_naming

# A mouse of two joints, which points from its tail, the root, to its nose.
MOUSE = {'joints': ['tail', 'nose'], 'limbs': [[0, 1]], 'root': ['tail']}
# A person of three joints, who faces across the line between the hips.
HIPS = {'joints': ['left_hip', 'right_hip', 'knee'], 'limbs': [[0, 2]]}
PLACES, CHANGE, CLOSING, DISTANCES, HEADING = (
    slice(1, 7), slice(7, 9), 9, slice(10, 14), slice(14, 16)
)  # fmt: skip


def mice(*people, score=None):
    """Return a video of mice, each a list of frames of a tail and a nose."""
    points = np.array(people, np.float32)
    score = np.ones(points.shape[:3]) if score is None else np.array(score)
    return {'keypoint': points, 'keypoint_score': score}


def others(video, skeleton=MOUSE, dims=2, *, scale=None, **options):
    """Return what follows the first person's own coordinates."""
    render = PairCoordinates(skeleton, dims, scale=scale, person=0, **options)
    own = SkeletonCoordinates(
        skeleton, dims, scale=scale, person=0, flatten=True,
        causal=options.get('causal', False),
    ).coordinates(video)  # fmt: skip
    values = render.coordinates(video)
    np.testing.assert_allclose(values[:, : own.shape[1]], own, rtol=1e-6)
    assert values.dtype == np.float32
    return values[:, own.shape[1] :]


def group(M=3, T=40, V=17, dims=2, seed=0):
    """Return a walk of people, of whom some joints, and at times all, are lost."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (M, 1, V, dims)) + rng.normal(0, 4, (M, 1, 1, dims))
    points = points + rng.normal(0, 0.3, (M, T, V, dims)).cumsum(axis=1)
    score = (rng.uniform(size=(M, T, V)) > 0.3).astype(np.float32)
    score[:, :4, 11:13] = score[1, 10:15] = score[0, 20:23] = 0
    key = 'keypoint' if dims == 2 else 'keypoint_3d'
    return {key: points, 'keypoint_score': score}


def test_other_mouse_by_hand():
    """A mouse at (1, 1) looks along y, which thus becomes the first axis.

    The other one is 3 ahead and 4 to the side, then 3 ahead and 0 to the side, and
    looks along x, that is, by -90 degrees from the first.
    """
    own = 2 * [[[1, 1], [1, 3]]]
    other = [[[5, 4], [6, 4]], [[1, 4], [2, 4]]]
    first, second = others(mice(own, other))
    assert first[0] == second[0] == 1
    # Of nose, tail and root: along the heading, then across.
    np.testing.assert_allclose(first[PLACES], [3, 3, 3, -4, -5, -4], atol=1e-6)
    np.testing.assert_allclose(second[PLACES], [3, 3, 3, 0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(first[CHANGE], [0, 0], atol=1e-6)
    np.testing.assert_allclose(second[CHANGE], [0, 4], atol=1e-6)
    assert (first[CLOSING], second[CLOSING]) == (0, -2)
    # From tail and from nose, each to tail and nose.
    expected = [5, np.hypot(5, 3), np.hypot(4, 1), np.hypot(5, 1)]
    np.testing.assert_allclose(first[DISTANCES], expected, rtol=1e-6)
    np.testing.assert_allclose(first[HEADING], [0, -1], atol=1e-6)


def test_persons_in_3d_turn_about_the_vertical_axis():
    """Left of the person is +x, so the heading is +z, the second horizontal axis."""
    person = [[1, 0, 0], [-1, 0, 0], [0, -1, 0]]
    turned = [[0, 0, 1], [0, 0, -1], [0, -1, 0]]
    points = np.array([[person], [turned]], np.float32)
    points[1] += [2, 5, 7]
    video = {'keypoint_3d': points}
    (found,) = others(video, HIPS, 3, vertical=1)
    places = found[1:13].reshape(3, 4)
    # Ahead is z, up stays, and x becomes what is to the side.
    np.testing.assert_allclose(places[:, 3], [7, 5, -2], atol=1e-6)
    np.testing.assert_allclose(places[:, 0], [8, 5, -2], atol=1e-6)
    np.testing.assert_allclose(found[-2:], [0, 1], atol=1e-6)


def test_lengths_are_in_body_sizes_of_the_person():
    """A scene twice as large gives the same; flags and headings have no unit."""
    video = group()
    expected = others(video, 'coco17', scale='body')
    double = {**video, 'keypoint': 2 * video['keypoint'] + 50}
    found = others(double, 'coco17', scale='body')
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_place_and_direction_of_the_scene_have_no_effect_on_what_is_turned():
    """A scene that is turned by 0.7 radians and shifted gives the same values."""
    video = group()
    cos, sin = np.cos(0.7), np.sin(0.7)
    turned = video['keypoint'] @ np.array([[cos, sin], [-sin, cos]]) + 9
    # Only from the fifth frame on do these people show their hips.
    expected = others(video, 'coco17')[4:]
    found = others({**video, 'keypoint': turned}, 'coco17')[4:]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    plain = others(video, 'coco17', turn=False)
    moved = others({**video, 'keypoint': turned}, 'coco17', turn=False)
    assert plain.shape[1] == expected.shape[1] - 2
    assert (np.abs(plain - moved) > 0.1).any()


def test_absent_others_and_lost_joints_are_zeros():
    """Nothing remains of an absent mouse, nor a change when it comes back."""
    score = np.ones((2, 4, 2))
    score[1, 1] = score[1, 2, 1] = 0
    still = 4 * [[[0, 0], [1, 0]]]
    moving = [[[x, 0], [x + 1, 0]] for x in (3, 4, 5, 6)]
    found = others(mice(still, moving, score=score))
    assert found[:, 0].tolist() == [1, 0, 1, 1]
    assert not found[1].any()
    assert not found[2, CHANGE].any()
    assert found[3, CLOSING] == 1
    # Its nose is lost in the third frame; the heading stays.
    np.testing.assert_allclose(found[2, PLACES], [5, 0, 5, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found[2, DISTANCES], [5, 0, 4, 0], atol=1e-6)
    np.testing.assert_allclose(found[2, HEADING], [1, 0], atol=1e-6)


def test_nothing_is_said_while_the_person_is_absent():
    score = np.ones((2, 2, 2))
    score[0, 1] = 0
    found = others(mice(*2 * [2 * [[[0, 0], [1, 0]]]], score=score))
    assert found[0].any()
    assert not found[1].any()


def test_a_person_alone_is_beside_nobody():
    found = others(mice(3 * [[[0, 0], [1, 0]]]))
    assert found.shape == (3, 16)
    assert not found.any()


def test_nearest_others_come_first_in_each_frame():
    """One is nearer at first, the other one then; the third place is empty."""
    own = 2 * [[[0, 0], [1, 0]]]
    leaving = [[[2, 0], [3, 0]], [[9, 0], [10, 0]]]
    waiting = 2 * [[[5, 0], [6, 0]]]
    found = others(mice(own, leaving, waiting), nearest=3).reshape(2, 3, 16)
    assert found[:, :, 3].tolist() == [[2, 5, 0], [5, 9, 0]]
    assert found[:, :, 0].tolist() == 2 * [[1, 1, 0]]
    # A change is that of the same individual.
    assert found[1, :, CLOSING].tolist() == [0, 7, 0]
    one = others(mice(own, leaving, waiting))
    np.testing.assert_array_equal(one, found[:, 0])


def test_distances_are_those_that_are_named():
    own, other = [[[0, 0], [0, 2]]], [[[3, 0], [0, 5]]]
    video = mice(own, other)
    found = others(video, distances=[('nose', 'nose'), ('root', 'tail')], turn=False)
    assert found[0, -2:].tolist() == [3, 3]
    assert others(video, distances=[], turn=False).shape == (1, 10)


def test_person_is_the_main_one_unless_named():
    """The individual, or else the one with the highest scores."""
    video = group()
    video['keypoint_score'][2] *= 5
    first = PairCoordinates('coco17', 2, person=0)
    found = PairCoordinates('coco17', 2).coordinates({**video, 'individual': 0})
    np.testing.assert_array_equal(found, first.coordinates(video))
    named = first.coordinates({**video, 'individual': 1})
    np.testing.assert_array_equal(named, found)
    recipe = FeatureRecipe('a', PairCoordinates('coco17', 2), num_joints=17)
    sources = [
        recipe.source({**video, 'frame_dir': 'a', 'individual': i}) for i in (0, 1)
    ]
    assert (sources[0][-1], sources[1][-1]) == (0, 1)
    chosen = PairCoordinates('coco17', 2).coordinates(video)
    named = PairCoordinates('coco17', 2, person=2).coordinates(video)
    np.testing.assert_array_equal(chosen, named)
    order = [2, 0, 1]
    first = {key: x[order] for key, x in video.items()}
    found = PairCoordinates('coco17', 2, person=0).coordinates(first)
    np.testing.assert_array_equal(found, named)


@pytest.mark.parametrize('dims', [2, 3])
def test_causal_values_depend_on_no_later_frame(dims):
    video = group(dims=dims)
    render = PairCoordinates(
        'coco17', dims, nearest=2, vertical=1, person=0, causal=True
    )
    whole = render.coordinates(video)
    assert render.context == (np.inf, 0)
    for end in (1, 5, 12, 22, 39):
        begun = {key: x[:, :end] for key, x in video.items()}
        np.testing.assert_allclose(render.coordinates(begun), whole[:end], rtol=1e-6)


def test_coordinates_of_missing_joints_do_not_count():
    """Any finite number may stand there."""
    video = group()
    expected = others(video, 'coco17')
    lost = video['keypoint_score'][..., None] == 0
    video['keypoint'] = np.where(lost, 1e30, video['keypoint'])
    np.testing.assert_allclose(others(video, 'coco17'), expected, atol=1e-6)


def test_settings_are_what_decides():
    plain = PairCoordinates('coco17', 3, vertical=1).settings()
    assert plain['type'] == 'PairCoordinates'
    options = [
        {'nearest': 2}, {'distances': []}, {'turn': False}, {'vertical': 2},
        {'root': 'nose'}, {'displacement': False}, {'scale': None}, {'person': 0},
        {'causal': True},
    ]  # fmt: skip
    found = [
        PairCoordinates('coco17', 3, **{'vertical': 1, **option}).settings()
        for option in options
    ]
    assert all(a != b for i, a in enumerate(found) for b in [plain, *found[:i]])


@pytest.mark.parametrize(('skeleton', 'options', 'named'), [
    ('coco17', {'dims': 2, 'distances': [('root', 'paw')]}, "distances | 'paw'"),
    ('coco17', {'dims': 3}, 'turn=True | vertical=2'),
    ({'joints': ['a', 'b'], 'limbs': []}, {'dims': 2}, "'custom' | turn=False"),
])  # fmt: skip
def test_option_at_fault_is_named(skeleton, options, named):
    with raises_naming(ValueError, 'PairCoordinates', named):
        PairCoordinates(skeleton, **options)


def test_causal_person_must_be_named():
    """Whose scores are highest depends on the whole video."""
    with raises_naming(ValueError, 'causal=True', '3 persons', 'person=0'):
        PairCoordinates('coco17', 2, causal=True).coordinates(group())
