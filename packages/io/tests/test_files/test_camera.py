"""Cameras yield the newest frame and drop the others."""

import threading

import numpy as np
import pytest

from mmskelseg_io.files import camera as camera_module
from mmskelseg_io.files.camera import Camera
from mmskelseg_io.messages.errors import UserError
from tests.clips import write_video
from tests.errors import raises_naming


@pytest.fixture
def clip(tmp_path):
    """Write a clip whose frames get brighter; return its path."""

    def write(frames=20, fps=20.0):
        return write_video(tmp_path / 'clip.mp4', range(0, 8 * frames, 8), fps)

    return write


class Clock:
    """A clock that advances only by sleeping."""

    def __init__(self, monkeypatch):
        self.time = 100.0
        monkeypatch.setattr(camera_module.time, 'monotonic', lambda: self.time)
        monkeypatch.setattr(camera_module.time, 'sleep', self.sleep)

    def sleep(self, seconds):
        self.time += seconds


def test_every_frame_comes_at_its_time(clip):
    source = Camera(clip(), every_frame=True)
    assert (source.fps, source.img_shape) == (20.0, (48, 64))
    frames = list(source)
    assert [frame.number for frame in frames] == list(range(20))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(20) / 20)
    # A lossy codec, but each frame is the one that it says.
    means = [frame.image.mean() for frame in frames]
    assert means == pytest.approx(8 * np.arange(20), abs=5)
    assert source.dropped == 0


def test_file_plays_at_its_rate(clip, monkeypatch):
    clock = Clock(monkeypatch)
    source = Camera(clip())
    moments = [(frame.time, clock.time - 100) for frame in source._frames()]
    assert [now for _, now in moments] == pytest.approx(np.arange(20) / 20)
    assert [time for time, _ in moments] == pytest.approx(np.arange(20) / 20)


def test_slow_reader_gets_the_newest_frame_and_drops_the_rest(clip):
    source = Camera(clip(40, fps=100))
    frames = []
    for frame in source:
        frames.append(frame.number)
        if len(frames) == 2:
            # Until the thread has read them all.
            with source._changed:
                assert source._changed.wait_for(lambda: source._ended, 20)
    assert frames == sorted(set(frames))
    assert frames[-1] == 39
    assert len(frames) == 3
    assert source.dropped == 40 - 3


@pytest.mark.parametrize('every_frame', [True, False])
def test_nothing_stays_open_if_the_consumer_fails(clip, every_frame):
    source = Camera(clip(), every_frame=every_frame)
    with pytest.raises(ZeroDivisionError):
        assert [1 / frame.number for frame in source]
    assert not source._capture.isOpened()
    assert 'camera' not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize('every_frame', [True, False])
def test_closed_camera_is_free_and_gives_no_frame(clip, every_frame):
    source = Camera(clip(fps=200), every_frame=every_frame)
    next(frames := iter(source))
    if not every_frame:
        # Until another frame could be given.
        with source._changed:
            assert source._changed.wait_for(lambda: source._newest is not None, 20)
    source.close()
    assert not source._capture.isOpened()
    assert list(frames) == []


def test_camera_that_is_never_read_can_be_closed(clip):
    source = Camera(clip())
    source.close()
    assert not source._capture.isOpened()


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_failure_of_the_reader_ends_the_iteration(clip, monkeypatch):
    """Instead of waiting for a frame that never comes."""
    source = Camera(clip())
    monkeypatch.setattr(source, '_frames', lambda: map((1).__truediv__, [0]))
    assert list(source) == []


def test_sources_that_cannot_be_opened(tmp_path):
    with raises_naming(FileNotFoundError, tmp_path / 'take1.mp4', 'rtsp://'):
        Camera(tmp_path / 'take1.mp4')
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'no video')
    with raises_naming(UserError, broken):
        Camera(broken)
    with raises_naming(UserError, 'camera 97: '):
        Camera('97')
    with pytest.raises(UserError, match='only a file can give every frame'):
        Camera('0', every_frame=True)
