import numpy as np
import pytest


@pytest.fixture
def images(rng):
    """Heatmap-like images (T, 3, H, W) with three equal channels."""
    return np.repeat(rng.uniform(0, 4, (5, 1, 56, 56)).astype(np.float32), 3, axis=1)
