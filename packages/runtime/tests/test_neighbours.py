"""Files that are exchanged with movement and NWB."""

import importlib.util
import sys
from dataclasses import replace

import numpy as np
import pytest

from mmskelseg_io.files.netcdf import Dataset, Variable
from mmskelseg_io.inputs import PoseInput
from mmskelseg_io.labels import read_segments
from mmskelseg_io.labels.nwb import write_nwb
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import read_poses
from mmskelseg_io.structures.tiers import flat_classes
from mmskelseg_runtime.segmenting.exports import video_segments, write_exports
from mmskelseg_runtime.segmenting.inputs import InputReader
from mmskelseg_runtime.segmenting.predictions import to_prediction
from mmskelseg_runtime.segmenting.sources import find_sources
from tests.errors import raises_naming
from tests.test_poses import trackers

NEEDS = {'movement': ('xarray', 'h5netcdf'), 'nwb': ('pynwb', 'ndx_pose')}
# Names that are no words, collide as words, or are those of variables.
TIERS = {'behaviour': ['walk', 'lift'], 'a/b': ['rest', 'reach'], 'a b': ['look']}
needs_movement = pytest.mark.skipif(
    importlib.util.find_spec('movement') is None,
    reason="movement is not installed (pip install 'mmskelseg[movement]')",
)


@pytest.fixture
def walk():
    """Joints of a mouse, of which one is missing in a frame, (T, 3, 3)."""
    walk = np.random.default_rng(2).uniform((10, 10, 0.5), (90, 90, 1), (30, 3, 3))
    walk[4, 1] = 0
    return walk.astype(np.float32)


def predicted(walk, tiers=None, **more):
    """Return a prediction for one of several people, at an odd frame rate."""
    label = np.repeat([0, 1, -1, 0], [8, 7, 5, 10])
    meta = {'classes': ['walk', 'lift']}
    score = np.full((2, 30), 0.5, np.float32)
    if tiers:
        meta = {'classes': flat_classes(tiers), 'tiers': tiers}
        label = np.stack([label, np.repeat([1, 0], [3, 27]), label.clip(max=0)])
        score = np.full((5, 30), 0.5, np.float32)
    video = {
        'frame_dir': 'take',
        'fps': 29.97,
        'total_frames': 30,
        'img_shape': (96, 128),
        'skeleton': {'joints': ['nose', 'hip', 'tail'], 'limbs': [[0, 1], [1, 2]]},
        'keypoint': walk[None, ..., :2],
        'keypoint_score': walk[None, ..., 2],
        **more,
    }
    return to_prediction(video, {'pred_label': label, 'pred_score': score}, meta)


@pytest.mark.parametrize('tiers', [None, TIERS], ids=['one tier', 'tiers'])
@pytest.mark.parametrize('format', NEEDS)
def test_poses_and_segments_come_back_equal(format, tiers, walk, tmp_path):
    for package in NEEDS[format]:
        pytest.importorskip(package, reason=f'{package} is not installed')
    made = predicted(walk, tiers, person='ann', video='take')
    single = format != 'movement'
    (path,) = write_exports(made if single else [made], tmp_path, [format])
    poses = read_poses(path)
    np.testing.assert_array_equal(poses.keypoint, made['keypoint'])
    np.testing.assert_array_equal(poses.keypoint_score, made['keypoint_score'])
    assert (poses.fps, poses.people, poses.img_shape) == (29.97, ('ann',), (96, 128))
    assert poses.joints == ('nose', 'hip', 'tail')
    (video,) = read_segments(path, subject='each')
    expected = video_segments(made).segments
    if format == 'movement':
        # Probabilities are those of frames.
        expected = [replace(one, score=None) for one in expected]
    assert {*video.segments} == {*expected}
    assert (video.fps, video.num_frames) == (29.97, 30)


