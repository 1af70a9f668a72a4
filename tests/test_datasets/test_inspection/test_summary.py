import json

import numpy as np
import pytest

from mmskelseg.datasets.inspection.summary import summarize
from tests.small_data import small_annotations


@pytest.fixture
def data():
    return small_annotations(lengths=(20, 30, 40))


def test_summary_counts_what_is_in_the_file(data, tmp_path):
    data['annotations'][1]['fps'] = 30
    data['annotations'][2]['img_shape'] = (100, 50)
    summary = summarize(data, tmp_path)
    assert (summary['videos'], summary['frames']) == (3, 90)
    assert summary['seconds'] == pytest.approx(2 + 1 + 4)
    assert summary['shortest'] == ('video_1', 1.0)
    assert summary['longest'] == ('video_2', 4.0)
    assert summary['fps'] == {'10': 2, '30': 1}
    assert summary['images'] == {'640x480': 2, '50x100': 1}


def test_summary_of_joints_counts_persons_who_are_there(data, tmp_path):
    """A frame without anybody is counted as such, not as 17 missing joints."""
    first, second, _ = data['annotations']
    first['keypoint_score'][0, 5:10] = 0
    second['keypoint_score'][0, :15, 9] = 0
    # A second person, half of the time.
    for key in ('keypoint', 'keypoint_score'):
        second[key] = np.concatenate([second[key], second[key]])
    second['keypoint_score'][1, 15:] = 0
    summary = summarize(data, tmp_path)
    assert summary['persons'] == {'1': 2, '2': 1}
    assert summary['frames_without_person'] == 5
    # Persons by frames: 15 + 30 + 15 + 40; the wrist is missing for both in 15.
    assert summary['missing_by_joint']['left_wrist'] == pytest.approx(30)
    assert summary['missing'] == pytest.approx(30 / 17)


def test_summary_of_classes_takes_the_median_of_their_segments(data, tmp_path):
    """Imbalance is the ratio of frames; a class without frames has no median."""
    data['metainfo']['classes'] = ['a', 'b', 'never']
    labels = ([0] * 14 + [1] * 6, [1] * 10 + [-1] * 20, [0] * 2 + [1] * 2 + [0] * 36)
    for video, label in zip(data['annotations'], labels, strict=True):
        video['label'] = np.array(label)
    summary = summarize(data, tmp_path)
    first, second, never = summary['classes']
    assert (first['frames'], first['segments'], first['videos']) == (52, 3, 2)
    assert (first['median_frames'], first['median_seconds']) == (14, 1.4)
    assert (second['frames'], second['segments'], second['videos']) == (18, 3, 3)
    assert (never['frames'], never['median_frames'], never['videos']) == (0, None, 0)
    assert summary['imbalance'] == {
        'most': 'a', 'least': 'b', 'ratio': pytest.approx(52 / 18),
    }  # fmt: skip
    assert (summary['segments'], summary['unlabelled']) == (6, 20)


def test_summary_of_splits_names_the_classes_that_one_lacks(data, tmp_path):
    """A class that the whole file lacks is not held against a split."""
    data['metainfo']['classes'] += ['never']
    data['annotations'][2]['label'][:] = 1
    data['split'] = {'train': ['video_0'], 'test': ['video_2']}
    summary = summarize(data, tmp_path)
    assert summary['splits'] == {
        'train': {'videos': 1, 'frames': 20, 'lacks': ['class_2']},
        'test': {'videos': 1, 'frames': 40, 'lacks': ['class_0', 'class_2']},
    }
    assert summary['without_split'] == ['video_1']


def test_summary_of_files_lists_those_that_are_missing(data, tmp_path):
    (tmp_path / 'a.mp4').touch()
    for video, name in zip(data['annotations'], ('a.mp4', 'b.mp4'), strict=False):
        video['filename'] = name
    assert summarize(data, tmp_path)['files'] == {'named': 2, 'missing': ['b.mp4']}


def test_summary_of_unlabelled_videos_is_plain_json(data, tmp_path):
    """Nothing is divided by zero, and no NumPy value is left."""
    for video in data['annotations']:
        video['label'][:] = -1
        video['keypoint_score'][:] = 0
        video['fps'] = np.float32(25)
        video['img_shape'] = (np.int64(480), np.int64(640))
    summary = summarize(data, tmp_path)
    assert summary['imbalance'] is None
    assert json.loads(json.dumps(summary))['missing'] == 0
