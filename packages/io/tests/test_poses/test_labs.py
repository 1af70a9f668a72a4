"""Poses in files of other labs: SimBA, JABS, CalMS21 and MABe."""

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import read_poses, recognise
from mmskelseg_io.poses.jabs import MOUSE12
from mmskelseg_io.poses.reading import video_of
from tests.errors import raises_naming
from tests.test_labels import labs
from tests.test_poses.trackers import jabs

FRAMES, MICE = 6, 2
IDS = [[1, 2], [2, 1], [2, 0], [1, 2], [1, 2], [2, 1]]


@pytest.fixture
def mice(rng):
    """Return points (T, M, 12, 2), x before y, of whole pixels."""
    return rng.integers(1, 500, (FRAMES, MICE, 12, 2))


def test_simba_has_joints_of_animals_and_its_projects_rate(tmp_path):
    path = labs.simba(tmp_path)
    assert recognise(path) == 'simba'
    poses = read_poses(path)
    assert (poses.fps, poses.img_shape, poses.people) == (25, (480, 640), ('animal1',))
    assert poses.joints == ('nose', 'tail')
    assert poses.keypoint[0, 3].tolist() == [[103, 50], [83, 60]]
    np.testing.assert_allclose(poses.keypoint_score[0, 3], [0.9, 0.8])


def test_simba_tells_animals_apart_by_their_numbers(tmp_path):
    names = [f'{part}_{n}' for n in (1, 2) for part in ('nose', 'tail')]
    header = ['', *(f'{name}_{axis}' for name in names for axis in 'xyp'), 'speed']
    row = [0, 1, 2, 1.2, 3, 4, 0.5, 50, 60, 0.5, 70, 80, 0, 0.3]
    path = labs.rows(tmp_path / 'a.csv', [header, row])
    poses = read_poses(path)
    assert (poses.people, poses.joints) == (('animal1', 'animal2'), ('nose', 'tail'))
    assert poses.keypoint[:, 0].tolist() == [[[1, 2], [3, 4]], [[50, 60], [0, 0]]]
    np.testing.assert_allclose(poses.keypoint_score[:, 0], [[1, 0.5], [0.5, 0]])
    path.write_text(path.read_text().replace(',60,', ',x,'))
    with raises_naming(UserError, path, "line 2 | nose_2 | 'x'"):
        read_poses(path)


def test_jabs_has_mice_by_identity(mice, tmp_path):
    ids = np.array(IDS)
    path = jabs(
        tmp_path / 'take1_pose_est_v6.h5', mice,
        instance_embed_id=ids, id_mask=ids == 0,
        external_identity_mapping=np.array([7, 8]),
    )  # fmt: skip
    assert (recognise(path), video_of(path)) == ('jabs', 'take1')
    poses = read_poses(path)
    assert poses.people == ('mouse7', 'mouse8')
    assert poses.skeleton == MOUSE12
    assert (poses.keypoint[0, 0] == mice[0, 0]).all()
    assert (poses.keypoint[0, 1] == mice[1, 1]).all()
    assert (poses.keypoint[1, 2] == mice[2, 0]).all()
    # The first mouse is nowhere in frame 2.
    assert not poses.keypoint_score[0, 2].any()


def test_jabs_2_has_one_mouse(mice, tmp_path):
    poses = read_poses(jabs(tmp_path / 'take1_pose_est_v2.h5', mice[:, 0]))
    assert poses.people == ('mouse0',)
    assert (poses.keypoint[0] == mice[:, 0]).all()


def test_tracks_of_jabs_3_get_free_identities(mice, tmp_path):
    """Track 5 begins when 1 has ended, so that it is the same identity."""
    path = jabs(
        tmp_path / 'take1_pose_est_v3.h5', mice,
        instance_track_id=[[1, 2], [1, 2], [2, 0], [2, 5], [5, 2], [5, 0]],
        instance_count=[2, 2, 1, 2, 2, 1],
    )  # fmt: skip
    poses = read_poses(path)
    first = [(0, 0), (1, 0), None, (3, 1), (4, 0), (5, 0)]
    for t, at in enumerate(first):
        expected = np.zeros((12, 2)) if at is None else mice[at]
        assert (poses.keypoint[0, t] == expected).all(), t


def test_jabs_without_identities_is_refused(mice, tmp_path):
    path = jabs(tmp_path / 'take1_pose_est_v4.h5', mice)
    with raises_naming(UserError, path, '2 animals | instance_embed_id'):
        read_poses(path)
    path = jabs(path, mice, instance_embed_id=np.ones((3, 2), int), id_mask=[[0, 0]])
    with raises_naming(UserError, path, 'instance_embed_id (3, 2)'):
        read_poses(path)


def test_calms21_has_two_mice(tmp_path):
    path = labs.calms21(tmp_path, frames=5)
    assert recognise(path) == 'calms21'
    poses = read_poses(path)
    assert poses.people == ('resident', 'intruder')
    assert (poses.fps, poses.img_shape) == (30, (570, 1024))
    assert poses.joints[3] == 'neck'
    assert poses.keypoint[1, 4, 3].tolist() == [234, 53]
    assert (poses.keypoint_score == 0.5).all()


def test_several_sequences_need_their_converter(tmp_path):
    path = labs.calms21(tmp_path, videos=('a', 'b'), frames=2)
    with raises_naming(UserError, path, '2 sequences | a, b | convert calms21'):
        read_poses(path)


def test_mabe_has_joints_without_names(tmp_path):
    path = labs.mabe(tmp_path)
    with raises_naming(UserError, path, '2 joints | --skeleton'):
        read_poses(path)
    layout = {'name': 'pair', 'joints': ['a', 'b'], 'limbs': []}
    poses = read_poses(path, skeleton=layout)
    assert poses.people == ('animal1', 'animal2', 'animal3')
    assert poses.keypoint[1, 0].tolist() == [[5, 10], [7, 8]]
