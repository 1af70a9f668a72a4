"""Trainings are planned in steps, whatever the recordings are like."""

import numpy as np
import pytest

from mmskelseg.engine.lengths import crop_lengths, plan_training


@pytest.mark.parametrize(
    ('lengths', 'steps'),
    [
        # 21 crops of four recordings, 4 a step: 2.5 million frames in 1,042 steps.
        ([600] * 84, 1050),
        ([600] * 180, 1080),
        # Short videos: 1,500 steps are the most, in whole epochs.
        ([200] * 40, 1500),
        ([30], 1500),
    ],
)
def test_steps_follow_from_frames_not_from_crops(lengths, steps):
    plan = plan_training(lengths, batch_size=4)
    assert plan.steps == steps
    assert plan.frames_per_step == 4 * max(lengths)


def test_crops_cover_labels_alone():
    """A recording of no more than 600 frames stays whole; others have context."""
    videos = []
    for total, labelled in ((6000, 6000), (6000, 700), (6000, 5), (500, 5)):
        label = np.full(total, -1)
        label[:labelled] = 0
        videos.append({'total_frames': total, 'label': label})
    assert crop_lengths(videos, 600) == [600] * 10 + [600] * 2 + [600] + [500]


def test_clips_count_as_the_recordings_that_they_fill():
    """1,018 clips of two seconds: 102 recordings, and a long one of several actions."""
    label = np.zeros(60, int)
    videos = [{'total_frames': 60, 'label': label, 'fps': 30.0}] * 1018
    videos.append({'total_frames': 900, 'label': np.arange(900) // 300, 'fps': 30.0})
    assert crop_lengths(videos, 600, joined=True) == [600] * 104
    assert plan_training([600] * 102, batch_size=4).steps == 1066


def test_few_labels_are_not_learned_by_heart():
    """Six crops take two steps of four, for 100 epochs rather than 695."""
    plan = plan_training([600] * 6, batch_size=4, few_labels=True)
    assert (plan.epochs, plan.steps) == (100, 200)
    assert plan_training([600] * 6, batch_size=4).epochs == 695
    assert plan_training([600] * 6, 4, 300, few_labels=True).epochs == 300
    many = [600] * 84
    assert plan_training(many, 4, few_labels=True) == plan_training(many, 4)


def test_long_steps_are_at_least_600():
    assert plan_training([600] * 60, batch_size=30).steps == 600


def test_epochs_can_be_given():
    plan = plan_training([600] * 80, batch_size=4, epochs=3)
    assert (plan.epochs, plan.steps, plan.frames) == (3, 60, 144_000)
    assert '60 steps in 3 epochs, 0.1 million frames' in plan.summary('pose2d')


@pytest.mark.parametrize(('length', 'epochs', 'members'), [(300, 63, 2), (600, 87, 1)])
def test_two_networks_share_the_steps_of_short_videos(length, epochs, members):
    """Of 12 steps an epoch: 1,500 in all are shared, and 2.5 million frames are not."""
    plan = plan_training([length] * 48, batch_size=4, may_be_two=True)
    assert (plan.epochs, plan.members) == (epochs, members)
    alone = plan_training([length] * 48, batch_size=4)
    assert plan.seconds('pose2d') == pytest.approx(alone.seconds('pose2d'), rel=0.02)


def test_much_shortened_training_is_of_one_network():
    """A fifth of twice 63 epochs is 25 of one network, with 12 steps each."""
    plan = plan_training([300] * 48, batch_size=4, may_be_two=True)
    short = plan.shortened(0.2)
    assert (short.epochs, short.steps, short.members) == (25, 300, 1)
    most = plan.shortened(0.75)
    assert (most.epochs, most.steps, most.members) == (47, 564, 2)
    assert plan.shortened(1) == plan
