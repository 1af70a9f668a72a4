"""Rate and size of poses."""

from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.files.video import VideoFile
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses, with_rate, with_size
from tests.errors import raises_naming


def poses(frames, **options):
    keypoint = np.full((1, frames, 17, 2), 5.0)
    return Poses(keypoint, np.ones((1, frames, 17)), 'coco17', **options)


def video(frames, fps):
    return VideoFile(Path('a.mp4'), frames, fps, (48, 64))


def test_rate_of_poses_counts_before_that_of_the_video():
    file = video(60, 20.0)
    slow = with_rate(poses(30, fps=10.0), file, None, 'poses')
    assert (slow.fps, slow.keypoint.shape[1]) == (10, 30)
    assert with_rate(poses(30), file, 10.0, 'poses').fps == 10
    with raises_naming(ValueError, 'poses: ', '30 frames', '60', '20 fps', '--fps'):
        with_rate(poses(30), file, None, 'poses')
    with raises_naming(ValueError, 'poses: ', 'frame rate', '--fps'):
        with_rate(poses(30), None, None, 'poses')
    for rate in (-1, float('inf')):
        with raises_naming(ValueError, f'poses: fps is {rate},'):
            with_rate(poses(30), file, rate, 'poses')


@pytest.mark.parametrize('rate', [30.0, 29.97])
def test_rounded_rate_adds_no_frames_after_the_end_of_the_video(rate):
    """All 6000 frames have poses."""
    video_file = video(6000, 30000 / 1001)
    whole = with_rate(poses(6000, fps=rate), video_file, None, 'poses')
    assert whole.keypoint.shape[1] == 6000
    assert whole.notes == ()
    short = with_rate(poses(5990, fps=rate), video_file, None, 'poses')
    assert short.keypoint.shape[1] == 6000
    assert 'frames without people added' in short.notes[0]


@pytest.mark.parametrize(('side', 'reported'), [(4, True), (5, False)])
def test_joints_outside_the_image_are_reported(side, reported):
    """As if poses were estimated in a larger copy of the video."""
    notes = with_size(poses(3, img_shape=(side, side))).notes
    assert (
        any(f'image of {side}x{side}, up to (5, 5)' in note for note in notes)
        == reported
    )


@pytest.mark.parametrize(
    'shape', [(1, 9, 3, 2), (1, 9, 17, 3), (9, 17, 2), (1, 8, 17, 2)]
)
def test_arrays_of_wrong_shapes_are_named(shape):
    with raises_naming(UserError, f'{shape} | (1, 9, 17) | 17 joints'):
        Poses(np.zeros(shape), np.zeros((1, 9, 17)), 'coco17')
