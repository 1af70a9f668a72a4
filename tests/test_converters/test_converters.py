"""Converters find the video files of a data set by their ids."""

from pathlib import Path

import pytest

from mmskelseg_io.converters.building import find_videos, write
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import small_annotations


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
    [
        ('12', '12.mp4'),
        ('09', 'day1/09.mkv'),
        ('112', '112.mp4'),
        ('camera1', 'S03_camera1.AVI'),
        ('depth', '12_depth.mp4'),
        # A part between separators, not within a number or a word.
        ('07', None),
        ('03', None),
    ],
)
def test_video_file_has_the_id_as_its_name_or_in_it(folder, video, expected):
    """None and several are told apart, and nothing is guessed."""
    if expected:
        assert find_videos([video], folder) == {video: folder / expected}
        (folder / 'more').mkdir()
        (folder / 'more' / Path(expected).name).touch()
    count = '2 of its 6' if expected else '0 of its 5'
    with raises_naming(UserError, folder, count, f'id {video}', f'{video}.mp4'):
        find_videos([video], folder)


def test_video_file_is_named_relative_to_the_annotations(folder):
    for name in ('video_0.mp4', 'video_1.mp4', 'video_2.mp4'):
        (folder / name).touch()
    data = small_annotations()
    write(folder.parent / 'out', data, PrintedEvents(), videos=folder)
    data = load_annotations(folder.parent / 'out/annotations.pkl')
    assert data['annotations'][1]['filename'] == '../videos/video_1.mp4'


def test_folder_of_videos_must_be_there(tmp_path):
    """Without a folder nothing is found; a missing one is an error."""
    assert find_videos(['01'], None) == {}
    with raises_naming(FileNotFoundError, tmp_path / 'none'):
        find_videos(['01'], tmp_path / 'none')