def test_people_of_a_video_share_a_dataset(walk, tmp_path):
    xarray = pytest.importorskip('xarray', reason='xarray is not installed')
    pytest.importorskip('h5netcdf', reason='h5netcdf is not installed')
    people = [predicted(walk, person=name, video='take') for name in ('ann', 'bob')]
    people[1]['pred_label'] = 1 - people[0]['pred_label'].clip(0)
    (path,) = write_exports(people, tmp_path, ['movement'])
    dataset = xarray.load_dataset(path, engine='h5netcdf')
    assert dataset.position.dims == ('time', 'space', 'keypoints', 'individuals')
    assert np.isnan(dataset.position.sel(keypoints='hip', individuals='ann')[4]).all()
    label = dataset.behaviour.sel(individuals='bob').isel(time=[0, 8])
    assert dataset.classes[label].values.tolist() == ['lift', 'walk']
    assert dataset.score.sel(classes='walk', individuals='ann').shape == (30,)
    (video,) = read_segments(path, subject='bob')
    assert [one.label for one in video.segments] == ['lift', 'walk', 'lift']
    # The object itself may take the place of its file.
    (source,), (given,) = find_sources([dataset]), find_sources(walk, poses=dataset)
    for poses in (source.poses, given.poses):
        assert (poses.people, poses.fps) == (('ann', 'bob'), 29.97)
        np.testing.assert_array_equal(poses.keypoint, read_poses(path).keypoint)


def test_joints_in_3d_are_read_and_written(walk, tmp_path):
    """What is seen in no coordinate is missing; pictures have x and y in proportion."""
    points = walk - [50, 50, 0]
    points[4, 1, 2] = np.nan
    axes = ('time', 'keypoints', 'space', 'individuals')
    space = {'position': (axes, points[..., None]), 'space': ['x', 'y', 'z']}
    file = trackers.netcdf(tmp_path / 'a.nc', walk, **space)
    poses = read_poses(file)
    seen = np.isfinite(points).all(axis=-1)
    np.testing.assert_allclose(poses.keypoint_3d[0][seen], points[seen], rtol=1e-6)
    assert not poses.keypoint_3d[0][~seen].any()
    assert not poses.keypoint_score[0][~seen].any()
    step = (
        np.diff(poses.keypoint[0][seen], axis=0) / np.diff(points[seen], axis=0)[:, :2]
    )
    np.testing.assert_allclose(step, step[0, 0], rtol=1e-3)
    arrays = {'keypoint': poses.keypoint, 'keypoint_score': poses.keypoint_score}
    made = predicted(walk, keypoint_3d=poses.keypoint_3d, **arrays)
    (path,) = write_exports([made], tmp_path, ['movement'])
    np.testing.assert_array_equal(read_poses(path).keypoint_3d, poses.keypoint_3d)
    # The person that is chosen, and the joints of a model, are in 3D as well.
    reader = InputReader(made['skeleton'], ('walk',), True, False, None, PoseInput())
    (video,) = reader.read(*find_sources(path))
    assert video['keypoint_3d'].shape == (1, 30, 3, 3)


def test_part_of_a_dataset_keeps_its_frames(walk, tmp_path):
    """Rows from 0.2 s on at 25 fps are frames from 5 on."""
    later = np.arange(5, 35) / 25
    unsure = np.full((30, 3, 1), np.nan)
    changes = {
        'time': later,
        'confidence': (('time', 'keypoints', 'individual'), unsure),
    }
    # The singular of later releases.
    poses = read_poses(trackers.netcdf(tmp_path / 'a.nc', walk, **changes))
    assert poses.keypoint.shape == (1, 35, 3, 2)
    assert not poses.keypoint_score[:, :5].any()
    np.testing.assert_array_equal(poses.keypoint[0, 5:], walk[..., :2])
    assert (poses.keypoint_score[0, 5:] == 1).all()


def test_boxes_are_a_joint_in_their_middle(walk, tmp_path):
    axes = ('time', 'space', 'individuals')
    changes = {'position': (axes, walk[:, 0, :2, None]), 'confidence': None}
    changes |= {'shape': (axes, np.full((30, 2, 1), 4.0)), 'keypoints': None}
    poses = read_poses(trackers.netcdf(tmp_path / 'a.nc', walk, **changes))
    assert poses.joints == ('centroid',)
    x, y = walk[0, 0, :2]
    np.testing.assert_allclose(poses.person_box[0, 0], [x - 2, y - 2, x + 2, y + 2])


