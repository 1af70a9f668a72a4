import hashlib
import json

import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    DropLimb,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
    RandomSpeed,
)
from mmskelseg.registry import TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.features import RenderSkeletonHeatmap, SkeletonCoordinates
from tests.errors import raises_naming


def loaded(T=7, **keys):
    """Return what a pipeline holds after loading: frame i is i everywhere."""
    frame = np.arange(T, dtype=np.float32)
    return {
        'frame_dir': 'video_1',
        'total_frames': T,
        'features': {
            'heatmap': np.stack([frame, 10 * frame]),
            'pose3d': np.tile(frame[:, None], (3, 1, 15)),
        },
        'label': np.arange(T),
        'risk': frame,
        **keys,
    }


def slow_draw(key, low, high):
    """The upper 53 of the first 64 bits of a SHA-256, as a part of all 2 ** 53."""
    digest = hashlib.sha256(key.encode()).digest()
    bits = sum(byte << (8 * i) for i, byte in enumerate(digest[:8])) // 2**11
    return low + (high - low) * (bits / 2**53)


def test_augmentations_draw_the_same_on_every_machine():
    """These draws may never change, or published figures could not be made again."""
    drawn = RandomSpeed().draw({'frame_dir': 'video_1'}, 0.5, 1.5)
    assert drawn == slow_draw('RandomSpeed:0:video_1', 0.5, 1.5) == 1.18517230433826


def test_different_augmentations_of_one_seed_draw_differently():
    """Or shifted videos would always be those that are rotated as far."""
    item = {'frame_dir': 'video_1'}
    drawn = [part.draw(item, 0, 1) for part in (RandomShift(), RandomRotation())]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(('factor', 'frames'), [
    (2, [0, 2, 4, 6]),
    (0.5, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]),
    (1, [0, 1, 2, 3, 4, 5, 6]),
    (100, [3]),
])  # fmt: skip
def test_speed_by_hand(factor, frames):
    """Features of all modalities, labels and risk are those of these frames."""
    item = RandomSpeed((factor, factor))(loaded())
    assert item['features']['heatmap'].tolist() == [frames, [10 * i for i in frames]]
    assert item['features']['pose3d'].shape == (3, len(frames), 15)
    assert item['features']['pose3d'][2, :, 14].tolist() == frames
    assert item['label'].tolist() == item['risk'].tolist() == frames
    assert item['total_frames'] == len(frames)
    assert item['features']['heatmap'].flags.c_contiguous


def test_speed_takes_the_frame_shown_at_the_middle_of_each(rng):
    """As a player does that looks which frame is on, in exact arithmetic."""
    for T in range(1, 60):
        factor = rng.uniform(0.3, 3)
        item = RandomSpeed((factor, factor))(loaded(T))
        count = item['total_frames']
        assert count == max(1, round(T / factor))
        expected = [
            max(i for i in range(T) if 2 * i * count <= (2 * j + 1) * T)
            for j in range(count)
        ]
        assert item['label'].tolist() == expected


def test_speed_depends_on_seed_epoch_and_video_alone():
    def length(seed=0, name='v', **keys):
        item = loaded(10000, frame_dir=name, **keys)
        return RandomSpeed(seed=seed)(item)['total_frames']

    lengths = [length(epoch=epoch) for epoch in range(20)]
    assert lengths == [length(epoch=epoch) for epoch in reversed(range(20))][::-1]
    assert len(set(lengths)) == 20
    assert 8000 <= min(lengths) < max(lengths) <= 12500
    assert length(seed=1) != lengths[0] != length(name='w')


def test_speed_refuses_an_item_without_features():
    with raises_naming(ValueError, 'video v', 'RandomSpeed', 'LoadFrameFeatures'):
        RandomSpeed()({'frame_dir': 'v', 'total_frames': 3})


NAMES = [f'video_{i}' for i in range(400)]


