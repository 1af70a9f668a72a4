import numpy as np
import pytest


@pytest.fixture
def video(rng):
    """Two people of 17 joints, whose first one lacks the last joint."""
    T, V = 90, 17
    score = np.ones((2, T, V), np.float32)
    score[0, :, -1] = 0
    item = {
        'frame_dir': 'video', 'total_frames': T, 'fps': 30.0, 'epoch': 3,
        'img_shape': (480, 640), 'up': '-y',
        'keypoint': rng.uniform(1, 400, (2, T, V, 2)).astype(np.float32),
        'keypoint_3d': rng.normal(0, [0.2, 0.5, 0.2], (2, T, V, 3)).astype(np.float32),
        'keypoint_score': score, 'label': np.arange(T) // 10,
        'risk': np.arange(T, dtype=np.float32),
    }  # fmt: skip
    for key in ('keypoint', 'keypoint_3d'):
        item[key][score == 0] = 0
    return item
