import hashlib
from functools import partial

import numpy as np
import pytest

from mmskelseg.datasets.transforms import DropLimb, LoadFrameFeatures
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg_runtime.features import RenderSkeletonHeatmap
from tests.errors import raises_naming
from tests.test_datasets.test_transforms import test_augment

COCO = {
    'left_arm': [5, 7, 9],
    'left_leg': [11, 13, 15],
    'right_arm': [6, 8, 10],
    'right_leg': [12, 14, 16],
}
LCR = {
    'left_arm': [11, 9, 7],
    'left_leg': [5, 3, 1],
    'right_arm': [10, 8, 6],
    'right_leg': [4, 2, 0],
}


# Without a value of 0.
video = partial(test_augment.video, T=40, M=1)


def test_drop_limb_removes_one_limb_and_nothing_else():
    before = video(M=2)
    after = DropLimb(0.5, 3, skeleton='coco17')(dict(before))
    drawn = DropLimb(0.5, 3, skeleton='coco17').draw('video_1', 40)
    assert -1 in drawn
    assert max(drawn) == 3
    for frame, group in enumerate(drawn):
        lost = list(COCO.values())[group] if group >= 0 else []
        for joint in range(17):
            for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
                expected = 0 if joint in lost else before[key][:, frame, joint]
                assert (after[key][:, frame, joint] == expected).all()
    assert after['keypoint'].dtype == after['keypoint_score'].dtype == np.float32


@pytest.mark.parametrize(('skeleton', 'V', 'groups'), [
    ('coco17', 17, COCO), ('lcr15', 15, LCR),
])  # fmt: skip
def test_drop_limb_at_p_1_leaves_no_frame_whole(skeleton, V, groups):
    after = DropLimb(1, skeleton=skeleton)(video(V=V))
    lost = {tuple(np.flatnonzero(frame == 0)) for frame in after['keypoint_score'][0]}
    assert lost == {tuple(sorted(joints)) for joints in groups.values()}


def test_drop_limb_at_p_0_changes_nothing():
    before = video()
    after = DropLimb(0, skeleton='coco17')(dict(before))
    for key in ('keypoint', 'keypoint_score', 'keypoint_3d'):
        np.testing.assert_array_equal(after[key], before[key])


def test_drop_limb_draws_the_same_on_every_machine():
    """These draws may never change, or published figures could not be made again."""
    drop = DropLimb(0.5, skeleton='coco17')
    assert list(drop.groups) == ['left_arm', 'left_leg', 'right_arm', 'right_leg']
    expected = [3, -1, 0, 2, -1, -1, 1, 1, -1, 3, -1, -1]
    assert drop.draw('video_1', 12).tolist() == expected


def test_drop_limb_agrees_with_whole_numbers():
    """The same as integer arithmetic on the bytes of the digest, frame by frame."""
    digest = hashlib.shake_256(b'7:fold/a:1').digest(16 * 50)
    expected = []
    for begin in range(0, 16 * 50, 16):
        chance = int.from_bytes(digest[begin : begin + 8], 'little')
        group = int.from_bytes(digest[begin + 8 : begin + 16], 'little') % 4
        expected.append(group if 4 * chance < 2**64 else -1)
    drawn = DropLimb(0.25, 7, skeleton='lcr15').draw('fold/a:1', 50)
    assert drawn.tolist() == expected


def test_drop_limb_loses_more_at_higher_p():
    quarter, half, all_ = (
        DropLimb(p, 2, skeleton='coco17').draw('v', 1000) for p in (0.25, 0.5, 1)
    )
    assert (half[quarter >= 0] == quarter[quarter >= 0]).all()
    assert (all_[half >= 0] == half[half >= 0]).all()
    assert (quarter >= 0).sum() < (half >= 0).sum() < (all_ >= 0).sum() == 1000


