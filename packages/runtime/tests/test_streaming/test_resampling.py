"""Frames at the times of a camera, as frames at a fixed rate."""

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.streaming import Resampler
from tests.errors import raises_naming


def resampled(fps, times):
    """Return the frame of each instant, and the numbers skipped and repeated."""
    resampler = Resampler(fps)
    chosen, _ = resampler.choose(times)
    return chosen, resampler.skipped, resampler.repeated


def test_times_of_the_rate_keep_every_frame():
    assert resampled(10, np.arange(50) / 10 + 3.7) == (list(range(50)), 0, 0)


def test_jitter_below_half_a_period_keeps_every_frame(rng):
    """A camera that is read at irregular times."""
    times = np.arange(300) / 30 + rng.uniform(-0.3, 0.3, 300) / 30
    times[0] = 0
    chosen, skipped, repeated = resampled(30, times)
    assert (skipped, repeated) == (0, 0)
    assert chosen == list(range(300))


def test_faster_camera_gives_the_nearest_frame_of_each_instant():
    """Three frames a step: 0, 3, 6 and so on, and the others are skipped."""
    assert resampled(10, np.arange(10) / 30) == ([0, 3, 6, 9], 6, 0)


@pytest.mark.parametrize('camera', [24, 25, 29.97, 50, 60])
def test_each_instant_has_a_frame_within_half_a_period(camera):
    """Half a period of the camera, which is faster than the model."""
    times = np.arange(400) / camera
    chosen, skipped, repeated = resampled(12, times)
    assert repeated == 0
    assert skipped == chosen[-1] + 1 - len(chosen) + (399 - chosen[-1])
    late = times[chosen] - np.arange(len(chosen)) / 12
    assert np.abs(late).max() <= 0.51 / camera


def test_slower_camera_holds_the_last_frame():
    """Each frame is held for the two instants before the next one."""
    assert resampled(30, [0, 0.1, 0.2]) == ([0, 0, 0, 1, 1, 1, 2], 0, 4)


def test_dropped_frames_hold_the_last_one():
    """Later frames are on time again."""
    times = [0, 0.1, 0.5, 0.6]
    assert resampled(10, times) == ([0, 1, 1, 1, 1, 2, 3], 0, 3)


def test_frame_that_was_skipped_is_held_where_it_is_the_latest():
    """It is nearer to the gap than the frame before it."""
    assert resampled(10, [0, 0.04, 0.3]) == ([0, 1, 1, 2], 1, 2)


def test_late_frame_is_skipped():
    assert resampled(10, [0, 0.1, 0.05, 0.3]) == ([0, 1, 1, 3], 1, 1)


@pytest.mark.parametrize('begin', range(1, 9))
def test_pieces_are_resampled_as_the_whole(begin, rng):
    """Index -1 is the last frame of the previous piece."""
    times = np.sort(rng.uniform(0, 2, 9))
    whole, piecewise = Resampler(10), Resampler(10)
    expected, _ = whole.choose(times)
    first, last = piecewise.choose(times[:begin])
    assert last == begin - 1
    restored = Resampler(10)
    restored.load_state_dict(piecewise.state_dict())
    second, _ = restored.choose(times[begin:])
    assert first + [i + begin for i in second] == expected
    np.testing.assert_equal(restored.state_dict(), whole.state_dict())


@pytest.mark.parametrize(
    ('times', 'named'),
    [
        ([0, np.nan], 'time=nan'),
        ([0, 61], 'time=61 | +61 seconds | 60'),
        ([100, 0], 'time=0 | -100 seconds'),
    ],
)
def test_time_at_fault_is_named(times, named):
    with raises_naming(UserError, named):
        Resampler(10).choose(times)


def test_refused_times_change_nothing():
    """After the error, the frames can be pushed again."""
    resampler = Resampler(10)
    before = resampler.state_dict()
    with pytest.raises(UserError):
        resampler.choose([0, 0.1, np.nan])
    np.testing.assert_equal(resampler.state_dict(), before)
    assert resampler.choose([0, 0.1, 0.2]) == ([0, 1, 2], 2)
