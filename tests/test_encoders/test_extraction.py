import json

import numpy as np
import pytest

from mmskelseg.datasets.transforms import DropLimb
from mmskelseg.encoders import GridEncoder, store
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.encoders.store import ensure_features, load_features
from mmskelseg_runtime.features import RenderSkeletonHeatmap
from tests.errors import raises_naming
from tests.small_data import small_annotations

CONFIG = {
    'render': {'type': 'RenderSkeletonHeatmap', 'skeleton': 'coco17'},
    'encoder': {'type': 'GridEncoder', 'grid': (4, 4)},
}


def ensure(root, modality, config, videos):
    recipe = recipe_from_config(modality, config, 'coco17')
    return ensure_features(root, recipe, videos)


@pytest.fixture
def videos():
    return small_annotations((300, 20))['annotations']


def test_features_are_the_encoded_heatmaps(tmp_path, videos):
    paths = ensure(tmp_path, 'heatmap', CONFIG, videos)
    for path, video in zip(paths, videos, strict=True):
        images = RenderSkeletonHeatmap('coco17')(dict(video))['imgs']
        expected = GridEncoder((4, 4)).encode(images)
        np.testing.assert_allclose(load_features(path), expected, atol=1e-6)


def test_features_that_are_there_are_not_made_again(tmp_path, videos, monkeypatch):
    first = ensure(tmp_path, 'heatmap', CONFIG, videos)
    encoded = []
    monkeypatch.setattr(
        GridEncoder,
        'encode',
        lambda self, images: encoded.append(len(images)) or np.zeros((len(images), 16)),
    )
    assert ensure(tmp_path, 'heatmap', CONFIG, videos) == first
    assert encoded == []
    videos[1]['keypoint'][0, 0, 0, 0] += 1
    second = ensure(tmp_path, 'heatmap', CONFIG, videos)
    assert encoded == [20]
    assert second[0] == first[0]
    assert second[1] != first[1]


def test_features_of_changed_videos_are_kept_apart(tmp_path, videos):
    """Transforms come before the renderer, and their settings name the folder."""
    plain = ensure(tmp_path, 'heatmap', CONFIG, videos)
    drop = {'type': 'DropLimb', 'p': 0.5, 'skeleton': 'coco17'}
    folders = {plain[0].parent}
    for seed in (0, 1):
        config = {**CONFIG, 'transforms': [{**drop, 'seed': seed}]}
        before = [video['keypoint_score'].copy() for video in videos]
        paths = ensure(tmp_path, 'heatmap', config, videos)
        folders.add(paths[0].parent)
        for path, video, score in zip(paths, videos, before, strict=True):
            np.testing.assert_array_equal(video['keypoint_score'], score)
            changed = DropLimb(0.5, seed, skeleton='coco17')(dict(video))
            images = RenderSkeletonHeatmap('coco17')(changed)['imgs']
            expected = GridEncoder((4, 4)).encode(images)
            np.testing.assert_allclose(load_features(path), expected, atol=1e-6)
    assert len(folders) == 3


def test_features_without_transforms_keep_their_folder(tmp_path, videos):
    """An empty list is the same as none, and the settings do not speak of any."""
    plain = ensure(tmp_path, 'heatmap', CONFIG, videos)
    empty = ensure(tmp_path, 'heatmap', {**CONFIG, 'transforms': []}, videos)
    assert empty == plain
    settings = json.loads((plain[0].parent / 'settings.json').read_text())
    assert settings.keys() == {'version', 'render', 'encoder'}


def test_features_of_an_interrupted_run_are_kept(tmp_path, videos, monkeypatch):
    encode = GridEncoder.encode
    encoded = []

    def stop_at_second_video(self, images):
        encoded.append(len(images))
        if len(images) == 20 and len(encoded) < 5:
            raise KeyboardInterrupt
        return encode(self, images)

    monkeypatch.setattr(GridEncoder, 'encode', stop_at_second_video)
    with pytest.raises(KeyboardInterrupt):
        ensure(tmp_path, 'heatmap', CONFIG, videos)
    assert encoded == [128, 128, 44, 20]
    ensure(tmp_path, 'heatmap', CONFIG, videos)
    assert encoded == [128, 128, 44, 20, 20]


def test_features_of_ranks_are_shared_and_complete(tmp_path, videos, monkeypatch):
    """The second of two ranks makes every second video."""
    monkeypatch.setattr(store, 'get_world_size', lambda: 2)
    monkeypatch.setattr(store, 'get_rank', lambda: 1)
    with pytest.raises(FileNotFoundError):
        # In one process nobody makes the other half.
        ensure(tmp_path, 'heatmap', CONFIG, videos)
    made = [path.name.split('-')[0] for path in tmp_path.glob('*/*.npy')]
    assert made == ['video_1']


