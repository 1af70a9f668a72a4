"""Objects move with the bodies, in the image, in space and in time."""

import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    RandomCropFrames,
    RandomHorizontalFlip,
    RandomJointDropout,
    RandomProjection,
    RandomRotation,
    RandomRotation3D,
    RandomScale,
    RandomTimeWarp,
    RecombineSegments,
)
from mmskelseg_io.converters.building import split_in_time
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.objects import BOX, OBJECT_KEYS
from mmskelseg_runtime.features import ObjectCoordinates
from mmskelseg_runtime.segmenting.frame_rates import show_at
from tests.errors import raises_naming
from tests.test_datasets.test_transforms.videos import Videos

JOINTS = list(Skeleton.get('coco17').joints)


@pytest.fixture
def glued(video, rng):
    """A video with an object whose points are the joints of the first person."""
    lost = rng.uniform(size=(90, 17)) < 0.2
    for key in ('keypoint', 'keypoint_3d', 'keypoint_score'):
        video[key][0, lost] = 0
    copy = {own: video[key][0] for key, own in OBJECT_KEYS.items()}
    video['objects'] = [{'name': 'copy', 'kind': 'person', **copy}]
    return {**video, 'kinds': {'person': JOINTS}}


def check_glued(item, keys=OBJECT_KEYS):
    (one,) = item['objects']
    for key in keys:
        np.testing.assert_allclose(
            one[OBJECT_KEYS[key]], item[key][0], rtol=1e-6, atol=1e-5
        )


@pytest.mark.parametrize(
    'transform',
    [
        RandomHorizontalFlip(1, skeleton='coco17', lateral=0),
        RandomRotation(180, depth=2),
        RandomRotation3D(90, tilt=20),
        RandomProjection(right='x', down='y'),
        RandomScale(0.5),
        RandomTimeWarp(0.3),
        RandomCropFrames(30),
        lambda item: show_at(item, 50).video,
        lambda item: split_in_time(item)[0][-1],
    ],
    ids=[
        'mirror', 'rotation', '3d', 'projection', 'scale', 'warp', 'crop', 'rate',
        'split',
    ],
)  # fmt: skip
def test_what_is_held_stays_in_the_hand(transform, glued):
    """An object that has the places of joints has them afterwards."""
    before = {own: np.copy(glued['objects'][0][own]) for own in OBJECT_KEYS.values()}
    keys = ['keypoint', 'keypoint_score']
    item = transform(dict(glued))
    if 'keypoint_3d' in item and item['keypoint_3d'].shape[1] == item['total_frames']:
        keys.append('keypoint_3d')
    check_glued(item, keys)
    changed = [item[k] for k in keys if np.shape(item[k]) != np.shape(glued[k])]
    assert changed or any((item[key] != glued[key]).any() for key in keys)
    # The arrays of the data set are not written into.
    for own, value in before.items():
        np.testing.assert_array_equal(glued['objects'][0][own], value)


def test_mirrored_box_by_hand():
    """Of an image 640 wide, x becomes 639 - x, and left corners become right ones."""
    corners = np.array([[[10, 20], [30, 20], [30, 60], [10, 60]]], np.float32)
    box = {'name': 'a', 'kind': 'box', 'points': corners, 'score': np.ones((1, 4))}
    item = {
        'frame_dir': 'a', 'img_shape': (480, 640), 'objects': [box],
        'keypoint': np.ones((1, 1, 17, 2)), 'kinds': {'box': BOX},
    }  # fmt: skip
    (found,) = RandomHorizontalFlip(1, skeleton='coco17')(item)['objects']
    assert found['points'][0].tolist() == [[609, 20], [629, 20], [629, 60], [609, 60]]


def test_features_are_those_of_the_turned_scene(glued):
    """What turns with the person does not see rotations, and a mirror in its sign."""
    kinds = {'person': JOINTS}
    render = ObjectCoordinates('coco17', kinds, joints=['nose'], turn=True)
    glued['keypoint_score'][0] = 1
    glued['keypoint'] += 1
    score, points = np.ones((90, 17)), glued['keypoint'][0]
    glued['objects'] = [{**glued['objects'][0], 'points': points, 'score': score}]
    alone = {k: v[:1] if k.startswith('keypoint') else v for k, v in glued.items()}
    expected = render.coordinates(alone)
    turned = RandomRotation(180)(dict(alone))
    np.testing.assert_allclose(render.coordinates(turned), expected, atol=1e-4)
    mirrored = RandomHorizontalFlip(1, skeleton='coco17')(dict(alone))
    order = [JOINTS.index(n) for n in _other_sides()]
    found = render.coordinates(mirrored)
    # Along the heading, then across.
    np.testing.assert_allclose(found[:, 1:18], expected[:, 1:18][:, order], atol=1e-4)
    across = -expected[:, 18:35][:, order]
    np.testing.assert_allclose(found[:, 18:35], across, atol=1e-4)


def _other_sides():
    sides = {'left': 'right', 'right': 'left'}
    for name in JOINTS:
        side, _, rest = name.partition('_')
        yield f'{sides[side]}_{rest}' if side in sides else name


def test_recombined_objects_follow_their_own_bodies(glued):
    """Each object of the two videos is seen in its part alone, and stays glued."""
    joined = RecombineSegments(1.0, times=1)(_recombined(glued))
    first, second = joined['objects']
    cut = int(np.flatnonzero(first['score'].any(axis=1))[-1]) + 1
    assert 0 < cut < joined['total_frames']
    assert not second['score'][:cut].any()
    for key, own in OBJECT_KEYS.items():
        both = np.concatenate([first[own][:cut], second[own][cut:]])
        np.testing.assert_allclose(both, joined[key][0], rtol=1e-6, atol=1e-4)
        assert len(first[own]) == len(second[own]) == joined['total_frames']


def _recombined(video):
    """Return an item of a data set of two such videos, of different size."""
    own = {**video, 'feature_files': {}, 'crop_frames': None}
    bigger = {key: 2 * video[key] for key in ('keypoint', 'keypoint_3d')}
    (one,) = video['objects']
    one = {**one, 'points': 2 * one['points'], 'points_3d': 2 * one['points_3d']}
    other = {**own, **bigger, 'frame_dir': 'other', 'objects': [one]}

    return Videos([own, other]).video(0)


def test_dropout_loses_whole_objects(glued):
    """In 2 % of the frames, each for 15; draws for joints do not depend on objects."""
    lose = RandomJointDropout(0.02, seconds=(0.5, 0.5))
    before = glued['objects'][0]['score'] > 0
    counts = []
    for epoch in range(300):
        item = lose({**glued, 'epoch': epoch})
        (one,) = item['objects']
        lost = ~(one['score'] > 0).any(axis=1)
        assert ((one['score'] > 0) == before & ~lost[:, None]).all()
        assert not one['points'][lost].any()
        counts.append(lost.mean())
        plain = {k: v for k, v in glued.items() if k != 'objects'}
        expected = lose({**plain, 'epoch': epoch})['keypoint']
        np.testing.assert_array_equal(item['keypoint'], expected)
    assert abs(np.mean(counts) - 0.0198) < 0.015


def test_projection_of_objects_needs_them_in_3d(glued):
    del glued['objects'][0]['points_3d']
    with raises_naming(ValueError, 'points_3d'):
        RandomProjection(right='x', down='y')(glued)
