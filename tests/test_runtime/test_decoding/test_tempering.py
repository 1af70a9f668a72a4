"""The temperature of probabilities, worked out by hand."""

import numpy as np
import pytest
import torch

from mmskelseg.runtime.decoding.tempering import divisor, tempered


def test_divisor_rises_with_uncertainty():
    """The impurities 0, 0.32 and 0.5 are 0, 0.64 and all of the largest."""
    scores = np.array([[1, 0.8, 0.5], [0, 0.2, 0.5]])
    expected = [[1, 16 ** (0.8**0.5), 16]]
    np.testing.assert_allclose(divisor(scores, 16.0, 0), expected)


@pytest.mark.parametrize('temperature', [0.3, 1.0, 4.0])
def test_tempered_logits_are_divided(temperature):
    logits = np.random.default_rng(0).normal(0, 3, (5, 40))
    scores = np.exp(logits) / np.exp(logits).sum(axis=0)
    found = tempered(scores, temperature)
    powers = np.exp(logits / divisor(scores, temperature, 0))
    np.testing.assert_allclose(found, powers / powers.sum(axis=0))
    assert (found.argmax(axis=0) == scores.argmax(axis=0)).all()
    tensor = tempered(torch.from_numpy(scores.T), temperature, 1)
    np.testing.assert_allclose(tensor.T, found)


@pytest.mark.parametrize('scores', [np.ones((1, 3)), np.eye(3, dtype=np.float32)])
def test_certain_frames_stay_as_they_are(scores):
    np.testing.assert_array_equal(tempered(scores, 2.5), scores)