def test_features_that_another_rank_just_made_do_not_change_the_shares(
    tmp_path, monkeypatch
):
    """A rank that comes late still makes the videos that are its own."""
    videos = small_annotations((20, 20, 20, 20))['annotations']
    monkeypatch.setattr(store, 'get_world_size', lambda: 2)
    for rank in (0, 1):
        monkeypatch.setattr(store, 'get_rank', lambda rank=rank: rank)
        if rank == 0:
            with pytest.raises(FileNotFoundError):
                ensure(tmp_path, 'heatmap', CONFIG, videos)
        else:
            paths = ensure(tmp_path, 'heatmap', CONFIG, videos)
    assert all(path.exists() for path in paths)


def test_features_of_other_lengths_are_refused(tmp_path, videos):
    paths = ensure(tmp_path, 'heatmap', CONFIG, videos)
    np.save(paths[0], np.zeros((299, 16), np.float32))
    with raises_naming(ValueError, paths[0], '(299, 16)', 'video_0', '300'):
        ensure(tmp_path, 'heatmap', CONFIG, videos)


def test_features_of_the_wrong_skeleton_name_the_video(tmp_path, videos):
    config = {
        **CONFIG,
        'render': {'type': 'RenderSkeletonHeatmap', 'skeleton': 'lcr15'},
    }
    with raises_naming(ValueError, 'video_0', 'keypoint', '(1, 300, 17, 2)', "'lcr15'"):
        ensure(tmp_path, 'heatmap', config, videos)


def test_features_without_an_encoder_are_the_images(tmp_path, videos):
    """What a renderer makes is kept as it is, in any number of dimensions."""
    config = {'render': {**CONFIG['render'], 'size': (8, 6)}}
    paths = ensure(tmp_path, 'heatmap', config, videos)
    expected = RenderSkeletonHeatmap('coco17', size=(8, 6))(dict(videos[1]))['imgs']
    np.testing.assert_array_equal(load_features(paths[1]), expected)


def test_features_of_video_files_are_checked_before_all_work(tmp_path, clip, videos):
    """A fault in the last file is found before the first is encoded."""
    config = {
        'render': {'type': 'ReadVideoFrames', 'size': (8, 8)},
        'encoder': {'type': 'GridEncoder', 'grid': (2, 2), 'channels': 3},
    }
    for video in videos:
        file = clip(f'{video["frame_dir"]}.mp4', video['total_frames'], 10, (16, 16))
        video['filename'] = str(file)
    videos[1]['total_frames'] = 19
    with raises_naming(ValueError, 'video_1.mp4', ' 20 ', ' 19 ', "align='fps'"):
        ensure(tmp_path / 'features', 'rgb', config, videos)
    assert not list(tmp_path.glob('features/*/*.npy'))
    videos[1]['total_frames'] = 20
    paths = ensure(tmp_path / 'features', 'rgb', config, videos)
    features = load_features(paths[0])
    assert features.shape == (300, 12)
    shades = np.minimum(40 + np.arange(300), 255) / 255
    np.testing.assert_allclose(features, np.stack([shades] * 12, axis=1), atol=0.02)


def test_features_in_half_precision_take_half_the_space(tmp_path, videos):
    """They are rounded to float16, in a folder of their own."""
    (single, _) = ensure(tmp_path, 'heatmap', CONFIG, videos)
    (half, _) = ensure(tmp_path, 'heatmap', {**CONFIG, 'dtype': 'float16'}, videos)
    assert half.parent != single.parent
    expected = load_features(single).astype(np.float16)
    np.testing.assert_array_equal(load_features(half), expected)
    assert half.stat().st_size - 128 == (single.stat().st_size - 128) / 2


def test_features_too_large_for_half_precision_are_an_error(tmp_path, videos):
    videos[0]['keypoint'] = videos[0]['keypoint'].copy()
    videos[0]['keypoint'][0, 5, 0] = 80000
    config = {
        'render': {
            'type': 'SkeletonCoordinates',
            'skeleton': 'coco17',
            'dims': 2,
            'scale': None,
        },
        'dtype': 'float16',
    }
    with raises_naming(ValueError, 'video_0', '65504', "dtype='float32'"):
        ensure(tmp_path, 'pose2d', config, videos)
    assert not list(tmp_path.glob('*/*.npy'))