@pytest.mark.parametrize(
    ('changes', 'named'),
    [
        ({'position': None}, 'position | confidence'),
        ({'space': ['x', 'z']}, "['x', 'z']"),
        ({'time': np.zeros(30)}, '[0.0, 0.0, 0.0, 0.0, 0.0]'),
        ({'time': np.full(30, np.nan)}, 'nan'),
        ({'keypoints': ['nose', 'nose', 'tail']}, "keypoints | ['nose', 'nose'"),
        ({'position': (('time', 'view'), np.ones((30, 2)))}, 'view | individuals'),
    ],
)
def test_faults_of_a_dataset_are_named(changes, named, walk, tmp_path):
    path = trackers.netcdf(tmp_path / 'a.nc', walk, **changes)
    with raises_naming(UserError, path, named):
        read_poses(path)


def test_times_far_from_the_first_frame_are_refused():
    """Which would be billions of frames."""
    time = Variable(('time',), np.array([1e9, 1e9 + 1]))
    with raises_naming(UserError, 'a.nc', '1000000000.0'):
        Dataset('a.nc', {'time': time}, {}).frames(2)


def test_dataset_without_predictions_is_no_file_of_labels(walk, tmp_path):
    path = trackers.netcdf(tmp_path / 'a.nc', walk)
    with raises_naming(UserError, path, 'behaviour', 'individuals'):
        read_segments(path)


def test_nwb_counts_from_the_first_pose_and_keeps_gaps(walk, tmp_path):
    """A session whose camera starts after 5 s, and loses its frames 3 and 4."""
    times = 5 + np.delete(np.arange(12), [3, 4]) / 10
    path = trackers.nwb(tmp_path / 'a.nwb', walk[:10], times, [[0, 1]])
    poses = read_poses(path)
    assert (poses.fps, poses.img_shape, poses.people) == (10, (240, 320), ('ann',))
    assert poses.skeleton['limbs'] == [[0, 1]]
    assert not poses.keypoint_score[0, 3:5].any()
    np.testing.assert_array_equal(poses.keypoint[0, 5:], walk[3:10, :, :2])
    (video,) = read_segments(path)
    assert (video.fps, video.num_frames) == (10, 12)
    found = {(one.tier, one.label): (one.start, one.end) for one in video.segments}
    expected = {
        ('steps', 'walk'): (0, 0.2),
        ('steps', 'lift'): (0.2, 0.3),
        ('epochs', 'groom'): (0.1, 0.2),
        ('sounds', 'tone'): (0.3, 0.3),
    }
    assert found.keys() == expected.keys()
    for key, both in expected.items():
        assert found[key] == pytest.approx(both)


@pytest.mark.parametrize(
    ('place', 'value', 'named'),
    [
        ('processing/behavior/PoseEstimation/nodes', ['a', 'b'], "['a', 'b'] | nose"),
        ('processing/behavior/PoseEstimation/nose/data', np.ones((10, 3)), '(10, 3)'),
        ('processing/behavior/PoseEstimation/nose/timestamps', [3, 2], 'nose | (2,)'),
        ('processing/behavior/epochs/groom/data', [1, 1], 'groom | [1, 1]'),
        ('intervals/steps/label', ['walk'], 'steps | 1'),
        ('intervals/steps/stop_time', [1.0, np.nan], 'steps, row 1 | nan'),
    ],
)
def test_faults_of_nwb_are_named(place, value, named, walk, tmp_path):
    path = trackers.nwb(tmp_path / 'a.nwb', walk[:10], np.arange(10) / 10)
    import h5py

    with h5py.File(path, 'a') as file:
        del file[place]
        file[place] = value
    read = read_poses if 'PoseEstimation' in place else read_segments
    with raises_naming(UserError, path, named):
        read(path)


@pytest.mark.parametrize('format', NEEDS)
def test_prediction_without_segments_is_written(format, walk, tmp_path):
    for package in NEEDS[format]:
        pytest.importorskip(package, reason=f'{package} is not installed')
    made = predicted(walk)
    made |= {'pred_label': np.full(30, -1), 'segments': []}
    (path,) = write_exports(made, tmp_path, [format])
    assert len(read_poses(path).keypoint[0]) == 30
    if format == 'movement':
        with raises_naming(UserError, path):
            read_segments(path)


