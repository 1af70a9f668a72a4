"""Intervals of videos in a file, and data sets with labels in them alone."""

import json

import numpy as np
import pytest

from mmskelseg.datasets.intervals import (
    Interval,
    read_intervals,
    with_labels_in,
)
from mmskelseg.registry import DATASETS
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.intervals import write_intervals


def test_intervals_come_back_from_their_file(tmp_path):
    intervals = [Interval('a', 0, 10), Interval('b', 5, 6)]
    write_intervals(tmp_path / 's.json', intervals)
    assert read_intervals(tmp_path / 's.json') == intervals


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ({}, 'stretches'),
        ({'stretches': [{'video': 'a', 'start_frame': 0}]}, 'stretches[0] | end_frame'),
        (
            {'stretches': [{'video': 'a', 'start_frame': 4, 'end_frame': 4}]},
            "'a' | 4 to 4",
        ),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, content, named):
    (tmp_path / 's.json').write_text(json.dumps(content))
    with raises_naming(UserError, tmp_path / 's.json', named):
        read_intervals(tmp_path / 's.json')


def test_labels_stay_in_intervals_alone(tmp_path):
    """Videos without any are left out; those given do not change."""
    label, votes = np.arange(6), np.ones((2, 6), np.uint8)
    videos = [{'frame_dir': name, 'label': label, 'votes': votes} for name in 'abc']
    found = [Interval('a', 1, 3), Interval('a', 5, 99), Interval('c', 0, 1)]
    write_intervals(tmp_path / 's.json', found)
    kept = with_labels_in(videos, tmp_path / 's.json')
    assert [video['frame_dir'] for video in kept] == ['a', 'c']
    assert kept[0]['label'].tolist() == [-1, 1, 2, -1, -1, 5]
    assert kept[0]['votes'].tolist() == [[0, 1, 1, 0, 0, 1]] * 2
    assert label.tolist() == list(range(6))
    assert votes.all()
    with raises_naming(UserError, tmp_path / 's.json', '1 videos'):
        with_labels_in(videos[1:2], tmp_path / 's.json')


def test_dataset_ignores_labels_outside_of_intervals(small_data, tmp_path):
    """Transforms that mix videos see no others either."""
    write_intervals(tmp_path / 's.json', [Interval('video_1', 10, 14)])
    dataset = DATASETS.build(
        {
            'type': 'ActionSegDataset',
            'ann_file': str(small_data),
            'split': 'train',
            'labelled': str(tmp_path / 's.json'),
            'features': {
                'pose2d': {
                    'render': {
                        'type': 'SkeletonCoordinates',
                        'dims': 2,
                        'flatten': True,
                    },
                    'online': True,
                }
            },
            'pipeline': [{'type': 'LoadFrameFeatures'}, {'type': 'PackSegInputs'}],
        }
    )
    assert len(dataset) == 1
    label = dataset[0]['data_samples'].gt_label
    assert (label >= 0).nonzero()[:, 0].tolist() == [10, 11, 12, 13]


def test_crops_of_a_dataset_are_where_its_intervals_are(small_data, tmp_path):
    """In as many steps as the labels take, with frames of the whole recording."""
    write_intervals(tmp_path / 's.json', [Interval('video_1', 20, 24)])
    dataset = DATASETS.build(
        {
            'type': 'ActionSegDataset',
            'ann_file': str(small_data),
            'split': 'train',
            'labelled': str(tmp_path / 's.json'),
            'features': {},
            'pipeline': [],
            'crop_frames': 10,
        }
    )
    assert len(dataset) == 1
    for epoch in range(20):
        dataset.set_epoch(epoch)
        assert (dataset[0]['label'] >= 0).sum() == 4
        assert 15 <= dataset[0]['source_frames'][0] <= 19
