import numpy as np
import pytest
import torch

from mmskelseg.checkpoints.weights import (
    changed_features,
    check_visible_frames,
    load_weights,
    trained_data,
)
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.segmentors import TCN, build_segmentor

THEN = {'pose2d': {'render': {'type': 'SkeletonCoordinates', 'dims': 2}}}


def test_changed_features_are_named_with_both_values():
    """So that the user sees which config is wrong."""
    now = {'pose2d': {'render': {'type': 'SkeletonCoordinates', 'dims': 3}}}
    assert changed_features(THEN, now) == 'pose2d.render.dims was 2 and is 3'


def test_features_made_online_are_the_same_as_from_files():
    """A trained model is used with either."""
    now = {'pose2d': {**THEN['pose2d'], 'online': True}}
    assert changed_features(THEN, now) == ''


def test_weights_that_are_not_finite_are_refused():
    """A model with them would predict nothing, without a word."""
    model = torch.nn.Linear(2, 3)
    state = model.state_dict()
    state['weight'][1, 0] = float('nan')
    with raises_naming(ValueError, 'epoch_9.pth', '1 of the 6', ' weight '):
        load_weights(torch.nn.Linear(2, 3), {'state_dict': state}, 'epoch_9.pth')
    state['weight'][1, 0] = 0
    load_weights(model, {'state_dict': state}, 'epoch_9.pth')


@pytest.mark.parametrize(('changes', 'named'), [
    ({'weight': torch.ones(2, 2)}, 'weight | (2, 2) | (3, 2)'),
    ({'foo': torch.ones(1)}, '1 others (foo)'),
    ({'bias': None}, "1 of the model's 2 | (bias)"),
])  # fmt: skip
def test_weights_of_another_model_are_refused(changes, named):
    model = torch.nn.Linear(2, 3)
    state = {**model.state_dict(), **changes}
    state = {name: value for name, value in state.items() if value is not None}
    with raises_naming(UserError, 'epoch_9.pth', named):
        load_weights(model, {'state_dict': state}, 'epoch_9.pth')


def test_complex_weights_are_refused():
    """PyTorch would drop their imaginary part."""
    state = {
        name: value + 1j for name, value in torch.nn.Linear(2, 3).state_dict().items()
    }
    with raises_naming(ValueError, 'epoch_9.pth', ' weight ', 'torch.complex64'):
        load_weights(torch.nn.Linear(2, 3), {'state_dict': state}, 'epoch_9.pth')


def test_statistics_that_a_step_lacks_are_named():
    """Such a step may come in a config for tests alone."""
    state = build_segmentor({'pose': TCN}, postprocess=[]).state_dict()
    model = build_segmentor({'pose': TCN}, postprocess=[{'type': 'MinDuration'}])
    with raises_naming(ValueError, 'epoch_9.pth', 'model.postprocess', '`frames`'):
        load_weights(model, {'state_dict': state}, 'epoch_9.pth')


@pytest.mark.parametrize(
    ('trained', 'now', 'named'),
    [
        ({'lookahead': 2}, {'lookahead': 15}, 'model.branches.pose2d.lookahead=2 | 15'),
        ({}, {'causal': True}, 'model.branches.pose2d.causal=False | True'),
        ({'causal': True}, {}, 'model.branches.pose2d.causal=True | False'),
        (
            {'block_windows': True},
            {},
            'model.branches.pose2d.block_windows=True | False',
        ),
    ],
)
def test_models_see_the_frames_that_they_saw_in_training(trained, now, named):
    """Weights load with any of these settings, but labels would be wrong."""
    checkpoint = {'meta': {'cfg': f'model = dict(branches=dict(pose2d={trained}))'}}
    with raises_naming(ValueError, 'epoch_9.pth', named):
        check_visible_frames({'pose2d': now}, checkpoint, 'epoch_9.pth')
    check_visible_frames({'pose2d': {**trained, 'dropout': 0}}, checkpoint, 'a.pth')
    # Converted weights do not say how they were trained.
    check_visible_frames({'pose2d': now}, {'meta': {}}, 'a.pth')


@pytest.mark.parametrize(('changes', 'named'), [
    ({'classes': ['a', 'b', 'a']}, "'a'"),
    ({'tiers': {'gaze': ['up'], 'hand': ['no']}}, 'gaze: up, hand: no'),
    ({'license': np.ones(3)}, 'license'),
])  # fmt: skip
def test_data_that_no_training_had_are_refused(changes, named):
    meta = {'classes': ['a', 'b'], **changes}
    with raises_naming(UserError, 'a.safetensors: ', named):
        trained_data({'meta': {'dataset_meta': meta}}, 'a.safetensors')
