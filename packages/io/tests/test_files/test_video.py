"""Reading what video files state, and writing them whole."""

from importlib.util import find_spec

import numpy as np
import pytest

from mmskelseg_io.files.video import VideoFile, read_frames, written_video
from tests.clips import write_uneven_video, write_video
from tests.errors import raises_naming

# H.264 is written where PyAV is installed.
NO_AV = pytest.mark.skipif(find_spec('av') is None, reason='PyAV is not installed')
each_codec = pytest.mark.parametrize(
    'codec', ['mp4v', pytest.param('avc1', marks=NO_AV)]
)


def write(path, frames=12, fps=12.5, codec='mp4v'):
    write_video(path, range(0, 10 * frames, 10), fps, (32, 48), codec)


@each_codec
@pytest.mark.parametrize('fps', [12.5, 29.97])
def test_file_states_what_was_written(tmp_path, codec, fps):
    path = tmp_path / 'new' / 'a.mp4'
    write(path, fps=fps, codec=codec)
    file = VideoFile.open(path)
    assert (file.frames, file.img_shape) == (12, (32, 48))
    assert file.fps == pytest.approx(fps, abs=1e-3)
    assert (file.times().count, file.times().notes()) == (12, ())
    assert file.seconds == pytest.approx(12 / fps, abs=1e-3)
    assert codec.encode() in path.read_bytes()
    brightness = [image.mean() for image in read_frames(path)]
    np.testing.assert_allclose(brightness, 10 * np.arange(12), atol=5)


@NO_AV
def test_frames_that_are_not_evenly_spaced_are_noted(tmp_path):
    path = write_uneven_video(tmp_path / 'a.mp4', 400)
    times = VideoFile.open(path).times()
    assert times.count == 400
    # Frame 200 comes after 6.6 s, and would come after 13.2 s.
    (note,) = times.notes()
    assert note.startswith('frames are up to 6.6 s away from a constant rate of 15.')


def test_video_that_cannot_be_read_back_is_not_kept(tmp_path, monkeypatch):
    short = VideoFile(tmp_path / 'a.mp4', 1, 12.5, (32, 48))
    monkeypatch.setattr(VideoFile, 'open', lambda path: short)
    with raises_naming(OSError, short.path, '2 frames'):
        write(short.path, frames=2)
    assert list(tmp_path.iterdir()) == []


@each_codec
def test_stopped_writing_leaves_the_old_file(tmp_path, codec):
    path = tmp_path / 'a.mp4'
    write(path, codec=codec)
    before = path.read_bytes()
    with pytest.raises(AssertionError), written_video(path, 10, (32, 48), codec) as put:
        put(np.zeros((48, 32, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_faulty_files_are_told(tmp_path):
    with raises_naming(FileNotFoundError, tmp_path / 'gone.mp4'):
        VideoFile.open(tmp_path / 'gone.mp4')
    (tmp_path / 'text.mp4').write_text('no video')
    with raises_naming(ValueError, tmp_path / 'text.mp4', 'ffmpeg'):
        VideoFile.open(tmp_path / 'text.mp4')
