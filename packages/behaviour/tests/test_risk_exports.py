"""Files of ergonomic risk."""

import numpy as np
import pytest
from matplotlib.image import imread

from mmskelseg_io.files.video import written_video
from mmskelseg_io.inputs import PoseInput
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.exports import write_exports
from mmskelseg_runtime.segmenting.inputs import InputReader
from mmskelseg_runtime.segmenting.predictions import FileOptions
from mmskelseg_runtime.segmenting.sources import find_sources
from tests.errors import raises_naming
from tests.tables import read_table
from tests.test_posture.people import JOINTS, filmed, person, video

LAYOUT = {'joints': JOINTS, 'limbs': [['left_shoulder', 'left_elbow']]}


@pytest.fixture
def prediction():
    """Somebody who stands for a second and bends for another one."""
    people = [person()] * 10 + [person(trunk=(70, 0, 0), neck=(25, 0, 0))] * 10
    return {
        **filmed(*people),
        **video(*people),
        'frame_dir': 'take',
        'fps': 10.0,
        'total_frames': 20,
        'img_shape': (480, 640),
        'skeleton': LAYOUT,
        'up': 'z',
        'classes': ['stand', 'bend'],
        'pred_label': np.repeat([0, 1], 10),
        'pred_score': np.full((2, 20), 0.5, np.float32),
        'segments': [],
        'notes': (),
    }


def test_risk_of_tasks_and_frames(prediction, tmp_path):
    station = tmp_path / 'station.csv'
    station.write_text('class,load_kg\nbend,7\n')
    formats = ['risk', 'risk-frames']
    tasks, frames = write_exports(prediction, tmp_path, formats, station=station)
    stand, bend = read_table(tasks)[:2]
    assert stand | {'video': 'take', 'class': 'stand', 'method': 'REBA'} == stand
    # Trunk 4, neck 2: A = 5 + 1 of the load; the arms are in line with the trunk: 1 2.
    assert (stand['mean_low'], bend['mean_low']) == ('1.000', '6.000')
    assert bend['level_2_low'] == '100.000'
    assert float(bend['worst_s']) >= 1
    found = read_table(frames)
    assert len(found) == 20
    assert (
        found[15] | {'time_s': '1.500', 'class': 'bend', 'reba_low': '6'} == found[15]
    )
    assert float(found[15]['trunk_flexion']) == pytest.approx(70, abs=0.01)


def test_the_work_of_a_station_is_for_the_risk(tmp_path):
    station = tmp_path / 'station.csv'
    for formats in ((), ('json', 'budget')):
        with raises_naming(UserError, station, '--formats'):
            FileOptions(station=station, formats=formats)
    FileOptions(station=station, formats=['json', 'risk-frames'])


def test_unknown_angles_are_empty_cells(prediction, tmp_path):
    del prediction['keypoint_3d']
    (path,) = write_exports(prediction, tmp_path, ['risk-frames'])
    assert read_table(path)[0]['trunk_twist'] == ''


def test_people_whose_flexion_is_never_seen_have_no_risk(prediction, tmp_path):
    """The camera looks from above."""
    del prediction['keypoint_3d']
    formats = ['risk', 'risk-picture', 'risk-frames']
    files = write_exports({**prediction, 'view': 'top'}, tmp_path, formats)
    assert files == [*tmp_path.iterdir()] == [tmp_path / 'risk_frames.csv']


def test_worst_moments_are_drawn_on_the_video(prediction, tmp_path):
    clip = tmp_path / 'take.mp4'
    with written_video(clip, 10.0, (480, 640)) as write:
        for i in range(20):
            write(np.full((480, 640, 3), 250 if i >= 10 else 5, np.uint8))
    plain, shown = (
        imread(write_exports({**prediction, **more}, tmp_path, ['risk-picture'])[0])
        for more in ({}, {'filename': str(clip)})
    )
    # One of two moments two seconds apart, in the bright half of the video.
    assert shown.shape[1] == 640
    assert shown[10, 10, 0] > 0.9
    assert plain[10, 10, 0] < 0.3


def test_annotations_say_which_way_is_up(prediction):
    """So that predictions of new annotations have the angles of the data set."""
    layout = {'joints': JOINTS, 'limbs': []}
    (source,) = find_sources([prediction])
    meta = {'classes': ['stand', 'bend'], 'skeleton': layout, 'up': '-y', 'view': 'top'}
    source = type(source)(source.name, entry=source.entry, metainfo=meta)
    reader = InputReader(
        layout, ('stand', 'bend'), True, False, lambda _: None, PoseInput()
    )
    (found,) = reader.read(source)
    assert (found['up'], found['view']) == ('-y', 'top')
