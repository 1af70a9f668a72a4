"""Suspicious poses."""

import numpy as np
import pytest

from mmskelseg_io.structures.pose_checks import (
    frozen_pose,
    nobody_seen,
    swapped_bodies,
)
from tests.errors import assert_names
from tests.small_data import small_annotations

JOINTS = [f'joint_{i}' for i in range(17)]


@pytest.fixture
def walk():
    """A recording of a person."""
    return small_annotations([60])['annotations'][0]


@pytest.fixture
def two():
    """A recording of two people, 300 pixels apart, who go to the right."""
    video = small_annotations([60])['annotations'][0]
    one = video['keypoint'][:1]
    video['keypoint'] = np.concatenate([one, one + np.float32([300, 0])])
    video['keypoint_score'] = np.repeat(video['keypoint_score'][:1], 2, axis=0)
    return video


def test_bodies_that_change_places_between_frames_are_named(two):
    assert not [*swapped_bodies([two])]
    two['keypoint'][:, 25:40] = two['keypoint'][::-1, 25:40]
    # One of the jumps is seen by one body alone.
    two['keypoint_score'][1, 39:] = 0
    ((name, text),) = swapped_bodies([two])
    assert name == two['frame_dir']
    assert_names(text, 'bodies 0 and 1 | 1 time | frame 25')


def test_recording_of_several_individuals_is_named_once(two):
    two['keypoint'][:, 25:40] = two['keypoint'][::-1, 25:40]
    both = [{**two, 'frame_dir': name, 'video': 'v'} for name in ('v_a', 'v_b')]
    ((name, text),) = swapped_bodies(both)
    assert name == 'v_a'
    assert_names(text, '2 times, first in frame 25')


def test_nobody_seen_allows_a_second(walk):
    video = walk
    video['keypoint_score'][0, 10:25] = 0
    for fps, count in ((10, 1), (15, 0), (30, 0)):
        video['fps'] = fps
        assert len(list(nobody_seen(video, JOINTS))) == count


def test_frozen_pose_names_the_person(walk):
    """Of two persons the one who stands still is named, though the other moves."""
    video = walk
    still = np.broadcast_to(video['keypoint'][:, :1], video['keypoint'].shape)
    video['keypoint'] = np.concatenate([video['keypoint'], still])
    video['keypoint_score'] = np.ones(video['keypoint'].shape[:3])
    (text,) = frozen_pose(video, JOINTS)
    assert text.startswith('the pose of person 1 is the same from frame 0 to 59 ')


def test_frozen_pose_ignores_persons_who_are_absent(walk):
    video = walk
    video['keypoint'][0, 10:40] = 0
    video['keypoint_score'][0, 10:40] = 0
    assert list(frozen_pose(video, JOINTS)) == []
