"""Formats are recognised by name and content."""

import json

import numpy as np
import pytest

from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.poses import read_poses, recognise
from mmskelseg.runtime.poses.reading import is_poses

PERSON = {'keypoints': [[1, 2]] * 17, 'keypoint_scores': [1] * 17}
FILES = {
    'mmpose': ('a.json', json.dumps([{'frame_id': 0, 'instances': [PERSON]}])),
    'coco': (
        'b.json',
        json.dumps([{'category_id': 1, 'keypoints': [5] * 51, 'image_id': 0}]),
    ),
    'mediapipe': ('c.json', json.dumps([[{'x': 9, 'y': 9, 'visibility': 1}] * 33])),
    'deeplabcut': ('d.csv', 'scorer,s,s\nbodyparts,n,n\ncoords,x,y\n0,1,2\n'),
    'csv': ('e.csv', 'frame,nose_x,nose_y\n0,1,2\n'),
}


@pytest.mark.parametrize('format', FILES)
def test_format_is_told_by_content(format, save_text):
    name, text = FILES[format]
    path = save_text(text, name)
    assert recognise(path) == format
    assert read_poses(path).keypoint.shape[:2] == (1, 1)


def test_demo_predictions_and_landmark_tables_are_told(save_text):
    path = save_text('{"meta_info": {"people": 1}, "instance_info": []}', 'a.json')
    assert recognise(path) == 'mmpose'
    for header in ('frame,landmark,x,y', 'frame,LEFT_FOOT_INDEX_x,RIGHT_FOOT_INDEX_x'):
        assert recognise(save_text(f'{header}\n0,1,2,3\n')) == 'mediapipe'


def test_arrays_and_folders_are_told(tmp_path):
    np.savez(tmp_path / 'a.npz', keypoint=np.ones((1, 17, 2)))
    np.savez(tmp_path / 'b.npz', landmarks=np.ones((1, 33, 4)))
    (tmp_path / 'a_000000000000_keypoints.json').write_text('{}')
    assert recognise(tmp_path / 'a.npz') == 'npz'
    assert recognise(tmp_path / 'b.npz') == 'mediapipe'
    assert recognise(tmp_path) == 'openpose'


def test_a_name_of_other_trackers_is_not_openpose(tmp_path):
    for name in ('take1_keypoints.json', 'ann_keypoints.json'):
        (tmp_path / name).write_text('[]')
    assert not is_poses(tmp_path)


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
        ('a.json', '{"people": []}', None, 'a single frame of OpenPose'),
        ('a.json', '{"shapes": []}', None, 'not in a known format of poses .*--format'),
        ('a.slp', '', None, 'a SLEAP project'),
        ('a.txt', 'x', None, 'not in a known format'),
        ('a.npz', 'x', None, 'not an npz file'),
        (*FILES['csv'], 'deeplabcut', 'first rows begin with frame'),
        (*FILES['csv'], 'bvh', "'bvh' is not a format of poses; .*mmpose"),
    ],
)
def test_unknown_files_and_formats_are_named(name, text, format, named, save_text):
    path = save_text(text, name)
    with pytest.raises(UserError, match=named) as error:
        read_poses(path, format)
    assert str(error.value).startswith(f'{path}: ')


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'a\.json: there is no such file'):
        read_poses(tmp_path / 'a.json')
