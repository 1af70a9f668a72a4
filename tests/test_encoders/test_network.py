"""Frozen networks compute where they were loaded."""

import numpy as np

from mmskelseg.encoders import FrameEncoder
from tests.devices import FromMeta


def features_on(device):
    encoder = FrameEncoder('torchvision.resnet18', 'none')
    encoder.load(device)
    return encoder.encode(np.ones((2, 3, 56, 56), np.float32))


def test_encoder_computes_only_on_its_device(elsewhere):
    features = features_on('cpu')
    assert features.any()
    with FromMeta():
        found = features_on('meta')
    np.testing.assert_array_equal(found, 0 * features)
