"""Frozen networks compute where they were loaded."""

import numpy as np
import pytest

from mmskelseg.encoders import ClipEncoder, FrameEncoder
from tests.devices import FromMeta
from tests.test_encoders.test_clip import POSEC3D


def features_of_images(device):
    encoder = FrameEncoder('torchvision.resnet18', 'none')
    encoder.load(device)
    return encoder.encode(np.ones((2, 3, 56, 56), np.float32))


def features_of_clips(device):
    encoder = ClipEncoder(POSEC3D, 'none', clip_len=4)
    encoder.load(device)
    blocks = [np.ones((2, 17, 8, 8), np.float32)]
    return np.concatenate(list(encoder.encode_video(blocks, 2)))


@pytest.mark.parametrize('features_on', [features_of_images, features_of_clips])
def test_encoder_computes_only_on_its_device(features_on, elsewhere):
    features = features_on('cpu')
    assert features.any()
    with FromMeta():
        found = features_on('meta')
    np.testing.assert_array_equal(found, 0 * features)
