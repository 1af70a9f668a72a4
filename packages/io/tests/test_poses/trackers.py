"""Small files as trackers write them, of joints (T, V, 3): x, y and score."""

import json

import numpy as np
import pytest

# Where COCO's joints are among MediaPipe's landmarks, from its documentation.
COCO_OF_33 = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
NODES = ['nose', 'ear_left', 'ear_right']
SCORER = 'DLC_resnet50_openfieldAug20shuffle1_30000'


def coco(walk, first=0, **more):
    """Return COCO results."""
    person = {'category_id': 1, 'score': 0.8, **more}
    return [
        {'image_id': first + i, 'keypoints': joints.ravel().tolist(), **person}
        for i, joints in enumerate(walk)
    ]


def mmpose_person(joints, bbox_score=0.9):
    """Return what ``split_instances`` writes; the bbox is in a list of its own."""
    return {
        'keypoints': joints[:, :2].tolist(),
        'keypoint_scores': joints[:, 2].tolist(),
        'bbox': [[90.0, 40.0, 170.0, 260.0]],
        'bbox_score': bbox_score,
    }


def mmpose(walk, first=0):
    """Return predictions of MMPoseInferencer."""
    return [
        {'frame_id': first + i, 'instances': [mmpose_person(joints)]}
        for i, joints in enumerate(walk)
    ]


def openpose(folder, number, people, ids=None):
    """Write a frame of OpenPose."""
    folder.mkdir(exist_ok=True)
    parts = ('face', 'hand_left', 'hand_right')
    empty = {f'{part}_keypoints_{axes}': [] for part in parts for axes in ('2d', '3d')}
    people = [
        {**empty, 'person_id': [-1 if ids is None else ids[i]],
         'pose_keypoints_2d': np.asarray(person).ravel().tolist()}
        for i, person in enumerate(people)
    ]  # fmt: skip
    name = f'{folder.name}_{number:012d}_keypoints.json'
    (folder / name).write_text(json.dumps({'version': 1.3, 'people': people}))


def landmarks(person):
    """Return MediaPipe's landmarks of x, y, z and visibility, (33, 4)."""
    return [dict(zip(('x', 'y', 'z', 'visibility'), p, strict=True)) for p in person]


def sleap(path, tracks, dims=None, **more):
    """Write tracks (M, T, 3, 2); older versions write no ``dims``."""
    h5py = pytest.importorskip('h5py', reason='h5py is not installed')
    lost = np.isnan(tracks[..., 0])
    data = {
        'tracks': tracks.transpose(0, 3, 2, 1),
        'track_occupancy': (~lost.all(-1)).T.astype(np.uint8),
        'point_scores': np.where(lost, np.nan, 0.75),
        'instance_scores': np.where(lost.all(-1), np.nan, 0.5),
        'node_names': np.array(NODES, 'S'),
        'track_names': np.array(['ann', 'bob'][: len(tracks)], 'S'),
        **more,
    }
    data['point_scores'] = data['point_scores'].transpose(0, 2, 1)
    with h5py.File(path, 'w') as file:
        for name, value in data.items():
            file.create_dataset(name, data=value)
        if dims:
            del file['tracks']
            file['tracks'] = tracks.transpose(1, 0, 2, 3)
            file['tracks'].attrs['dims'] = json.dumps(dims)
    return path


