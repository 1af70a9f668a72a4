"""Small files in the formats of trackers."""

import json

import numpy as np
import pytest

FRAMES = 6


@pytest.fixture
def walk():
    """COCO's 17 joints of a person who walks to the right, (T, 17, 3)."""
    rng = np.random.default_rng(3)
    person = rng.uniform((100, 50, 0.5), (160, 250, 1), (FRAMES, 17, 3)).round(3)
    person[:, :, 0] += 10 * np.arange(FRAMES)[:, None]
    return person


@pytest.fixture
def save_json(tmp_path):
    """Write a JSON file and return its path."""

    def save(content, name='take1.json'):
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    return save
