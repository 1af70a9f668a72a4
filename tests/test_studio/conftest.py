"""A folder with recordings, and the studio of it."""

import copy
import time

import numpy as np
import pytest

from mmskelseg.runtime.files.annotations import save_annotations
from mmskelseg.studio.folder import open_folder
from mmskelseg.studio.studio import Studio
from tests.small_data import small_annotations


@pytest.fixture
def folder(tmp_path):
    """A folder with an annotation file of three recordings; the last has no labels."""
    data = copy.deepcopy(small_annotations())
    data['annotations'][2]['label'] = np.full(50, -1)
    path = tmp_path / 'mine'
    save_annotations(data, path / 'annotations.pkl')
    return path


@pytest.fixture
def studio(folder):
    return Studio(open_folder(folder), 'mediapipe', lambda: open_folder(folder))


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
