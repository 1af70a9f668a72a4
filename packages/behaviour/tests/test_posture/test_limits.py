"""Angles and movements that no body has."""

import numpy as np
import pytest

from mmskelseg_behaviour.posture.angles import ANGLES
from mmskelseg_behaviour.posture.limits import Failures, left_out, limits_of


def test_each_angle_has_a_range_around_an_upright_stance():
    for name in ANGLES:
        low, high, speed = limits_of(name)
        assert low <= 0 < high < speed


def test_ranges_are_those_of_people():
    angles = {'left_knee_flexion': np.array([0, 150, 174.0, np.nan])}
    found = Failures.of(angles, 1.0)
    assert found.frames.tolist() == [False, False, True, False]


@pytest.mark.parametrize('fps', [10, 25, 60])
def test_movements_that_people_make_are_no_jumps(fps):
    """Down by 90 degrees in half a second, and up again: 280 degrees/s at most."""
    seconds = np.arange(0, 4, 1 / fps)
    depth = np.clip(np.abs(seconds - 2) / 0.5, 0, 1)
    trunk = 90 * (1 + np.cos(np.pi * depth)) / 2
    assert not Failures.of({'trunk_flexion': trunk}, fps).frames.any()


@pytest.mark.parametrize('fps', [10, 25, 60])
def test_jumps_are_left_out_with_what_is_around_them(fps):
    trunk = np.zeros(4 * fps)
    trunk[2 * fps : 2 * fps + 2] = 80
    (frames,) = np.nonzero(Failures.of({'trunk_flexion': trunk}, fps).frames)
    assert frames[0] / fps == pytest.approx(2 - 0.25 - 1 / fps, abs=0.11)
    assert frames[-1] / fps == pytest.approx(2 + 0.25 + 2 / fps, abs=0.11)
    assert (np.diff(frames) == 1).all()


def test_arms_that_swing_behind_the_body_do_not_jump():
    """Raised sideways, an arm has 50 degrees forwards, or -50 backwards."""
    arm = np.repeat([50.0, -50], 10)
    assert not Failures.of({'left_shoulder_flexion': arm}, 30.0).frames.any()


def test_frames_that_are_left_out_are_counted_by_reason():
    knee, neck = np.full(40, 20.0), np.full(40, 10.0)
    knee[5] = 175
    one = Failures.of({'left_knee_flexion': knee, 'neck_flexion': neck}, 1.0)
    neck[20:] = 80
    other = Failures.of({'left_knee_flexion': neck, 'neck_flexion': neck}, 10.0)
    assert left_out([Failures.of({'neck_flexion': np.zeros(9)}, 1.0)]) is None
    text = left_out([one, other])
    # At 10 frames/s, a quarter of a second around the two frames of the jump is 2.
    assert text.startswith('7 of 80 frames (8.8%) are not scored: 1 with angles out')
    assert '(most often left knee flexion)' in text
    assert text.endswith('6 with jumps that no joint makes (most often neck flexion)')
