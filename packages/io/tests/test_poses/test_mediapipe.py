"""Landmarks of MediaPipe Pose."""

import numpy as np
import pytest

from mmskelseg_io.poses import read_poses
from mmskelseg_io.poses.mediapipe import LANDMARKS, read_mediapipe
from tests.errors import raises_naming
from tests.test_poses.trackers import COCO_OF_33
from tests.test_poses.trackers import landmarks as as_dicts

SIZE = (480, 640)


@pytest.fixture
def points(rng):
    """x, y, z and visibility of three frames, (3, 33, 4)."""
    return rng.uniform((0.1, 0.1, -0.5, 0.2), (0.9, 0.9, 0.5, 1), (3, 33, 4)).round(5)


def check(poses, points, missing=()):
    expected = points[:, COCO_OF_33].copy()
    expected[list(missing)] = 0
    pixels = expected[..., :2] * SIZE[::-1]
    assert poses.skeleton == 'coco17'
    np.testing.assert_allclose(poses.keypoint[0], pixels, rtol=1e-5)
    np.testing.assert_allclose(poses.keypoint_score[0], expected[..., 3], rtol=1e-5)


@pytest.mark.parametrize('form', ['bare', 'solutions', 'tasks', 'keyed'])
def test_json_forms_hold_the_same(form, points, save_json):
    """Landmarks as such, of MessageToDict, of the Tasks API, and under a key."""
    make = {
        'bare': as_dicts,
        'solutions': lambda person: {'landmark': as_dicts(person)},
        'tasks': lambda person: {'pose_landmarks': [as_dicts(person)]},
        'keyed': lambda person: {'id': 3, 'landmarks': as_dicts(person)},
    }[form]
    frames = [make(person.tolist()) for person in points]
    frames[1] = {'pose_landmarks': []} if form == 'tasks' else None
    check(read_mediapipe(save_json(frames), SIZE), points, missing=[1])


def test_json_may_number_the_frames_that_it_has(points, save_json):
    """As of a script that appends a frame only where it finds somebody."""
    frames = [
        {'frame_idx': i, 'landmarks': as_dicts(points[i].tolist())} for i in (0, 2)
    ]
    check(read_mediapipe(save_json(frames), SIZE), points, missing=[1])


def test_json_states_size_and_rate(points, save_json):
    frames = [as_dicts(person) for person in points.tolist()]
    content = {'width': 640, 'height': 480, 'fps': 25, 'frames': frames}
    poses = read_mediapipe(save_json(content))
    assert (poses.img_shape, poses.fps) == (SIZE, 25)
    check(poses, points)


@pytest.mark.parametrize(('name', 'separator'), [('a.csv', ','), ('a.tsv', '\t')])
def test_long_table_is_read(name, separator, points, save_text):
    rows = ['frame,landmark_index,x,y,z,visibility'] + [
        ','.join(map(str, (frame, joint, *point)))
        for frame, person in enumerate(points.tolist())
        for joint, point in enumerate(person)
    ]
    path = save_text('\n'.join(rows).replace(',', separator), name)
    check(read_poses(path, img_shape=SIZE), points)


@pytest.mark.parametrize('upper', [True, False])
def test_wide_csv_is_read(upper, points, save_text):
    """In any case of the names; cells are empty if nobody was found."""
    names = [name.upper() if upper else name for name in LANDMARKS]
    axes = ('x', 'y', 'z', 'visibility')
    rows = [['frame', *(f'{name}_{axis}' for name in names for axis in axes)]]
    rows += [[i, *person.ravel()] for i, person in enumerate(points)]
    rows[2][1:] = [''] * (33 * 4)
    text = '\n'.join(','.join(map(str, row)) for row in rows)
    check(read_mediapipe(save_text(text), SIZE), points, missing=[1])


def test_landmark_with_a_number_beyond_all_is_named(points, save_text):
    """Python refuses to convert that many digits."""
    rows = [f'0,{"9" * 5000},0.5,0.5']
    path = save_text('\n'.join(['frame,landmark,x,y', *rows]))
    with raises_naming(ValueError, path, ' nose;', '99999'):
        read_mediapipe(path, SIZE)


def test_npz_is_read(points, tmp_path):
    """A frame of NaN has no person, even the last one."""
    lost = points.copy()
    lost[2] = np.nan
    np.savez(tmp_path / 'a.npz', pose_landmarks=lost)
    check(read_mediapipe(tmp_path / 'a.npz', SIZE), points, missing=[2])
    np.savez(tmp_path / 'b.npz', landmarks=points[..., :3])
    points[..., 3] = 1
    check(read_mediapipe(tmp_path / 'b.npz', SIZE), points)


def test_pixels_are_left_alone(points, tmp_path):
    points[..., :2] *= SIZE[::-1]
    np.savez(tmp_path / 'a.npz', landmarks=points)
    poses = read_mediapipe(tmp_path / 'a.npz')
    np.testing.assert_allclose(poses.keypoint[0], points[:, COCO_OF_33, :2], rtol=1e-5)
    assert poses.notes[0].endswith('in pixels')


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ([[{'x': 0.5, 'y': 0.5}] * 32], 'entry 0 | landmarks is 32 | 33'),
        ([[{'x': 0.5}] * 33], "entry 0 | 'y'"),
        ([{'pose_world_landmarks': []}], 'entry 0 | pose_world_landmarks'),
        ([7], 'entry 0 | 7, | 33'),
        ({'video': []}, 'frames'),
        ([None, None], 'person'),
        ([{'frame': '3.png', 'landmarks': []}], "entry 0 | frame is '3.png'"),
        ([{'frame': -1, 'landmarks': []}], 'entry 0 | frame is -1'),
    ],
)
def test_malformed_json_is_named(content, named, save_json):
    with raises_naming(ValueError, 'take1.json: ', named):
        read_mediapipe(save_json(content), SIZE)


@pytest.mark.parametrize(
    ('key', 'joints', 'size', 'named'),
    [
        ('landmarks', 33, None, '--size | --videos'),
        ('landmarks', 32, SIZE, 'landmarks | (1, 3, 32, 4) | 33'),
        ('hands', 33, SIZE, "'pose_landmarks' | hands"),
    ],
)
def test_arrays_at_fault_are_named(key, joints, size, named, points, tmp_path):
    np.savez(tmp_path / 'a.npz', **{key: points[:, :joints]})
    with raises_naming(ValueError, tmp_path / 'a.npz', named):
        read_mediapipe(tmp_path / 'a.npz', size)
