"""Reading what video files state, and writing them whole."""

import numpy as np
import pytest

from mmskelseg.runtime.files.video import VideoFile, read_frames, written_video
from tests.errors import raises_naming


def write(path, frames=12, fps=12.5):
    with written_video(path, fps, (32, 48)) as put:
        for i in range(frames):
            put(np.full((32, 48, 3), 10 * i, np.uint8))


def test_file_states_what_was_written(tmp_path):
    path = tmp_path / 'new' / 'a.mp4'
    write(path)
    file = VideoFile.open(path)
    assert (file.frames, file.fps, file.img_shape) == (12, 12.5, (32, 48))
    assert file.count() == 12
    assert file.seconds == pytest.approx(0.96)
    brightness = [image.mean() for image in read_frames(path)]
    np.testing.assert_allclose(brightness, 10 * np.arange(12), atol=5)


def test_video_that_cannot_be_read_back_is_not_kept(tmp_path, monkeypatch):
    short = VideoFile(tmp_path / 'a.mp4', 1, 12.5, (32, 48))
    monkeypatch.setattr(VideoFile, 'open', lambda path: short)
    with raises_naming(OSError, short.path, '2 frames'):
        write(short.path, frames=2)
    assert list(tmp_path.iterdir()) == []


def test_stopped_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.mp4'
    write(path)
    before = path.read_bytes()
    with pytest.raises(AssertionError), written_video(path, 10, (32, 48)) as put:
        put(np.zeros((48, 32, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_faulty_files_are_told(tmp_path):
    with raises_naming(FileNotFoundError, tmp_path / 'gone.mp4'):
        VideoFile.open(tmp_path / 'gone.mp4')
    (tmp_path / 'text.mp4').write_text('no video')
    with raises_naming(ValueError, tmp_path / 'text.mp4', 'ffmpeg'):
        VideoFile.open(tmp_path / 'text.mp4')


def test_h264_is_written_where_pyav_is_installed(tmp_path):
    """It has the frames and the rate of the other codec, and stops as cleanly."""
    pytest.importorskip('av', reason='PyAV is not installed')
    path = tmp_path / 'a.mp4'
    with written_video(path, 29.97, (32, 48), 'avc1') as put:
        for i in range(12):
            put(np.full((32, 48, 3), 10 * i, np.uint8))
    file = VideoFile.open(path)
    assert (file.frames, file.img_shape) == (12, (32, 48))
    assert file.fps == pytest.approx(29.97, abs=1e-3)
    assert b'avc1' in path.read_bytes()
    brightness = [image.mean() for image in read_frames(path)]
    np.testing.assert_allclose(brightness, 10 * np.arange(12), atol=5)
    before = path.read_bytes()
    with pytest.raises(AssertionError), written_video(path, 10, (32, 48), 'avc1') as p:
        p(np.zeros((48, 32, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
