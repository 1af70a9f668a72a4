"""Ergonomic risk in the report on a fit."""

import numpy as np
from matplotlib.image import imread

from mmskelseg.automl import report
from mmskelseg.automl.folds import FitData
from mmskelseg.automl.model_folder import ModelFolder
from mmskelseg.automl.trials import Setup
from tests.test_posture.people import JOINTS, filmed, person, video


def setup_of(tmp_path, **change):
    """Return a fit of a video of somebody who stands and then bends."""
    people = [person()] * 10 + [person(trunk=(70, 0, 0), neck=(25, 0, 0))] * 10
    take = {
        **filmed(*people), **video(*people), 'frame_dir': 'take', 'total_frames': 20,
        'img_shape': (480, 640), 'fps': 10.0, 'label': np.repeat([0, 1], 10),
    }  # fmt: skip
    meta = {
        'classes': ['stand', 'bend'], 'skeleton': {'joints': JOINTS, 'limbs': []},
        'up': 'z', **change,
    }  # fmt: skip
    data = {'split': {}, 'annotations': [take], 'metainfo': meta}
    return Setup(ModelFolder(tmp_path), FitData(data, {}), seed=0)


def test_report_has_the_risk_of_classes_and_their_worst_moments(tmp_path):
    rows = report._risk(setup_of(tmp_path))
    found = {(row['class'], row['method']): row for row in rows}
    assert len(found) == 4
    assert found['stand', 'REBA']['mean_low'] == 1
    # Trunk 4, neck 2: A = 5; arms in line with the trunk: lower arm 2, B = 1 to 2.
    assert found['bend', 'REBA']['worst_low'] == 4
    assert found['bend', 'REBA']['worst_video'] == 'take'
    # Two pictures side by side.
    assert imread(tmp_path / 'risk.png').shape[1] == 2 * 640


def test_report_on_other_joints_has_no_risk(tmp_path):
    joints = {'joints': len(JOINTS), 'limbs': []}
    assert report._risk(setup_of(tmp_path, skeleton=joints)) == []
    assert not (tmp_path / 'risk.png').exists()
