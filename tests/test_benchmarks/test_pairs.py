"""Recordings of two people, made of those of one."""

import numpy as np
import pytest

from benchmarks.pairs import CLASSES, FARTHEST, NEAREST, SPEEDS, Pairs
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.structures import Skeleton


@pytest.fixture
def made(tmp_path, rng):
    """What the command makes of two people in each split, in two recordings each."""
    videos = []
    for person in 'abcd':
        for take in '12':
            frames = 200 + 20 * ord(person) % 37
            pose = rng.normal([0, 0, 3], 0.3, (1, frames, 20, 3)).astype(np.float32)
            pose[:, 5:9, 3] = 0
            videos.append(
                {
                    'frame_dir': f'take{take}_{person}',
                    'total_frames': frames,
                    'img_shape': (480, 640),
                    'fps': 30.0,
                    'person': person,
                    'keypoint': pose[..., :2],
                    'keypoint_3d': pose,
                    'keypoint_score': pose.any(axis=-1).astype(np.float32),
                    'label': np.zeros(frames, np.int64),
                }
            )
    names = [video['frame_dir'] for video in videos]
    meta = {'classes': ['a'], 'skeleton': 'kinect20', 'dataset': '', 'background': None}
    data = {'annotations': videos, 'split': {'train': names[:4], 'test': names[4:]}}
    save_annotations({**data, 'metainfo': {**meta, 'up': 'y'}}, tmp_path / 'one.pkl')
    Pairs.main([str(tmp_path / 'one.pkl'), str(tmp_path / 'two.pkl')])
    Pairs.main([str(tmp_path / 'one.pkl'), str(tmp_path / 'b.pkl'), '--strangers'])
    return load_annotations(tmp_path / 'two.pkl')


def test_labels_say_how_the_distance_changes(made):
    """And the joints of both are those of different people of one split."""
    assert made['metainfo']['classes'] == CLASSES
    (root,) = Skeleton.get('kinect20').root
    for video in made['annotations']:
        x = video['keypoint_3d'][:, :, root, 0]
        apart = np.abs(x[1] - x[0])
        steps = np.diff(apart) * video['fps']
        speeds = np.array(SPEEDS)[video['label']]
        np.testing.assert_allclose(steps, speeds[1:], atol=1e-3)
        assert NEAREST - 0.1 < apart.min() < apart.max() < FARTHEST + 0.1
        assert not video['keypoint_3d'][:, 5:9, 3].any()
        names = video['frame_dir'].split('_')
        assert names[1] != names[3]
        assert video['individual'] == 0
    trained, tested = (
        {name[-1] for name in made['split'][part]} for part in ('train', 'test')
    )
    assert not trained & tested


def test_strangers_keep_the_labels_of_the_first(made, tmp_path):
    strangers = load_annotations(tmp_path / 'b.pkl')
    assert strangers['metainfo']['classes'] == ['a']
    for video, other in zip(made['annotations'], strangers['annotations'], strict=True):
        np.testing.assert_array_equal(video['keypoint'], other['keypoint'])
        assert not other['label'].any()
