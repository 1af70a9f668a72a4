"""Trainings are planned in steps, whatever the recordings are like."""

import pytest

from mmskelseg.engine.planning import plan_training


@pytest.mark.parametrize(
    ('lengths', 'steps'),
    [
        # 21 crops of 600 a recording, 4 a step: 2.5 million frames in 1,042 steps.
        ([12_600] * 4, 1050),
        ([108_000], 1080),
        # Steps of 4 * 600 frames as well.
        ([600] * 84, 1050),
        # Short videos: 1,500 steps are the most, in whole epochs.
        ([200] * 40, 1500),
        ([30], 1500),
    ],
)
def test_steps_follow_from_frames_not_from_recordings(lengths, steps):
    plan = plan_training(lengths, batch_size=4)
    assert plan.steps == steps
    assert plan.frames_per_step == 4 * min(max(lengths), 600)


def test_long_steps_are_at_least_600():
    assert plan_training([600] * 60, batch_size=30).steps == 600


def test_epochs_can_be_given():
    plan = plan_training([12_000] * 4, batch_size=4, epochs=3)
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