def test_validators_of_nwb_accept_what_is_written(walk, tmp_path):
    """But for the subject of the session, which a user adds as in docs/nwb.md."""
    for package in (*NEEDS['nwb'], 'nwbinspector'):
        pytest.importorskip(package, reason=f'{package} is not installed')
    import pynwb
    from nwbinspector import inspect_nwbfile

    made, path = predicted(walk, TIERS), tmp_path / 'take.nwb'
    write_nwb(path, video_segments(made), made)
    facts = {'species': 'Mus musculus', 'sex': 'F', 'age': 'P90D'}
    with pynwb.NWBHDF5IO(path, 'a') as file:
        session = file.read()
        session.subject = pynwb.file.Subject(subject_id='ann', **facts)
        file.write(session)
    assert not pynwb.validate(path=path)
    found = [one.importance.name for one in inspect_nwbfile(nwbfile_path=path)]
    assert {*found} <= {'BEST_PRACTICE_SUGGESTION'}


def test_nwb_of_a_real_session_is_read_as_by_pynwb(shared):
    for package in NEEDS['nwb']:
        pytest.importorskip(package, reason=f'{package} is not installed')
    import pynwb

    path = shared / 'data' / 'ethome' / 'sample_nwb_.nwb'
    poses = read_poses(path)
    assert poses.keypoint.shape == (1, 2330, 4, 2)
    with pynwb.NWBHDF5IO(path, 'r') as file:
        series = file.read().processing['behavior']['PoseEstimation']
        for k, joint in enumerate(poses.joints):
            own = series.pose_estimation_series[joint]
            np.testing.assert_array_equal(poses.keypoint[0, :, k], np.float32(own.data))


def test_file_for_movement_names_the_package_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'movement', None)
    path = tmp_path / 'a.slp'
    path.touch()
    with raises_naming(RuntimeError, path, 'pip install movement'):
        read_poses(path, 'movement')


@needs_movement
@pytest.mark.parametrize('name', ['sample_sleap.h5', 'openfield_dlc_inference_*.csv'])
def test_movement_reads_as_we_do(name, shared):
    (path,) = (shared / 'data' / 'ethome').glob(name)
    ours, theirs = read_poses(path), read_poses(path, 'movement')
    assert ours.joints == theirs.joints
    np.testing.assert_array_equal(ours.keypoint, theirs.keypoint)


@needs_movement
def test_movement_reads_what_is_written_here(walk, tmp_path):
    import xarray
    from movement.io import load_poses, save_poses
    from movement.validators.datasets import ValidPosesInputs

    made = predicted(walk)
    paths = write_exports(made, tmp_path, ['movement', 'nwb'])
    dataset = xarray.load_dataset(paths[0])
    ValidPosesInputs.validate(dataset)
    of_nwb = load_poses.from_nwb_file(paths[1]).sel(keypoints=dataset.keypoints)
    np.testing.assert_array_equal(of_nwb.position, dataset.position)
    np.testing.assert_allclose(of_nwb.time, dataset.time)
    save_poses.to_dlc_file(dataset, tmp_path / 'takeDLC.csv', split_individuals=False)
    back = read_poses(tmp_path / 'takeDLC.csv')
    np.testing.assert_array_equal(back.keypoint, made['keypoint'])


@needs_movement
def test_tracks_of_via_are_read_through_movement(tmp_path):
    path = tmp_path / 'take.csv'
    rows = ['filename,file_size,file_attributes,region_count,region_id,'
            'region_shape_attributes,region_attributes']  # fmt: skip
    for t in range(3):
        box = f'{{""name"":""rect"",""x"":{10 + t},""y"":20,""width"":6,""height"":8}}'
        rows.append(f'take_{t:04d}.png,1,"{{}}",1,0,"{box}","{{""track"":""7""}}"')
    path.write_text('\n'.join(rows) + '\n')
    poses = read_poses(path)
    assert (poses.joints, poses.people) == (('centroid',), ('id_7',))
    assert poses.keypoint[0, :, 0].tolist() == [[13, 24], [14, 24], [15, 24]]
    assert poses.person_box[0, 0].tolist() == [10, 20, 16, 28]