def video(T=6, M=2, V=17, name='video_1', size=(40, 50)):
    """Return a video whose joints are inside the image, none of them at 0."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(1, [size[1] - 2, size[0] - 2], (M, T, V, 2))
    return {
        'frame_dir': name,
        'img_shape': size,
        'total_frames': T,
        'keypoint': xy.astype(np.float32),
        'keypoint_score': rng.uniform(0.1, 1, (M, T, V)).astype(np.float32),
        'keypoint_3d': rng.uniform(1, 9, (M, T, V, 3)).astype(np.float32),
    }


@pytest.mark.parametrize('build', [
    lambda seed: RandomShift(seed=seed),
    lambda seed: RandomRotation(seed=seed),
    lambda seed: DropLimb(0.5, seed, skeleton='coco17'),
])  # fmt: skip
def test_skeleton_augmentations_depend_on_seed_and_video_alone(build):
    """Not on what was drawn before nor on global states; copies differ."""

    def made(seed, name):
        item = build(seed)(video(name=name))
        return json.dumps(item, default=np.ndarray.tolist)

    expected = made(1, 'v')
    augment = build(1)
    augment(video(name='w'))
    np.random.seed(5)
    again = augment(video(name='v'))
    assert json.dumps(again, default=np.ndarray.tolist) == expected
    assert len({made(seed, 'v') for seed in range(4)}) == 4
    assert made(1, 'w').replace('"w"', '"v"') != expected


def test_flip_by_hand():
    """The right hand becomes a left one at the other side; scores go with it."""
    skeleton = {'joints': ['head', 'l', 'r'], 'limbs': [], 'flip_pairs': [[1, 2]]}
    item = RandomHorizontalFlip(1, skeleton=skeleton, lateral=1)({
        'frame_dir': 'v',
        'img_shape': (10, 20),
        'keypoint': np.array([[[[9.5, 1], [12, 4], [3, 6]]]], np.float32),
        'keypoint_score': np.array([[[0.1, 0.2, 0.3]]], np.float32),
        'keypoint_3d': np.array([[[[5.0, 1, 2], [6, 3, 4], [7, 5, 6]]]]),
    })  # fmt: skip
    assert item['keypoint'].tolist() == [[[[9.5, 1], [16, 6], [7, 4]]]]
    np.testing.assert_allclose(item['keypoint_score'], [[[0.1, 0.3, 0.2]]])
    assert item['keypoint_3d'].tolist() == [[[[5, -1, 2], [7, -5, 6], [6, -3, 4]]]]
    assert item['flip'] is True


def test_flip_mirrors_skeletons_without_an_image():
    skeleton = {'joints': ['head', 'l', 'r'], 'limbs': [], 'flip_pairs': [[1, 2]]}
    given = {
        'frame_dir': 'v',
        'keypoint_3d': np.array([[[[5.0, 1, 2], [6, 3, 4], [7, 5, 6]]]]),
    }
    item = RandomHorizontalFlip(1, skeleton=skeleton, lateral=0)(dict(given))
    assert item['keypoint_3d'].tolist() == [[[[-5, 1, 2], [-7, 5, 6], [-6, 3, 4]]]]
    assert given['keypoint_3d'][0, 0, 0, 0] == 5


def test_flip_draws_the_mirror_image():
    render = RenderSkeletonHeatmap('coco17', (40, 50), box=None)
    plain = render(video())['imgs']
    # COCO's limbs are symmetric, so names of joints make no difference.
    flipped = render(RandomHorizontalFlip(1, skeleton='coco17')(video()))['imgs']
    np.testing.assert_allclose(flipped, plain[..., ::-1], atol=1e-4)


@pytest.mark.parametrize(('skeleton', 'V'), [('coco17', 17), ('lcr15', 15)])
def test_flip_twice_changes_nothing(skeleton, V):
    flip = RandomHorizontalFlip(1, skeleton=skeleton, lateral=1)
    item = flip(flip(video(V=V)))
    for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
        np.testing.assert_allclose(item[key], video(V=V)[key], atol=1e-5)
    assert item['flip'] is False


def test_flip_swaps_left_and_right_by_name():
    joints = Skeleton.get('lcr15').joints
    before = video(V=15)['keypoint_score']
    after = RandomHorizontalFlip(1, skeleton='lcr15')(video(V=15))['keypoint_score']
    swap = {'left': 'right', 'righ': 'left'}
    for i, name in enumerate(joints):
        side, _, rest = name.partition('_')
        other = f'{swap[side[:4]]}_{rest}' if rest else name
        assert (after[..., joints.index(other)] == before[..., i]).all()


def test_flip_keeps_heatmap_and_video_together():
    """With the same seed, videos are mirrored as their skeletons are; p of them."""
    for name in NAMES[:20]:
        item = video(name=name)
        flip = RandomHorizontalFlip(0.5, 7, skeleton='coco17')(item)['flip']
        moved = (item['keypoint'] != video()['keypoint']).any()
        frames = RandomHorizontalFlip(0.5, 7)({'frame_dir': name})
        assert frames['flip'] == flip == moved
    flips = sum(RandomHorizontalFlip(0.25)({'frame_dir': n})['flip'] for n in NAMES)
    assert abs(flips - 100) < 5 * np.sqrt(75)


def test_flip_leaves_missing_joints_missing():
    item = DropLimb(1, skeleton='coco17')(video())
    lost = np.sort((item['keypoint'] == 0).all(-1).sum(-1))
    item = RandomHorizontalFlip(1, skeleton='coco17')(item)
    item = RandomRotation(30)(item)
    np.testing.assert_array_equal(
        np.sort((item['keypoint'] == 0).all(-1).sum(-1)), lost
    )
    assert ((item['keypoint'] == 0).all(-1) == (item['keypoint_score'] == 0)).all()


def test_rotation_by_hand(monkeypatch):
    """A quarter turn about the centre (2, 1) takes what is right of it below it."""
    monkeypatch.setattr(RandomRotation, 'draw', lambda self, results, low, high: high)
    item = RandomRotation(90, depth=0)({
        'frame_dir': 'v',
        'img_shape': (3, 5),
        'keypoint': np.array([[[[2, 1], [4, 1], [2, 0]]]], np.float32),
        # Depth, left and up: right of the camera becomes below it, too.
        'keypoint_3d': np.array([[[[5, 0, 0], [5, -2, 0], [5, 0, 1]]]], np.float32),
    })  # fmt: skip
    np.testing.assert_allclose(
        item['keypoint'][0, 0], [[2, 1], [2, 3], [3, 1]], atol=1e-6
    )
    np.testing.assert_allclose(
        item['keypoint_3d'][0, 0], [[5, 0, 0], [5, 0, -2], [5, -1, 0]], atol=1e-6
    )


def test_rotation_keeps_distances():
    before, after = video(), RandomRotation(45, 2, depth=0)(video())
    for key in ('keypoint', 'keypoint_3d'):
        assert abs(after[key] - before[key]).max() > 1
        ours, theirs = (
            np.linalg.norm(x[:, :, :, None] - x[:, :, None], axis=-1)
            for x in (after[key], before[key])
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-3)
    np.testing.assert_array_equal(
        after['keypoint_3d'][..., 0], before['keypoint_3d'][..., 0]
    )


@pytest.mark.parametrize('p', [0, 1])
def test_joints_in_3d_are_left_out_unless_their_axes_are_named(p):
    """A wrong axis would turn bodies upside down, without a word."""
    for augment in (RandomHorizontalFlip(p, skeleton='coco17'), RandomRotation(30 * p)):
        item = augment(video())
        assert 'keypoint_3d' not in item
        with raises_naming(UserError, 'keypoint_3d', 'lateral', 'depth'):
            SkeletonCoordinates('coco17', dims=3)(item)
        assert SkeletonCoordinates('coco17', dims=2)(item)['coordinates'].any()


def test_rotation_draws_angles_up_to_its_limit():
    angles = []
    for name in NAMES:
        item = video(T=1, M=1, name=name)
        before, after = (
            x['keypoint'][0, 0, 0] - (24.5, 19.5)
            for x in (item, RandomRotation(20)(dict(item)))
        )
        turned = complex(*after) / complex(*before)
        angles.append(np.rad2deg(np.angle(turned)))
    assert -20.01 < min(angles) < -19
    assert 19 < max(angles) < 20.01


def test_shift_moves_the_picture():
    """By whole pixels here: what was drawn there is drawn further right and up."""
    render = RenderSkeletonHeatmap('coco17', (40, 50))
    plain = render(video())['imgs']
    moved = render({**video(), 'shift': (0.1, -0.25)})['imgs']
    np.testing.assert_allclose(moved[..., :-10, 5:], plain[..., 10:, :-5], atol=1e-4)


def test_shift_stays_within_its_fraction():
    """In both directions, up to nearly the whole of it, and not alike in both."""
    shift = RandomShift(0.2)
    drawn = np.array([shift({'frame_dir': name})['shift'] for name in NAMES])
    assert (drawn.min(axis=0) > -0.2).all()
    assert (drawn.min(axis=0) < -0.19).all()
    assert (drawn.max(axis=0) < 0.2).all()
    assert (drawn.max(axis=0) > 0.19).all()
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.2


def test_augmentations_leave_their_input_arrays_as_they_are():
    """The data set may give them again, and another modality reads them."""
    given = video()
    for augment in (
        RandomHorizontalFlip(1, skeleton='coco17', lateral=1),
        RandomRotation(90, depth=2), RandomRotation(90), DropLimb(1, skeleton='coco17'),
    ):  # fmt: skip
        augment(dict(given))
    for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
        np.testing.assert_array_equal(given[key], video()[key])
    given = loaded()
    RandomSpeed((2, 2))(dict(given))
    assert given['features']['heatmap'].shape == (2, 7)
    assert len(given['label']) == 7


@pytest.mark.parametrize(('config', 'settings'), [
    ({'type': 'RandomHorizontalFlip', 'skeleton': 'lcr15', 'seed': 2, 'lateral': 1},
     {'p': 0.5, 'seed': 2, 'lateral': 1, 'flip_pairs':
      [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]}),
    ({'type': 'RandomShift'}, {'fraction': 0.1, 'seed': 0}),
    ({'type': 'RandomRotation', 'degrees': 5, 'depth': 0},
     {'degrees': 5, 'seed': 0, 'depth': 0}),
    ({'type': 'DropLimb', 'p': 1, 'skeleton': 'lcr15'},
     {'p': 1, 'seed': 0, 'groups': {
         'left_arm': [11, 9, 7], 'left_leg': [5, 3, 1],
         'right_arm': [10, 8, 6], 'right_leg': [4, 2, 0]}}),
])  # fmt: skip
def test_augmentations_tell_all_that_decides(config, settings):
    """Plain values, which the name of the folder of features is made of."""
    told = json.loads(json.dumps(TRANSFORMS.build(config).settings()))
    assert told == {'type': config['type'], **settings}


def test_flip_refuses_keypoints_that_it_does_not_know():
    """Without a skeleton, or with another, also where the draw would leave them."""
    with raises_naming(ValueError, 'RandomHorizontalFlip', "skeleton='coco17'"):
        RandomHorizontalFlip(0)(video())
    for part in (RandomHorizontalFlip(0, skeleton='coco17'),
                 DropLimb(1, skeleton='coco17')):  # fmt: skip
        with raises_naming(ValueError, 'keypoint', '(2, 6, 15, 2)', "'coco17'"):
            part(video(V=15))


@pytest.mark.parametrize(
    'transform',
    [
        RandomHorizontalFlip(skeleton='coco17'),
        RandomShift(),
        RandomRotation(),
        DropLimb(1, skeleton='coco17'),
    ],
)
def test_transform_that_would_change_nothing_is_refused(transform):
    """After the features are loaded, or where all of them are in files."""
    late = {'frame_dir': 'a', 'features': {}}
    name = type(transform).__name__
    with raises_naming(UserError, 'video a', name, 'LoadFrameFeatures'):
        transform(late)
    if not isinstance(transform, DropLimb):
        files = {'frame_dir': 'a', 'feature_files': {'rgb': ['a.npy']}, 'online': {}}
        with raises_naming(UserError, 'video a', name, 'online=True'):
            transform(files)


def test_transform_may_change_one_of_several_features():
    """Such as online heatmaps beside features of the video in files."""
    item = {'frame_dir': 'a', 'feature_files': {'rgb': ['a.npy']}, 'online': {'h': 0}}
    assert 'shift' in RandomShift()(item)