def test_drop_limb_depends_on_seed_video_and_frame_alone():
    """Not on length, persons, skeleton, or what was drawn before; on those three."""
    drop = DropLimb(0.5, 1, skeleton='coco17')
    expected = drop.draw('v', 30)
    drop.draw('w', 99)
    np.testing.assert_array_equal(drop.draw('v', 80)[:30], expected)
    other = DropLimb(0.5, 1, skeleton='lcr15')
    np.testing.assert_array_equal(other.draw('v', 30), expected)
    one, two = (drop(video(M=M, name='v'))['keypoint_score'] == 0 for M in (1, 2))
    np.testing.assert_array_equal(two, np.repeat(one, 2, axis=0))
    assert (drop.draw('w', 30) != expected).any()
    assert (DropLimb(0.5, 2, skeleton='coco17').draw('v', 30) != expected).any()
    assert len(set(expected)) > 2


def test_drop_limb_draws_anew_in_each_epoch_and_training():
    def lost(**keys):
        after = DropLimb(0.5, skeleton='coco17')({**video(), **keys})
        return (after['keypoint_score'] == 0).tobytes()

    assert lost(epoch=0, run_seed=0) == lost()
    drawn = {lost(epoch=i, run_seed=j) for i in range(3) for j in range(2)}
    assert len(drawn) == 6


@pytest.mark.parametrize('p', [0.25, 0.5])
def test_drop_limb_takes_the_share_p_evenly(p):
    """Within five standard deviations, of frames and of each of four limbs."""
    T = 40000
    drawn = DropLimb(p, 5, skeleton='coco17').draw('v', T)
    counts = np.bincount(drawn + 1)
    assert abs(counts[1:].sum() - T * p) < 5 * np.sqrt(T * p * (1 - p))
    q = p / 4
    assert (abs(counts[1:] - T * q) < 5 * np.sqrt(T * q * (1 - q))).all()
    assert len(counts) == 5


def test_drop_limb_takes_a_missing_score_as_1():
    given = video()
    del given['keypoint_score'], given['keypoint_3d']
    after = DropLimb(1, skeleton='coco17')(given)
    assert after['keypoint_score'].sum() == 40 * 14
    assert 'keypoint_3d' not in after


def test_drop_limb_shrinks_the_box_to_what_remains():
    """Without the arm that reaches out, the rest fills the heatmap."""
    skeleton = {
        'joints': ['a', 'b', 'hand'],
        'limbs': [[0, 1], [1, 2]],
        'drop_groups': {'arm': [2]},
    }
    item = {
        'frame_dir': 'v',
        'keypoint': np.array([[[[0, 0], [10, 10], [90, 50]]]], np.float32),
        'keypoint_score': np.ones((1, 1, 3), np.float32),
    }
    render = RenderSkeletonHeatmap(skeleton)
    kept, _ = render.place(DropLimb(1, skeleton=skeleton)(item))
    np.testing.assert_allclose(kept[0, 0, :2], [[0, 0], [56, 56]])


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'p': 0.5}, "skeleton='coco17'"),
        (
            {'p': 0.5, 'skeleton': {'name': 'worm', 'joints': 2, 'limbs': [[0, 1]]}},
            "'worm' | `drop_groups`",
        ),
    ],
)
def test_drop_limb_refuses_what_it_cannot_do(options, named):
    with raises_naming(ValueError, 'DropLimb', named):
        DropLimb(**options)


def test_limbs_are_lost_before_online_features_are_made():
    """As in tests of trained recipes on skeletons that lack limbs."""
    rng = np.random.default_rng(0)
    video = {
        'frame_dir': 'a', 'total_frames': 8, 'fps': 10.0, 'img_shape': (90, 90),
        'keypoint': rng.uniform(9, 80, (1, 8, 17, 2)).astype(np.float32),
        'keypoint_score': np.ones((1, 8, 17), np.float32),
    }  # fmt: skip
    made = {}
    for p in (0, 1):
        render = {'type': 'SkeletonCoordinates', 'dims': 2, 'flatten': True}
        drop = {'type': 'DropLimb', 'p': p}
        config = {'render': render, 'transforms': [drop], 'online': True}
        recipe = recipe_from_config('pose2d', config, 'coco17')
        item = {**video, 'feature_files': {}, 'online': {'pose2d': recipe}}
        made[p] = LoadFrameFeatures().transform(item)['features']['pose2d']
    assert (made[0] != made[1]).any(axis=0).all()
