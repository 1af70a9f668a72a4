"""Where a person is relative to places."""

import numpy as np
import pytest

from mmskelseg_io.structures.places import Place
from mmskelseg_runtime.features import Concatenate, PlaceCoordinates
from tests.errors import raises_naming

# A mouse of two joints, which points from its tail, the root, to its nose.
MOUSE = {'joints': ['tail', 'nose'], 'limbs': [[0, 1]], 'root': ['tail']}
NEST = {'name': 'nest', 'shape': 'polygon', 'points': [[0, 0], [9, 0], [9, 9], [0, 9]]}
BOWL = {'name': 'bowl', 'shape': 'circle', 'points': [[20, 5]], 'radius': 3.0}
LAMP = {'name': 'lamp', 'shape': 'point', 'points': [[5, 25]]}
PLACES = [NEST, BOWL, LAMP]


def mouse(*frames, score=None, places=PLACES):
    points = np.array([frames], np.float32)
    score = np.ones(points.shape[:3]) if score is None else np.array([score])
    return {'keypoint': points, 'keypoint_score': score, 'places': places}


def found(video, places=('nest',), *, scale=None, **options):
    return PlaceCoordinates(MOUSE, places, scale=scale, **options).coordinates(video)


def test_a_polygon_by_hand():
    """The tail leaves the nest over its right edge, towards x."""
    walk = mouse([[5, 5], [8, 5]], [[7, 5], [10, 5]], [[12, 5], [15, 5]])
    # Known; inside; distance from the edge, and its change.
    assert found(walk).tolist() == [[1, 1, 4, 0], [1, 1, 2, -2], [1, 0, -3, -5]]


def test_several_joints_and_other_shapes_by_hand():
    """The nose is in the bowl while the tail is not; nothing is inside of a lamp."""
    values = found(mouse([[16, 5], [18, 5]]), ('bowl', 'lamp'), joints=['root', 'nose'])
    bowl, lamp = np.split(values[0], 2)
    assert bowl.tolist() == [1, 0, 1, -1, 1, 0, 0]
    away = [-np.hypot(11, 20), -np.hypot(13, 20)]
    np.testing.assert_allclose(lamp, [1, 0, 0, *away, 0, 0], rtol=1e-6)


def test_a_person_faces_a_place_as_far_as_the_cosine_says():
    """The lamp is straight below; the mouse points down, to the right, and up."""
    video = mouse([[5, 5], [5, 8]], [[5, 5], [8, 5]], [[5, 5], [5, 2]])
    assert found(video, ('lamp',), view=True)[:, -1].tolist() == [1, 0, -1]


def test_values_of_what_is_not_seen_are_0():
    """In the second frame nobody is seen, in the third one the nose alone."""
    video = mouse(*[[[5, 5], [8, 5]]] * 3, score=[[1, 1], [0, 0], [0, 1]])
    values = found(video, joints=['tail', 'nose'])
    assert values[0].tolist() == [1, 1, 1, 4, 1, 0, 0]
    assert not values[1].any()
    assert values[2].tolist() == [1, 0, 1, 0, 1, 0, 0]


def test_lengths_are_divided_by_the_size_of_the_body():
    """Joints are 0 and 4 pixels from the root, so that the size is the root of 8."""
    values = found(mouse([[5, 5], [9, 5]]), scale='body')
    np.testing.assert_allclose(values[0], [1, 1, 4 / np.sqrt(8), 0], rtol=1e-6)


def test_places_on_the_floor_are_in_the_coordinates_that_are_not_up():
    """Here y points up, so that x and z are those of the floor."""
    points = np.array([[[[5, 99, 5], [8, 99, 5]]]], np.float32)
    floor = {**NEST, 'space': 'floor'}
    video = {'keypoint_3d': points, 'places': [NEST, floor]}
    assert found(video, dims=3, vertical=1).tolist() == [[1, 1, 4, 0]]
    with raises_naming(ValueError, 'nest', 'on the floor', '--places'):
        found({'keypoint_3d': points, 'places': [NEST]}, dims=3, vertical=1)


def test_stream_gives_the_values_of_a_causal_video(rng):
    """Frame by frame, and after its state was stored in between."""
    score = (rng.uniform(size=(30, 2)) > 0.2).astype(float)
    video = mouse(*(5 + rng.normal(0, 9, (30, 2, 2))), score=score)
    parts = [
        {'type': 'SkeletonCoordinates', 'dims': 2, 'causal': True, 'flatten': True},
        {
            'type': 'PlaceCoordinates', 'places': ['bowl', 'nest'], 'causal': True,
            'view': True,
        },
    ]  # fmt: skip
    render = Concatenate(MOUSE, parts)
    assert [*render.places] == ['bowl', 'nest']
    places = [Place.of(one) for one in PLACES]
    points, seen = video['keypoint'][0].astype(float), score >= 1e-4
    stream, values = render.running(places=places), []
    for i in range(30):
        if i == 10:
            state = stream.state_dict()
            stream = render.running(places=places)
            stream.load_state_dict(state)
        values.append(stream.push(points[i : i + 1], seen[i : i + 1]))
    np.testing.assert_allclose(
        np.concatenate(values), render.coordinates(video), rtol=1e-5, atol=1e-6
    )


def test_lacking_places_are_named_with_the_option_that_gives_them():
    render = PlaceCoordinates(MOUSE, ['nest', 'hole'])
    with raises_naming(ValueError, 'nest, hole', 'but hole', '--places'):
        render.check({'frame_dir': 'm1', 'places': PLACES})
    with raises_naming(ValueError, 'nest, hole', 'but none of them', '--places'):
        render.check({'frame_dir': 'm1'})
    with raises_naming(ValueError, 'the stream', 'nest, hole', '--places'):
        render.running()


def test_places_have_the_shapes_that_a_model_knows():
    """A round nest is as good as a square one, but a point has no inside."""
    render = PlaceCoordinates(MOUSE, {'nest': 'polygon', 'lamp': 'point'})
    assert [*render.places] == ['nest', 'lamp']
    point, circle = ({**one, 'name': 'nest'} for one in (LAMP, BOWL))
    render.check({'frame_dir': 'm1', 'places': [circle, LAMP]})
    with raises_naming(ValueError, 'm1', "'nest' as a polygon", 'a point'):
        render.check({'frame_dir': 'm1', 'places': [point, LAMP]})
    places = [Place.of(one) for one in (point, LAMP)]
    with raises_naming(ValueError, 'the stream', "'nest' as a polygon", 'a point'):
        render.running(places=places)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'joints': ['paw']}, ["'paw'", 'tail, nose']),
        ({'dims': 3}, ['vertical']),
    ],
)
def test_fault_in_an_option_is_named(options, named):
    with raises_naming(ValueError, 'PlaceCoordinates', *named):
        PlaceCoordinates(MOUSE, ['nest'], **options)
