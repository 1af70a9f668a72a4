"""Formats are recognised by name and content."""

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import read_poses, recognise
from mmskelseg_io.poses.reading import is_poses
from tests.errors import raises_naming
from tests.test_faults.formats import FORMATS

POSES = [name for name in FORMATS if name.startswith('poses/')]
TABLE = 'frame,nose_x,nose_y\n0,1,2\n'


@pytest.mark.parametrize('name', POSES)
def test_format_is_told_by_name_and_content(name, tmp_path):
    path = FORMATS[name].make(tmp_path)
    assert f'poses/{recognise(path)}' == FORMATS[name].covers
    assert is_poses(path)


def test_demo_predictions_and_landmark_tables_are_told(save_text):
    path = save_text('{"meta_info": {"people": 1}, "instance_info": []}', 'a.json')
    assert recognise(path) == 'mmpose'
    path = save_text('frame,LEFT_FOOT_INDEX_x,RIGHT_FOOT_INDEX_x\n0,1,2\n')
    assert recognise(path) == 'mediapipe'


def test_a_name_of_other_trackers_is_not_openpose(tmp_path):
    for name in ('take1_keypoints.json', 'ann_keypoints.json'):
        (tmp_path / name).write_text('[]')
    assert not is_poses(tmp_path)


@pytest.mark.parametrize('stem', ['m1DLC_resnet50_arenaMay1shuffle1_5', 'm1.analysis'])
def test_hdf5_file_beside_the_csv_file_of_its_tracker_does_not_count(stem, tmp_path):
    """But one whose table has other data, such as labels, does."""
    for name in (f'{stem}.csv', f'{stem}.h5', 'm2.csv', 'm2.h5', 'm3.analysis.h5'):
        (tmp_path / name).touch()
    found = {path.name for path in tmp_path.iterdir() if is_poses(path)}
    assert found == {f'{stem}.csv', 'm2.csv', 'm2.h5', 'm3.analysis.h5'}


def test_table_of_several_animals_is_not_taken_for_sleap(tmp_path):
    """Both formats name it `tracks`."""
    h5py = pytest.importorskip('h5py', reason='h5py is not installed')
    path = tmp_path / 'take1DLC_el.h5'
    with h5py.File(path, 'w') as file:
        file.create_group('tracks').attrs['pandas_type'] = np.bytes_(b'frame_table')
    assert recognise(path) == 'deeplabcut'
    with h5py.File(path, 'w') as file:
        file['tracks'] = np.zeros((2, 2, 3, 4))
    assert recognise(path) == 'sleap'


@pytest.mark.parametrize(
    ('name', 'text', 'format', 'named'),
    [
        ('a.json', '{"people": []}', None, 'OpenPose'),
        ('a.json', '{"shapes": []}', None, '--pose-format'),
        ('a.slp', '', None, 'SLEAP | HDF5'),
        ('a.txt', 'x', None, '--pose-format'),
        ('a.npz', 'x', None, 'np.savez'),
        ('e.csv', TABLE, 'deeplabcut', "'frame, 0'"),
        ('e.csv', TABLE, 'bvh', "'bvh' | mmpose"),
    ],
)
def test_unknown_files_and_formats_are_named(name, text, format, named, save_text):
    path = save_text(text, name)
    with raises_naming(UserError, f'{path}: ', named):
        read_poses(path, format)


@pytest.mark.parametrize('name', ['a\nb', 'a\ud800'])
def test_person_whose_name_cannot_be_printed_is_named(name, tmp_path):
    people = np.array(['ann', name])
    np.savez(tmp_path / 'a.npz', keypoint=np.ones((2, 3, 17, 2)), people=people)
    with raises_naming(UserError, tmp_path / 'a.npz', repr(name)):
        read_poses(tmp_path / 'a.npz')


def test_missing_file_is_named(tmp_path):
    with raises_naming(FileNotFoundError, tmp_path / 'a.json'):
        read_poses(tmp_path / 'a.json')
