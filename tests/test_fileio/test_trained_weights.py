import pytest
import torch

from mmskelseg.fileio.trained_weights import changed_features, load_weights

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
    message = r'epoch_9.pth: 1 of the 6 values of weight are not finite'
    with pytest.raises(ValueError, match=message):
        load_weights(torch.nn.Linear(2, 3), {'state_dict': state}, 'epoch_9.pth')
    state['weight'][1, 0] = 0
    load_weights(model, {'state_dict': state}, 'epoch_9.pth')
