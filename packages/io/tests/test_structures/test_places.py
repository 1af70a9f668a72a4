from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.places import (
    Place,
    notes_outside,
    place_problems,
    plane_of,
    zones,
)

SEEDS = given(st.integers(0, 2**32 - 1))
FEW = settings(max_examples=30, deadline=None)


def polygon(rng, corners=9):
    """A polygon without crossings, convex or not: corners around a centre."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    around = np.stack([np.cos(angles), np.sin(angles)], 1)
    points = 50 + rng.uniform(5, 45, (corners, 1)) * around
    return Place('zone', 'polygon', points), shapely.Polygon(points)


def track(rng, frames=300):
    return 50 + np.cumsum(rng.normal(0, 6, (frames, 2)), axis=0)


@FEW
@SEEDS
def test_inside_of_a_polygon_and_the_distance_to_its_edge_equal_those_of_shapely(seed):
    rng = np.random.default_rng(seed)
    place, other = polygon(rng)
    xy = rng.uniform(-10, 110, (200, 2))
    points = shapely.points(xy)
    inside = shapely.covers(other, points)
    away = shapely.distance(other.exterior, points)
    np.testing.assert_array_equal(place.contains(xy), inside)
    np.testing.assert_allclose(place.distance(xy), np.where(inside, away, -away))


@FEW
@SEEDS
def test_crossings_of_a_line_equal_those_of_shapely(seed):
    rng = np.random.default_rng(seed)
    path = track(rng)
    line = Place('gate', 'line', rng.uniform(0, 100, (2, 2)))
    steps = [shapely.LineString(pair) for pair in pairwise(path)]
    crossed = [step.intersects(shapely.LineString(line.points)) for step in steps]
    np.testing.assert_array_equal(line.crossed(path), crossed)


def test_inside_and_outside_alternate_with_crossings_of_a_polygon(rng):
    place, _ = polygon(rng)
    path = track(rng)
    odd = place.crossed(path) % 2 == 1
    np.testing.assert_array_equal(odd, np.diff(place.contains(path)))


def test_circles_and_points_are_as_far_as_their_centre_says():
    bowl = Place('bowl', 'circle', np.array([[10.0, 10]]), 5.0)
    xy = np.array([[10.0, 10], [13, 14], [20, 10]])
    assert bowl.distance(xy).tolist() == [5, 0, -5]
    assert bowl.contains(xy).tolist() == [True, True, False]
    lamp = Place('lamp', 'point', np.array([[10.0, 10]]))
    assert lamp.distance(xy).tolist() == [0, -5, -10]
    assert not lamp.contains(xy).any()


def test_an_edge_is_inside_although_keypoints_are_rounded():
    """The mean of 159.6, 160.1 and 160.3 is 160.000005 in float32."""
    joints = np.array([[159.6, 5], [160.1, 5], [160.3, 5]], np.float32)
    root = joints.astype(float).mean(axis=0)
    assert root[0] > 160
    square = np.array([[0.0, 0], [160, 0], [160, 160], [0, 160]])
    assert Place('nest', 'polygon', square).contains(root)
    assert Place('bowl', 'circle', np.array([[60.0, 5]]), 100.0).contains(root)
    assert not Place('nest', 'polygon', square).contains(root + 1e-3)


def test_places_that_an_image_does_not_show_are_noted():
    """The second touches the image, the third is beside it, the last on the floor."""
    places = [
        Place(
            'nest', 'polygon', np.array([[2000.0, 2000], [2100, 2000], [2100, 2100]])
        ),
        Place('bowl', 'circle', np.array([[650.0, 100]]), 20.0),
        Place('lamp', 'point', np.array([[-1.0, 10]])),
        Place('door', 'point', np.array([[900.0, 10]]), space='floor'),
    ]
    nest, lamp = notes_outside(places, (480, 640))
    assert "'nest' lies outside the 640x480 image" in nest
    assert "'lamp'" in lamp


def length(name, *points):
    return Place(name, 'line', np.array(points, float))


def test_one_known_length_holds_in_all_directions():
    plane = plane_of([length('40 cm', (0, 0), (60, 80))], 'x')
    assert plane.to_cm(np.array([[100.0, 50]])).tolist() == [[40.0, 20.0]]


def test_two_known_lengths_give_each_axis_its_scale():
    """100 px along x are 1 m, 100 px along y are 50 cm; a slanted one agrees."""
    lengths = [length('1 m', (0, 0), (100, 0)), length('50 cm', (0, 0), (0, 100))]
    plane = plane_of(lengths, 'x')
    np.testing.assert_allclose(plane.to_cm(np.array([[10.0, 10]])), [[10, 5]])


def test_a_known_rectangle_gives_the_perspective():
    """Its corners are as far as its name says, and its middle is where lines meet."""
    corners = np.array([[100.0, 50], [200, 50], [260, 150], [40, 150]])
    known = Place('60 x 40 cm', 'polygon', corners)
    plane = plane_of([known, length('wall', (0, 0), (1, 1))], 'x')
    found = plane.to_cm(corners)
    np.testing.assert_allclose(found, [[0, 0], [60, 0], [60, 40], [0, 40]], atol=1e-9)
    a, b = shapely.LineString(corners[[0, 2]]), shapely.LineString(corners[[1, 3]])
    middle = np.array(a.intersection(b).coords)
    np.testing.assert_allclose(plane.to_cm(middle), [[30, 20]])


def test_known_lengths_are_no_zones():
    places = [length('40 cm', (0, 0), (1, 1)), length('gate', (0, 0), (1, 1))]
    assert [one.name for one in zones(places)] == ['gate']


BOW = np.array([[0.0, 0], [9, 9], [9, 0], [0, 9]])


@pytest.mark.parametrize(
    ('places', 'said'),
    [
        ([length('40 cm', (3, 3), (3, 3))], 'no extent'),
        (
            [length('1 cm', (0, 0), (9, 1)), length('20 cm', (0, 0), (9, 9))],
            'contradict',
        ),
        ([Place('6 x 4 cm', 'polygon', BOW)], "'6 x 4 cm'"),
    ],
)
def test_known_lengths_that_cannot_be_are_refused(places, said):
    with pytest.raises(UserError, match=f'arena.csv: .*{said}'):
        plane_of(places, 'arena.csv')


SQUARE = [[0, 0], [9, 0], [9, 9]]


@pytest.mark.parametrize(
    ('record', 'said'),
    [
        ({'name': 'a', 'shape': 'polygon'}, 'points'),
        ({'name': '', 'shape': 'polygon', 'points': SQUARE}, "''"),
        ({'name': 'a', 'shape': 'blob', 'points': SQUARE}, "'blob'"),
        ({'name': 'a', 'shape': 'polygon', 'points': SQUARE[:2]}, '3 or more'),
        ({'name': 'a', 'shape': 'point', 'points': SQUARE}, '3 points'),
        ({'name': 'a', 'shape': 'line', 'points': [[0, 0], [0, np.nan]]}, 'nan'),
        ({'name': 'a', 'shape': 'circle', 'points': [[0, 0]]}, 'no radius'),
        (
            {'name': 'a', 'shape': 'circle', 'points': [[0, 0]], 'radius': -1},
            'radius -1',
        ),
        (
            {'name': '20 cm', 'shape': 'polygon', 'points': SQUARE},
            'polygon of 3 points',
        ),
        ({'name': '20 cm', 'shape': 'line', 'points': SQUARE}, '3 points'),
        ({'name': '3 x 4 m', 'shape': 'line', 'points': SQUARE[:2]}, 'four corners'),
        ({'name': 'a', 'shape': 'polygon', 'points': SQUARE, 'radius': 3}, 'radius 3'),
        ({'name': 'a', 'shape': 'polygon', 'points': SQUARE, 'space': 'sky'}, "'sky'"),
        ({'name': 'a', 'shape': 'polygon', 'points': SQUARE, 'hue': 3}, "'hue'"),
    ],
)
def test_a_place_that_is_none_is_named(record, said):
    assert said in next(place_problems('places', [record]))


def test_places_of_a_video_have_different_names_and_one_space():
    one = {'name': 'a', 'shape': 'point', 'points': [[0, 0]]}
    assert 'twice' in next(place_problems('places', [one, one]))
    other = {**one, 'name': 'b', 'space': 'floor'}
    assert 'floor' in next(place_problems('places', [one, other]))
    assert not [*place_problems('places', [one, {**one, 'name': 'b'}])]
