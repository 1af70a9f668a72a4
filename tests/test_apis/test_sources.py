"""Which videos an input stands for."""

import json

import numpy as np
import pytest

from mmskelseg.apis.sources import find_sources


@pytest.fixture
def folder(tmp_path):
    """A folder with files of these names, empty."""

    def make(*names):
        path = tmp_path / 'inputs'
        path.mkdir(exist_ok=True)
        for name in names:
            (path / name).touch()
        return path

    return make


def test_folder_pairs_videos_with_poses_of_their_names(folder):
    path = folder('b.mp4', 'a.mp4', 'a.json', 'c.npz', 'readme.txt')
    found = {source.name: source for source in find_sources(str(path))}
    assert list(found) == ['a', 'b', 'c']
    assert (found['a'].video, found['a'].poses) == (path / 'a.mp4', path / 'a.json')
    assert found['b'].poses is None
    assert found['c'].video is None


def test_annotation_file_gives_its_videos(small_data):
    assert [s.name for s in find_sources(small_data)] == [
        'video_0', 'video_1', 'video_2'
    ]  # fmt: skip
    assert [s.name for s in find_sources(small_data, split='test')] == ['video_2']
    with pytest.raises(ValueError, match="no split 'val'"):
        find_sources(small_data, split='val')


def test_folder_of_openpose_is_one_video(tmp_path):
    folder = tmp_path / 'take'
    folder.mkdir()
    (folder / 'take_000000000000_keypoints.json').write_text(json.dumps({}))
    assert [s.poses for s in find_sources(folder)] == [folder]
    assert [s.name for s in find_sources(tmp_path)] == ['take']


def test_poses_go_with_videos_by_order_or_by_name(folder):
    path = folder('a.mp4', 'b.mp4', 'b.csv', 'a.csv')
    videos = [path / 'a.mp4', path / 'b.mp4']
    by_name = find_sources(videos, poses=path)
    assert [s.poses for s in by_name] == [path / 'a.csv', path / 'b.csv']
    by_order = find_sources(videos, poses=[path / 'b.csv', path / 'a.csv'])
    assert [s.poses for s in by_order] == [path / 'b.csv', path / 'a.csv']


def test_videos_of_one_name_are_told_apart():
    sources = find_sources([{'keypoint': np.zeros(1)}] * 2)
    assert [source.name for source in sources] == ['video', 'video_2']


def fault(match, inputs, **options):
    with pytest.raises((ValueError, FileNotFoundError), match=match):
        find_sources(inputs, **options)


def test_inputs_that_are_none_are_told(folder):
    path = folder('a.mp4', 'b.mp4', 'b.csv')
    fault('no such file or folder', 'gone.mp4')
    fault('an input is int', 3)
    fault(
        'no poses of the name a, the first of 1 missing of 2 videos',
        [path / 'a.mp4', path / 'b.mp4'],
        poses=path,
    )
    fault('2 poses for 1 videos', path / 'a.mp4', poses=[path / 'b.csv'] * 2)
    folder('b.json')
    fault('of the same name', path)
    empty = path / 'empty'
    empty.mkdir()
    fault('holds neither videos nor poses', empty)
