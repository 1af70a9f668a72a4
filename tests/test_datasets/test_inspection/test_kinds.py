"""What a file is, as `mmskelseg doctor FILE` says it."""

import json

import pytest

from mmskelseg.datasets.inspection.kinds import described
from mmskelseg_io.labels.boris import write_boris_events
from mmskelseg_io.labels.segments import Segment, VideoSegments
from tests.clip_files import in_2d, in_3d, write
from tests.clips import write_video
from tests.errors import assert_names, raises_naming
from tests.small_data import save_poses, small_annotations


def written_labels(path):
    path.write_text('start,end,label\n0,1,walk\n1,3,lift\n')


def written_poses(path):
    save_poses(path, small_annotations()['annotations'][0])


def written_subjects(path):
    segments = [Segment(0, 1, 'walk', individual='ann'),
                Segment(0, 2, 'lift', individual='bob')]  # fmt: skip
    write_boris_events(path, [VideoSegments('a', segments, 10, 30)])


def written_folder(path):
    path.mkdir()
    (path / 'notes.txt').write_text('of nobody')
    written_poses(path / 'take1.npz')
    written_poses(path / 'take2.npz')


@pytest.mark.parametrize(
    ('name', 'save', 'named'),
    [
        ('ntu.pkl', lambda path: write(in_2d(), path),
         '24 clips of one class each | coco17 | in 2D | fps: 30 | xsub_train (12) | '
         'mmskelseg fit | mmskelseg make-config'),
        ('ntu.pkl', lambda path: write(in_3d(), path), 'kinect25 | in 3D | up: y'),
        ('a.pkl', lambda path: write(small_annotations(), path),
         '3 recordings | class_2 | train (2), test (1) | nothing | convert clips'),
        ('a.csv', written_labels, 'labels | csv | 2: lift, walk | --labels'),
        ('a.csv', written_subjects,
         'boris_events | individuals | ann, bob | --person each'),
        ('poses', written_folder,
         'take1.npz | 3 files | poses | segment | mmskelseg studio'),
        ('a.npz', written_poses, 'poses | npz | 60 frames | coco17 | segment'),
        ('a.mp4', lambda path: write_video(path, [9] * 20), 'video | 2.0 s | 64x48'),
        ('a.onnx', lambda path: path.touch(), 'model | mmskelseg segment INPUT'),
        ('a.py', lambda path: path.touch(), 'config | mmskelseg train'),
    ],
)  # fmt: skip
def test_a_file_is_described_with_what_can_be_done(name, save, named, tmp_path):
    save(tmp_path / name)
    assert_names(described(tmp_path / name), tmp_path / name, named, 'Next:')


def test_files_of_nobody_are_refused(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps({'some': 1}))
    with raises_naming(ValueError, path, 'start, end, label | frame, joint, x, y'):
        described(path)
    with raises_naming(FileNotFoundError, tmp_path / 'b.pkl'):
        described(tmp_path / 'b.pkl')


def test_a_folder_of_faulty_files_is_refused_for_what_is_wrong_in_the_first(tmp_path):
    for name in ('b.csv', 'a.csv'):
        (tmp_path / name).write_text('start,stop,label\n0,1,walk\n')
    (tmp_path / '.DS_Store').write_bytes(bytes(9))
    with raises_naming(ValueError, tmp_path / 'a.csv', 'stop | end'):
        described(tmp_path)
