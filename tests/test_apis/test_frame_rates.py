"""A video is shown to a model at the rate that it was trained with."""

import numpy as np
import pytest

from mmskelseg.apis.frame_rates import at_rate


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
    changed, back = at_rate(given, 30.0)
    assert back is None
    assert changed == given
    assert at_rate(given, None)[1] is None


@pytest.mark.parametrize(
    ('frames', 'own', 'wanted'),
    [(100, 25, 30), (100, 60, 30), (31, 30, 10), (9, 10, 30)],
)
def test_joints_are_where_they_were_at_each_time(frames, own, wanted):
    """But for less than half a frame at either end, which no frame shows."""
    changed, back = at_rate(video(frames, float(own)), float(wanted))
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


def test_lost_joints_are_not_mixed_with_seen_ones():
    """From 10 to 20 frames per second; the joint is lost in frame 2 of 4, at (0, 0)."""
    given = video(4, 10.0)
    given['keypoint_score'][0, 2] = 0
    given['keypoint'][0, 2] = 0
    changed, _ = at_rate(given, 20.0)
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
    changed, back = at_rate(video(1, 60.0), 10.0)
    assert changed['total_frames'] == 1
    assert back.tolist() == [0]
    given = video(10, 5.0)
    del given['keypoint_score']
    changed, _ = at_rate(given, 10.0)
    assert changed['keypoint'].shape == (1, 20, 1, 2)
