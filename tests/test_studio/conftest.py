"""A folder with recordings, and the studio of it."""

import copy
import time
from contextlib import contextmanager

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


def studio_of(path):
    return Studio(open_folder(path), 'mediapipe', lambda: open_folder(path))


@pytest.fixture
def studio(folder):
    return studio_of(folder)


@contextmanager
def full_disk():
    """Let no project be saved in the block."""

    def refuse(*_):
        raise OSError(28, 'No space left on device')

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmskelseg.studio.project.atomic_write_text', refuse)
        yield


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
