"""Keypoint results in COCO's format."""

import numpy as np
import pytest

from mmskelseg_io.poses import read_poses
from mmskelseg_io.poses.coco import read_coco
from tests.errors import raises_naming
from tests.test_poses.trackers import coco as entries


@pytest.mark.parametrize('first', [0, 1])
def test_frames_are_numbered_by_image_id(first, walk, save_json):
    """From 0 or 1, in any order; frames in which nobody was found are missing."""
    content = entries(walk, first)
    del content[2]
    poses = read_poses(save_json(content[::-1]))
    walk[2] = 0
    assert poses.skeleton == 'coco17'
    assert poses.notes[0] == f'frames are numbered by image_id, from {first}'
    np.testing.assert_allclose(poses.keypoint[0], walk[..., :2], rtol=1e-6)
    np.testing.assert_allclose(poses.keypoint_score[0], walk[..., 2], rtol=1e-6)


def test_first_frame_without_people_must_be_reported(walk, save_json):
    path = save_json(entries(walk, first=3))
    with raises_naming(ValueError, path, 'image_id', ' 3;', '--first-frame'):
        read_coco(path)
    assert read_coco(path, first_frame=1).keypoint.shape[1] == 8
    assert not read_coco(path, first_frame=1).keypoint_score[0, :2].any()


def test_file_names_and_tracks_are_read(walk, save_json):
    """As in AlphaPose's results."""
    content = entries(walk, idx=5) + entries(walk, idx=2)
    for entry in content:
        entry['image_id'] = f'frame_{entry["image_id"]:06d}.jpg'
    poses = read_coco(save_json(content))
    assert poses.people == ('5', '2')
    assert poses.keypoint.shape == (2, 6, 17, 2)


def test_tracks_of_alphapose_stand_in_lists(walk, save_json):
    """A list names the merged detections; without tracking, all are 0."""
    content = entries(walk, idx=[3.0]) + entries(walk, idx=[1.0, 7.0])
    assert read_coco(save_json(content)).people == ('3', '1')
    content = entries(walk, idx=[0.0]) + entries(walk, idx=[0.0])
    poses = read_coco(save_json(content))
    assert poses.people == ()
    assert poses.keypoint.shape == (2, 6, 17, 2)
    content = entries(walk, idx=[[4.0]]) + entries(walk, idx=[])
    assert read_coco(save_json(content)).people == ()


def test_flags_are_not_scores(walk, save_json):
    """If all are 0, 1 or 2, both 1 and 2 mean that a joint is present."""
    walk[..., 2] = 2
    walk[:, 3, 2], walk[:, 4, 2] = 0, 1
    score = read_coco(save_json(entries(walk))).keypoint_score
    np.testing.assert_array_equal(np.unique(score), [0, 1])
    assert not score[0, :, 3].any()
    assert score[0, :, 4].all()


@pytest.mark.parametrize(('change', 'named'), [
    (lambda e: e[1].pop('image_id'), '[1] | image_id'),
    (lambda e: e[1].update(image_id='walk.jpg'), "image_id | 'walk.jpg'"),
    (lambda e: e[1].update(category_id=3), '[1, 3]'),
    (lambda e: e[1]['keypoints'].pop(), '50 numbers | 51'),
    (lambda e: e[1].update(image_id=397133), '397133'),
    (lambda e: e.clear(), 'list'),
    (lambda e: [entry.update(track_id=1, image_id=0) for entry in e],
     'person 1 | frame 0'),
])  # fmt: skip
def test_malformed_results_are_named(change, named, walk, save_json):
    content = entries(walk)
    change(content)
    with raises_naming(ValueError, 'take1.json: ', named):
        read_coco(save_json(content))


def test_data_set_is_no_results(walk, save_json):
    path = save_json({'images': [], 'annotations': entries(walk), 'categories': []})
    with raises_naming(ValueError, path, 'image_id, category_id, keypoints'):
        read_coco(path)
