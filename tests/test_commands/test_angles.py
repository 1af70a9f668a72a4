"""Joint angles and scores of each frame, as `angles` writes them."""

import numpy as np
import pytest
from matplotlib.image import imread

from mmskelseg_behaviour.commands.angles import MeasureAngles
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses, write_npz
from tests.errors import raises_naming
from tests.tables import read_table
from tests.test_posture.people import JOINTS, filmed, person, video

LAYOUT = {'joints': JOINTS, 'limbs': []}
STEPS = np.linspace(0, 1, 20)
PEOPLE = [person(trunk=(60 * step, 0, 0), neck=(25 * step, 0, 0)) for step in STEPS]


def measured(out, *files, **options) -> list[dict]:
    """Run the command, and return the rows of its only table."""
    MeasureAngles(files=files, out=out, **options).run(PrintedEvents())
    (table,), (picture,) = out.glob('*_angles.csv'), out.glob('*_angles.png')
    assert imread(picture).ndim == 3
    return read_table(table)


def poses_of(tmp_path, fps=10.0):
    """Return a file of the poses of somebody who bends, seen from the side."""
    one = filmed(*PEOPLE, right=(1, 0, 0))
    path = tmp_path / 'shift.npz'
    poses = Poses(one['keypoint'], one['keypoint_score'], LAYOUT, (600, 600), fps)
    write_npz(poses, path)
    return path


def test_angles_of_poses_need_no_labels(tmp_path):
    rows = measured(tmp_path / 'out', poses_of(tmp_path))
    found = [float(row['trunk_flexion']) for row in rows]
    assert found == pytest.approx(60 * STEPS, abs=0.1)
    assert rows[-1]['trunk_side_bend'] == ''
    assert {(row['class'], row['seen'], row['failures']) for row in rows} == {
        ('', '1', '')
    }
    assert rows[-1]['time_s'] == '1.900'


def test_angles_of_annotations_in_3d_have_classes_and_their_work(tmp_path):
    take = {
        **filmed(*PEOPLE), **video(*PEOPLE), 'frame_dir': 'take', 'total_frames': 20,
        'img_shape': (600, 600), 'fps': 10.0, 'label': np.repeat([0, 1], 10),
    }  # fmt: skip
    for key in ('keypoint', 'keypoint_3d', 'keypoint_score'):
        take[key] = np.float32(take[key])
    meta = {
        'classes': ['stand', 'bend'], 'skeleton': LAYOUT, 'dataset': 'work',
        'background': None, 'up': 'z',
    }  # fmt: skip
    path, station = tmp_path / 'annotations.pkl', tmp_path / 'station.csv'
    data = {'split': {'train': ['take']}, 'annotations': [take], 'metainfo': meta}
    save_annotations(data, path)
    station.write_text('class,load_kg\nbend,12\n')
    bare = measured(tmp_path / 'bare', path)
    loaded = measured(tmp_path / 'loaded', path, station=station)
    assert (bare[0]['class'], bare[-1]['class']) == ('stand', 'bend')
    # Straight arms have lower arm 2, which alone makes nothing of an upright stance.
    assert bare[0]['reba_low'] == loaded[0]['reba_low'] == '1'
    assert float(bare[-1]['trunk_twist']) == pytest.approx(0, abs=0.01)
    assert int(loaded[-1]['reba_low']) > int(bare[-1]['reba_low'])


def test_poses_without_a_rate_or_labels_say_what_is_missing(tmp_path):
    path = poses_of(tmp_path, fps=None)
    with raises_naming(UserError, path, '--fps'):
        measured(tmp_path / 'out', path)
    assert len(measured(tmp_path / 'out', path, fps=20)) == 20
    station = tmp_path / 'station.csv'
    station.write_text('class,load_kg\nbend,12\n')
    with raises_naming(UserError, station, path, 'labels'):
        measured(tmp_path / 'other', path, fps=20, station=station)


def test_recordings_of_one_name_are_refused(tmp_path):
    path = poses_of(tmp_path)
    (tmp_path / 'more').mkdir()
    other = tmp_path / 'more' / path.name
    other.write_bytes(path.read_bytes())
    with raises_naming(UserError, path, other):
        measured(tmp_path / 'out', path, other)
