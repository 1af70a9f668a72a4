"""Places move with the bodies, in the image, on the floor and in time."""

import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    RandomCropFrames,
    RandomHorizontalFlip,
    RandomRotation,
    RandomRotation3D,
    RandomScale,
    RandomTimeWarp,
    RecombineSegments,
)
from mmskelseg_io.structures.places import tracked
from mmskelseg_runtime.features import PlaceCoordinates
from mmskelseg_runtime.segmenting.frame_rates import show_at
from tests.test_datasets.test_transforms.videos import Videos

NEST = [[100, 50], [300, 120], [250, 350], [120, 300]]
PLACES = [
    {'name': 'nest', 'shape': 'polygon', 'points': NEST},
    {'name': 'bowl', 'shape': 'circle', 'points': [[200, 200]], 'radius': 90.0},
]


def values(item, **options):
    """Known and inside, then distances, of each joint of a person and each place."""
    alone = {k: v[:1] if k.startswith('keypoint') else v for k, v in item.items()}
    joints = ['nose', 'left_eye', 'root']
    names = [place['name'] for place in PLACES]
    render = PlaceCoordinates('coco17', names, joints=joints, scale=None, **options)
    found = render.coordinates(alone).reshape(item['total_frames'], 2, 10)
    return found[..., :4], found[..., 4:7]


@pytest.fixture
def placed(video):
    """A video of one person with two places, as items of a data set have them."""
    return {**video, 'places': tracked(PLACES, 90, 'z')}


def test_places_that_nothing_changed_are_those_of_the_annotation(placed):
    for found, expected in zip(
        values(placed), values({**placed, 'places': PLACES}), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    'transform', [RandomRotation(180), RandomHorizontalFlip(1, skeleton='coco17')]
)
def test_distances_to_places_stay_if_the_picture_turns(transform, placed):
    """Left and right joints are swapped, so that only those in the middle are alike."""
    item = transform(dict(placed))
    assert (item['keypoint'] != placed['keypoint']).any()
    for found, expected in zip(values(item), values(placed), strict=True):
        np.testing.assert_allclose(
            found[..., [0, -1]], expected[..., [0, -1]], atol=1e-2
        )


def test_who_is_in_a_polygon_stays_in_it_if_the_picture_is_stretched(placed):
    item = RandomScale(0.5)(dict(placed))
    np.testing.assert_array_equal(values(item)[0][:, 0], values(placed)[0][:, 0])


def test_who_is_on_a_place_of_the_floor_stays_on_it_if_the_room_turns(video):
    floor = [
        {**place, 'points': np.array(place['points']) / 500 - 0.4, 'space': 'floor'}
        for place in PLACES
    ]
    floor[1]['radius'] = 0.2
    item = {**video, 'up': '-y', 'places': tracked(floor, 90, '-y')}
    turned = RandomRotation3D(90)(dict(item))
    options = {'dims': 3, 'vertical': 1}
    for found, expected in zip(
        values(turned, **options), values(item, **options), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    'transform',
    [RandomTimeWarp(0.3), RandomCropFrames(30), lambda item: show_at(item, 50).video],
    ids=['warp', 'crop', 'rate'],
)
def test_places_stay_where_they_are_at_other_times(transform, placed):
    """Also those of a video that a model labels, which are not in all frames."""
    for places in (placed['places'], PLACES):
        item = transform({**placed, 'places': places})
        expected = values({**item, 'places': PLACES})
        for found, other in zip(values(item), expected, strict=True):
            np.testing.assert_allclose(found, other, atol=1e-4)


def test_recombined_bodies_are_where_they_were_relative_to_their_own_places(placed):
    """The other video is twice as large, and is scaled and moved with its places."""
    own = {**placed, 'feature_files': {}, 'crop_frames': None}
    places = [
        {**p, 'points': 2 * np.array(p['points']), 'radius': 2 * p.get('radius', 0)}
        for p in PLACES
    ]
    other = {**own, 'keypoint': 2 * own['keypoint'], 'frame_dir': 'other'}
    other['keypoint_3d'] = 2 * own['keypoint_3d']
    other['places'] = tracked(places, 90, 'z')

    joined = RecombineSegments(1.0, times=1)(Videos([own, other]).video(0))
    flags, distances = values(joined)
    first, *_ = joined['places']
    cut = int(np.flatnonzero(first['score'].any(axis=1))[-1]) + 1
    known, expected = values(placed)
    np.testing.assert_allclose(distances[:cut], expected[:cut], atol=1e-2)
    begin = int(joined['risk'][cut])
    after = slice(begin, begin + len(distances) - cut)
    np.testing.assert_array_equal(flags[cut:], known[after])
    np.testing.assert_allclose(distances[cut:], expected[after], atol=1e-2)