def deeplabcut(path, values, kind='csv', parts=NODES, people=None):
    """Write values (T, columns), as CSV or in one of pandas' formats of HDF5."""
    coords = ('x', 'y', 'likelihood')
    heads = ['scorer', 'individuals', 'bodyparts', 'coords']
    columns = [(SCORER, part, c) for part in parts for c in coords]
    if people:
        columns = [(SCORER, animal, *rest) for animal in people for _, *rest in columns]
        columns += [(SCORER, 'single', 'corner', c) for c in coords]
    else:
        heads.remove('individuals')
    values = values[:, : len(columns)]
    if kind == 'csv':
        rows = [[head, *(c[i] for c in columns)] for i, head in enumerate(heads)]
        for i, row in enumerate(values):
            rows.append([i, *('' if np.isnan(value) else value for value in row)])
        path.write_text('\n'.join(','.join(map(str, row)) for row in rows))
        return path
    for name in ('h5py', 'tables'):
        pytest.importorskip(name, reason=f'{name} is not installed')
    pandas = pytest.importorskip('pandas', reason='pandas is not installed')
    index = pandas.MultiIndex.from_tuples(columns, names=heads)
    table = pandas.DataFrame(values, columns=index)
    table.to_hdf(path, key='poses', format=kind, mode='w')
    return path


def netcdf(path, walk, **changes):
    """Write joints (T, V, 3) as movement writes them, or with changed variables."""
    xarray = pytest.importorskip('xarray', reason='xarray is not installed')
    pytest.importorskip('h5netcdf', reason='h5netcdf is not installed')
    variables = {
        'position': (
            ('time', 'keypoints', 'space', 'individuals'),
            walk[..., :2, None],
        ),
        'confidence': (('time', 'keypoints', 'individuals'), walk[..., 2, None]),
        'time': np.arange(len(walk)) / 25,
        'space': ['x', 'y'],
        'keypoints': [f'joint{i}' for i in range(walk.shape[1])],
        'individuals': ['ann'],
        **changes,
    }
    attributes = {'fps': 25.0, 'time_unit': 'seconds', 'ds_type': 'poses'}
    variables = {name: value for name, value in variables.items() if value is not None}
    dataset = xarray.Dataset(variables, attrs=attributes)
    dataset.to_netcdf(path, engine='h5netcdf')
    return path


def nwb(path, walk, times, edges=None):
    """Write joints (T, 3, 3) by ndx-pose, and behaviors in each way that NWB has.

    From the first of the times, ann walks for 0.2 s, and lifts for 0.1 s; she grooms
    from 0.1 to 0.2 s, and a tone plays at 0.3 s.
    """
    h5py = pytest.importorskip('h5py', reason='h5py is not installed')
    with h5py.File(path, 'w') as file:

        def group(name, kind, **data):
            made = file.create_group(name)
            made.attrs['neurodata_type'] = kind
            for key, value in data.items():
                made[key] = value

        poses = 'processing/behavior/PoseEstimation'
        group(poses, 'PoseEstimation', nodes=NODES, dimensions=[[320, 240]])
        if edges is not None:
            file[poses]['edges'] = edges
        for k, node in enumerate(NODES):
            series = {'data': walk[:, k, :2], 'confidence': walk[:, k, 2]}
            name = f'{poses}/{node}'
            group(name, 'PoseEstimationSeries', timestamps=times, **series)
        file['general/subject/subject_id'] = 'ann'
        bouts = times[0] + np.array([0, 0.1, 0.2, 0.3])
        group(
            'intervals/steps',
            'TimeIntervals',
            label=['walk', 'lift'],
            start_time=bouts[[0, 2]],
            stop_time=bouts[2:],
        )
        series = 'processing/behavior/epochs/groom'
        marks = np.array([1, -1], np.int8)
        group(series, 'IntervalSeries', data=marks, timestamps=bouts[1:3])
        events = {'event_type': ['tone'], 'timestamp': bouts[3:]}
        group('events/sounds', 'EventsTable', **events)
    return path


def jabs(path, points, **more):
    """Write points (T, M, 12, 2) or (T, 12, 2), x before y, of mice."""
    h5py = pytest.importorskip('h5py', reason='h5py is not installed')
    with h5py.File(path, 'w') as file:
        group = file.create_group('poseest')
        group['points'] = points[..., ::-1].astype(np.uint16)
        group['confidence'] = np.full(points.shape[:-1], 0.9, np.float32)
        for name, value in more.items():
            group[name] = np.asarray(value)
    return path
