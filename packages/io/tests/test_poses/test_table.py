"""Tables of joints."""

import numpy as np
import pytest

from mmskelseg_io.labels.text import read_csv_segments
from mmskelseg_io.poses import read_poses
from mmskelseg_io.poses.layouts import COCO17
from tests.errors import raises_naming


def test_long_table_is_read(walk, save_text):
    """Joints in any order; without a row, or with R's NA, one is missing."""
    rows = [
        f'{frame};{COCO17[joint]};{x};{y};{score}'
        for frame, person in enumerate(walk.tolist())
        for joint, (x, y, score) in reversed(list(enumerate(person)))
        if (frame, joint) != (2, 3)
    ]
    rows[0] = '0;right_ankle;NA;3.5;0.9'
    poses = read_poses(save_text('\n'.join(['frame;joint;x;y;score', *rows])))
    walk[2, 3] = walk[0, 16] = 0
    assert poses.skeleton == 'coco17'
    np.testing.assert_allclose(poses.keypoint[0], walk[..., :2], rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint_score[0], walk[..., 2], rtol=1e-6)


def test_decimal_commas_are_read_where_semicolons_separate(save_text):
    """As spreadsheets write in many countries."""
    header = 'frame;nose_x;nose_y;nose_score'
    poses = read_poses(save_text(f'{header}\n0;1,5;-2,25;0,5\n1;3;4;1\n'))
    np.testing.assert_allclose(poses.keypoint[0, :, 0], [[1.5, -2.25], [3, 4]])
    np.testing.assert_allclose(poses.keypoint_score[0, :, 0], [0.5, 1])
    path = save_text('start;end;label\n0;1,5;walk, then lift\n1,5;2;lift\n', 'a.csv')
    (video,) = read_csv_segments(path)
    assert [(s.end, s.label) for s in video.segments] == [
        (1.5, 'walk, then lift'), (2, 'lift'),
    ]  # fmt: skip


def test_commas_of_texts_and_thousands_stay(save_text):
    path = save_text('start;end;label\n0;1;a,b\n1;2;2,5\n', 'a.csv')
    (video,) = read_csv_segments(path)
    assert [segment.label for segment in video.segments] == ['a,b', '2,5']
    path = save_text('start\tend\tlabel\n0\t1,200\twalk\n', 'b.tsv')
    with raises_naming(ValueError, path, 'line 2', 'end', "'1,200'"):
        read_csv_segments(path)


def test_wide_table_is_read_as_sleap_writes_it(save_text):
    """Track after track."""
    poses = read_poses(
        save_text(
            'track,frame_idx,instance.score,nose.x,nose.y,nose.score,tail.x,tail.y,'
            'tail.score\nann,0,0.9,1,2,0.5,3,4,0.6\nann,1,0.9,5,6,0.7,,,\n'
            'bob,1,0.8,7,8,1,9,10,1\n'
        )
    )
    assert poses.people == ('ann', 'bob')
    assert poses.joints == ('nose', 'tail')
    np.testing.assert_allclose(poses.keypoint[0], [[[1, 2], [3, 4]], [[5, 6], [0, 0]]])
    np.testing.assert_allclose(poses.keypoint_score[:, 1], [[0.7, 0], [1, 1]])
    assert '--skeleton' in poses.notes[0]


def test_joints_get_the_lines_of_a_model(save_text):
    """Whose layout counts, so that nothing has to be noted."""
    path = save_text('frame_idx,nose.x,nose.y,tail.x,tail.y\n0,1,2,3,4\n1,5,6,7,8\n')
    layout = {'joints': ['nose', 'tail'], 'limbs': [['nose', 'tail']]}
    assert read_poses(path, unnamed=layout).notes == ()


def test_joints_placed_by_hand_have_no_score_and_are_certain(save_text):
    """As in SLEAP's tables of corrected labels."""
    poses = read_poses(
        save_text(
            'track,frame_idx,instance.score,a.x,a.y,a.score,b.x,b.y,b.score\n'
            ',0,nan,205.9,187.8,,,,\n,2,0.9,206.1,187.5,0.8,278.6,203.3,nan\n'
        )
    )
    np.testing.assert_allclose(poses.keypoint_score[0], [[1, 0], [0, 0], [0.8, 1]])


@pytest.mark.parametrize(('first', 'told'), [(0, False), (1, True), (7, False)])
def test_frames_that_seem_to_be_numbered_from_one_are_told(first, told, save_text):
    """They are taken from 0, so that poses are a frame late."""
    rows = ''.join(f'{first + i},1,2\n' for i in range(3))
    poses = read_poses(save_text(f'frame,nose_x,nose_y\n{rows}'))
    assert poses.keypoint.shape[1] == first + 3
    assert any('from 0' in note for note in poses.notes) == told


def test_columns_of_a_joint_that_are_not_read_are_told(save_text):
    """As a score under another name, without which joints count as certain."""
    poses = read_poses(save_text('frame,time,nose_x,nose_y,nose_p\n0,0,1,2,0.1\n'))
    (note,) = [note for note in poses.notes if 'nose_p' in note]
    assert 'time' not in note


def test_numbered_joints_are_counted(save_text):
    """Numerically: 2 comes before 10."""
    header = ','.join(f'{i}_x,{i}_y' for i in (10, 2, *range(2), *range(3, 10)))
    values = ','.join(str(i) for i in range(22))
    path = save_text(f'frame,{header}\n0,{values}\n')
    layout = {'joints': 11, 'limbs': []}
    poses = read_poses(path, skeleton=layout)
    np.testing.assert_array_equal(poses.keypoint[0, 0, [2, 10]], [[2, 3], [0, 1]])
    assert (poses.keypoint_score == 1)[0, 0, 1:].all()
    with raises_naming(ValueError, path, '11 joints', '--skeleton'):
        read_poses(path)
    name = '9' * 5000
    with raises_naming(ValueError, 'custom', '99999', '2000 joints') as error:
        read_poses(save_text(f'frame,{name}_x,{name}_y\n0,1,2\n'))
    assert name not in str(error.value)


@pytest.mark.parametrize(
    ('text', 'named'),
    [
        ('frame,nose_x\n0,1\n', 'frame, nose_x;'),
        ('frame,nose_x,nose_y\n', '1 rows'),
        ('frame,nose_x,nose_y\n0,1\n', 'line 2 | 2 cells | 3;'),
        ('frame,nose_x,nose_y\n0,1,a\n', "line 2 | nose_y | 'a'"),
        ('frame,nose_x,nose_y\n0.5,1,2\n', "line 2 | frame | '0.5'"),
        ('frame,nose_x,nose_y\n,1,2\n', "line 2 | frame | ''"),
        ('frame,joint,x,y\n0,nose,1,2\n0,nose,3,4\n', 'line 3 | nose'),
        ('frame,nose_x,nose_y\n0,1,2\n0,1,2\n', 'line 3 | frame 0 | `person`'),
        ('frame,person,a_x,a_y\n0,m,1,2\n0,m,1,2\n', 'person m | frame 0'),
        ('frame,nose_x,nose_y\n0,0.2,0.4\n1,1,0.5\n', 'exceeds 1'),
    ],
)  # fmt: skip
def test_malformed_table_is_named(text, named, save_text):
    path = save_text(text)
    with raises_naming(ValueError, path, named):
        read_poses(path)
