import os
import sys

import cv2
import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.features import ReadVideoFrames
from tests.clips import write_video
from tests.errors import raises_naming


@pytest.fixture
def video(tmp_path):
    """Ten frames that grow lighter by 20, and the item that names them."""
    path = write_video(tmp_path / 'a.mp4', range(20, 220, 20))
    return {'frame_dir': 'a', 'filename': str(path), 'total_frames': 10, 'fps': 10.0}


def greys(images):
    return np.rint(images.mean(axis=(1, 2, 3)) * 255 / 20) * 20


def test_frames_are_aligned_by_index(video):
    """Image i is frame i, in values from 0 to 1 and the size that was asked for."""
    images = ReadVideoFrames(size=(12, 16))(dict(video))['imgs']
    assert images.shape == (10, 3, 12, 16)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(greys(images), range(20, 220, 20))


def test_blocks_are_the_whole_in_parts(video):
    reader = ReadVideoFrames(size=None)
    blocks = list(reader.blocks(video, 4))
    assert [len(block) for block in blocks] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), reader(dict(video))['imgs'])


@pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no such files')
@pytest.mark.parametrize('use', ['check', 'source', '__call__'])
def test_pipe_is_refused_at_once(video, tmp_path, use):
    """Reading it would wait for a writer forever."""
    os.mkfifo(tmp_path / 'pipe.mp4')
    video['filename'] = str(tmp_path / 'pipe.mp4')
    with raises_naming(UserError, video['filename']):
        getattr(ReadVideoFrames(), use)(video)


def test_colours_are_red_green_blue(tmp_path):
    path = tmp_path / 'red.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 5, (32, 32))
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 2] = 255
    writer.write(red)
    writer.release()
    item = {'frame_dir': 'r', 'filename': str(path), 'total_frames': 1, 'fps': 5}
    images = ReadVideoFrames()(item)['imgs']
    means = images.mean(axis=(0, 2, 3))
    assert means[0] > 0.9
    assert means[1:].max() < 0.1


@pytest.mark.parametrize(
    ('fps', 'expected'),
    [
        # Twice as many labels: each frame twice, a label in the middle takes the later.
        (20.0, [20, 40, 40, 60, 60, 80, 80, 100, 100, 120]),
        # Half as many: every second frame.
        (5.0, [20, 60, 100, 140, 180]),
    ],
)
def test_frames_are_aligned_by_time(video, fps, expected):
    """A label takes the frame shown nearest to its own time."""
    count = 20 if fps == 20 else 5
    item = {**video, 'fps': fps, 'total_frames': count}
    images = ReadVideoFrames(align='fps')(item)['imgs']
    assert len(images) == count
    np.testing.assert_array_equal(greys(images)[: len(expected)], expected)


def test_frames_by_time_follow_real_time_stamps(shared):
    """A file of a varying rate is read by its stamps, not by its mean rate."""
    path = shared / 'data' / 'videos' / 'demo_skeleton.mp4'
    capture = cv2.VideoCapture(str(path))
    times, frames = [], []
    while capture.grab():
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        frames.append(cv2.resize(capture.retrieve()[1], (32, 24)))
    capture.release()
    assert np.ptp(np.diff(times)) > 0.01
    item = {'frame_dir': 'd', 'filename': str(path), 'total_frames': 60, 'fps': 24.0}
    images = ReadVideoFrames(size=(24, 32), align='fps')(item)['imgs']
    for i in range(60):
        nearest = np.argmin(np.abs(np.array(times) - i / 24))
        expected = frames[nearest][..., ::-1].transpose(2, 0, 1) / 255
        # Resized by another filter: the frame is the one that is meant.
        errors = [
            np.abs(images[i] - f[..., ::-1].transpose(2, 0, 1) / 255).mean()
            for f in frames
        ]
        assert errors[nearest] == pytest.approx(min(errors), abs=2e-3), i
        assert np.abs(images[i] - expected).mean() < 0.05


def test_labels_of_two_seconds_each_end_with_their_video(tmp_path):
    """The last frame of the video is shown for a tenth of a second, not for two."""
    path = write_video(tmp_path / 'a.mp4', [100] * 100)
    item = {'frame_dir': 'a', 'filename': str(path), 'total_frames': 5, 'fps': 0.5}
    assert len(ReadVideoFrames(align='fps')(item)['imgs']) == 5


@pytest.mark.parametrize('labels', [9, 11])
def test_another_number_of_frames_is_refused(video, labels):
    """By index, both before all work and while reading."""
    item = {**video, 'total_frames': labels}
    named = f"a.mp4 | 10 frames | video a | {labels} labels | align='fps'"
    with raises_naming(ValueError, named):
        ReadVideoFrames().check(item)
    with raises_naming(ValueError, named):
        ReadVideoFrames()(dict(item))


@pytest.mark.parametrize('labels', [30, 300])
def test_another_duration_is_refused(tmp_path, labels):
    """By time, more than a second too much or too little is an error."""
    path = write_video(tmp_path / 'a.mp4', [100] * 100)
    item = {'frame_dir': 'a', 'filename': str(path), 'total_frames': labels, 'fps': 10}
    reader = ReadVideoFrames(align='fps')
    named = f'{path} | 10.0 s | video a | {labels / 10} s'
    with raises_naming(ValueError, named):
        reader.check(item)
    with raises_naming(ValueError, named):
        reader(dict(item))


def test_missing_video_names_file_and_remedy(video, tmp_path):
    item = {**video, 'filename': str(tmp_path / 'b.mp4')}
    with raises_naming(FileNotFoundError, item['filename'], '`filename`', 'video a;'):
        ReadVideoFrames().check(item)
    with raises_naming(ValueError, 'video a', '`filename`'):
        ReadVideoFrames().check({'frame_dir': 'a', 'total_frames': 1, 'fps': 1})


def test_file_that_is_no_video_is_refused(video, tmp_path):
    (tmp_path / 'b.mp4').write_bytes(b'no video' * 100)
    item = {**video, 'filename': str(tmp_path / 'b.mp4')}
    with raises_naming(ValueError, item['filename'], 'ffmpeg'):
        ReadVideoFrames().check(item)


def test_flip_mirrors_columns(video):
    plain = ReadVideoFrames(size=None)(dict(video))['imgs']
    changed = ReadVideoFrames(size=None)({**video, 'flip': True})['imgs']
    np.testing.assert_array_equal(changed, plain[..., ::-1])


def test_source_tells_files_and_timing_apart(video, tmp_path):
    """Equal files agree; another content does not, nor another rate by time."""

    def source(item, align='index'):
        parts = ReadVideoFrames(align=align).source(item)
        return b''.join(part.tobytes() for part in parts)

    other = write_video(tmp_path / 'b.mp4', [20, *range(41, 221, 20)])
    assert source(video) == source(dict(video))
    assert source(video) != source({**video, 'filename': str(other)})
    slower = {**video, 'fps': 12.5}
    assert source(video) == source(slower)
    assert source(video, 'fps') != source(slower, 'fps')
