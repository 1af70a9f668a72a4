"""A video is shown to a model at the rate that it was trained with."""

import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.frame_rates import resampled, show_at
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.small_data import ROOT, small_annotations


def video(frames, fps, **changes):
    """A joint that moves by 3 pixels and one that moves by 6 metres a second."""
    time = (np.arange(frames) + 0.5) / fps
    keypoint = np.stack([3 * time, 0 * time], axis=-1)[None, :, None]
    keypoint_3d = np.stack([6 * time, time, 0 * time], axis=-1)[None, :, None]
    return {
        'frame_dir': 'a',
        'fps': fps,
        'total_frames': frames,
        'keypoint': keypoint.astype(np.float32),
        'keypoint_3d': keypoint_3d.astype(np.float32),
        'keypoint_score': np.ones((1, frames, 1), np.float32),
        **changes,
    }


@pytest.mark.parametrize('fps', [30.0, 28.6, 31.4, 29.97])
def test_rates_that_are_near_change_nothing(fps):
    given = video(20, fps)
    shown = show_at(given, 30.0)
    assert (shown.video, shown.back, shown.note) == (given, None, '')
    assert show_at(given, None).back is None


@pytest.mark.parametrize(
    ('frames', 'own', 'wanted'),
    [(100, 25, 30), (100, 60, 30), (31, 30, 10), (9, 10, 30)],
)
def test_joints_are_where_they_were_at_each_time(frames, own, wanted):
    """Within half a frame at either end."""
    shown = show_at(video(frames, float(own)), float(wanted))
    changed, back = shown.video, shown.back
    count = -(-frames * wanted // own)
    assert changed['total_frames'] == count
    assert changed['fps'] == wanted
    expected = video(count, float(wanted))
    last = (frames - 0.5) / own
    time = np.clip((np.arange(count) + 0.5) / wanted, 0.5 / own, last)
    np.testing.assert_allclose(changed['keypoint'][0, :, 0, 0], 3 * time, rtol=1e-4)
    np.testing.assert_allclose(changed['keypoint_3d'][0, :, 0, 0], 6 * time, rtol=1e-4)
    assert changed['keypoint_score'].shape == expected['keypoint_score'].shape
    # Each frame of the video is shown by the one at its time, in order.
    assert len(back) == frames
    middle = (back + 0.5) / wanted
    distance = np.abs(middle - (np.arange(frames) + 0.5) / own)
    assert distance.max() <= 0.5 / wanted + 1e-9
    assert set(np.diff(back)) <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ('fps', 'label'), [(20.0, [0, 0, 1, 1, 2, 2, 3, 3]), (5.0, [0, 2]), (2.5, [2])]
)
def test_labels_are_those_of_the_nearest_frames(fps, label):
    own = np.arange(4)
    tiers = np.stack([own, own[::-1]])
    changed = resampled(video(4, 10.0, label=tiers, observers={'ann': own}), fps)
    assert changed['label'][0].tolist() == changed['observers']['ann'].tolist() == label
    assert changed['label'][1].tolist() == [3 - value for value in label]
    assert changed['total_frames'] == len(label)


def test_lost_joints_are_not_mixed_with_seen_ones():
    """From 10 to 20 frames per second; the joint is lost in frame 2 of 4, at (0, 0)."""
    given = video(4, 10.0)
    given['keypoint_score'][0, 2] = 0
    given['keypoint'][0, 2] = 0
    changed = show_at(given, 20.0).video
    x = given['keypoint'][0, :, 0, 0]
    np.testing.assert_allclose(
        changed['keypoint'][0, :, 0, 0],
        [
            x[0],
            0.75 * x[0] + 0.25 * x[1],
            0.25 * x[0] + 0.75 * x[1],
            x[1],
            0,
            0,
            x[3],
            x[3],
        ],
        rtol=1e-5,
    )
    assert changed['keypoint_score'][0, :, 0].tolist() == [1, 1, 1, 1, 0, 0, 1, 1]


def test_a_single_frame_and_a_video_without_scores():
    shown = show_at(video(1, 60.0), 10.0)
    assert shown.video['total_frames'] == 1
    assert shown.back.tolist() == [0]
    given = video(10, 5.0)
    del given['keypoint_score']
    changed = show_at(given, 10.0).video
    assert changed['keypoint'].shape == (1, 20, 1, 2)


def test_video_files_stay_as_they_are_with_a_note():
    """Frames of a file cannot be moved in time as joints can."""
    shown = show_at(video(10, 30.0), 10.0, needs_video=True)
    assert shown.back is None
    assert shown.note.startswith('has 30 frames per second, but the model was trained')


def test_inferencer_gives_labels_for_the_frames_of_the_video(checkpoint):
    """Labels at the rate of the training data, repeated for the faster video."""
    cfg = Config.fromfile(ROOT / 'configs' / 'recipes' / 'uwiom_pose2d.py')
    cfg.model.update(num_classes=3, members=1)
    cfg.model.branches.pose2d.update(channels=8, in_channels=68)
    meta = {**small_annotations()['metainfo'], 'fps': 10.0}
    segment = inferencer_of(cfg, checkpoint(cfg, meta))
    slow = {**small_annotations()['annotations'][0], 'skeleton': 'coco17'}
    del slow['label']
    fast = {**slow, 'fps': 20.0, 'total_frames': 2 * slow['total_frames']}
    for key in ('keypoint', 'keypoint_score'):
        fast[key] = slow[key].repeat(2, axis=1)
    # Between two equal frames lies the same one.
    expected, found = (segment(v)['predictions'][0] for v in (slow, fast))
    np.testing.assert_allclose(
        found['pred_score'], expected['pred_score'].repeat(2, axis=1), atol=1e-6
    )
    assert found['fps'] == 20
    assert found['notes'] == (
        'shown to the model at 10 frames per second, the rate of its training data, '
        'instead of 20',
    )
    assert [s['end'] for s in found['segments']] == pytest.approx(
        [s['end'] for s in expected['segments']]
    )
    sample = segment(fast, return_datasamples=True)['predictions'][0]
    np.testing.assert_array_equal(sample.pred_label, found['pred_label'])


def test_rate_that_makes_implausibly_many_frames_is_an_error():
    shape = (1, 1000, 17)
    video = {
        'frame_dir': 'take', 'fps': 1e-5, 'total_frames': 1000,
        'keypoint': np.ones((*shape, 2)), 'keypoint_score': np.ones(shape),
    }  # fmt: skip
    with raises_naming(UserError, 'take: ', '1e-05', '3000000000'):
        show_at(video, 30.0)
