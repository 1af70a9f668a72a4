"""Video files of a data set, found by the ids of its videos."""

import importlib

import pytest

from tests.small_data import ROOT


@pytest.fixture
def converting(monkeypatch):
    """What the converters share, as it is when they run as scripts."""
    monkeypatch.syspath_prepend(str(ROOT / 'tools' / 'dataset_converters'))
    return importlib.import_module('converting')


@pytest.fixture
def folder(tmp_path):
    """A folder of files in the ways that releases name them."""
    for name in ('S03_camera1.AVI', '12.mp4', '12_depth.mp4', '112.mp4', 'day1/09.mkv'):
        path = tmp_path / 'videos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / 'videos' / '07.txt').touch()
    return tmp_path / 'videos'


@pytest.mark.parametrize(
    ('video', 'expected'),
    [('12', '12.mp4'), ('09', 'day1/09.mkv'), ('112', '112.mp4')],
)
def test_video_file_is_named_relative_to_the_annotations(
    converting, folder, video, expected
):
    """The id is the whole name, before it is a part of one."""
    annotations = [{'frame_dir': video}]
    converting.name_videos(annotations, folder, folder.parent / 'out')
    assert annotations[0]['filename'] == f'../videos/{expected}'


def test_video_file_may_have_the_id_as_a_part_of_its_name(converting, folder):
    """A part between separators, not within a number or a word."""
    (folder / 'take_05_b.mov').touch()
    (folder / 'take_055.mov').touch()
    annotations = [{'frame_dir': '05'}]
    converting.name_videos(annotations, folder, folder)
    assert annotations[0]['filename'] == 'take_05_b.mov'


@pytest.mark.parametrize(
    ('video', 'message'),
    [
        ('07', 'videos: 0 of its 5 video files have the id 07 in their names, exp'),
        ('03', 'videos: 0 of its 5 video files have the id 03'),
        ('camera1', None),
        ('depth', None),
    ],
)
def test_video_file_that_is_not_the_only_one_is_an_error(
    converting, folder, video, message
):
    """None and several are told apart, and nothing is guessed."""
    annotations = [{'frame_dir': video}]
    if message is None:
        converting.name_videos(annotations, folder, folder)
        (folder / f'other_{video}.mp4').touch()
        message = rf'2 of its 6 .* {video} in their names \(.*{video}'
    with pytest.raises(converting.ReleaseError, match=message):
        converting.name_videos(annotations, folder, folder)


def test_folder_of_videos_must_be_there(converting, tmp_path):
    """Without a folder nothing is named; a missing one is an error."""
    annotations = [{'frame_dir': '01'}]
    converting.name_videos(annotations, None, tmp_path)
    assert annotations == [{'frame_dir': '01'}]
    with pytest.raises(
        converting.ReleaseError, match='no such folder; name that of the video'
    ):
        converting.name_videos(annotations, tmp_path / 'none', tmp_path)
