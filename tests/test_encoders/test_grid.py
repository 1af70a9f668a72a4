import numpy as np

from mmskelseg.encoders import GridEncoder
from tests.errors import raises_naming


def test_grid_encoder_averages_cells(images):
    features = GridEncoder((7, 14)).encode(images)
    cells = images[:, 0].reshape(5, 7, 8, 14, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(features, cells.reshape(5, -1), rtol=1e-5)


def test_grid_encoder_averages_each_channel(rng):
    """With three channels, those of red come first, then green, then blue."""
    images = rng.random((2, 3, 8, 8), np.float32)
    features = GridEncoder((2, 2), channels=3).encode(images)
    expected = images.reshape(2, 3, 2, 4, 2, 4).mean(axis=(3, 5)).reshape(2, 12)
    np.testing.assert_allclose(features, expected, atol=1e-6)
    with raises_naming(ValueError, 'GridEncoder', ' 3 ', 'channels=1'):
        GridEncoder((2, 2)).encode(images)
