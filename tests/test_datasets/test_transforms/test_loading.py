import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    LoadFrameFeatures,
    PackSegInputs,
    RandomCropFrames,
)
from tests.errors import raises_naming


@pytest.fixture
def video(tmp_path):
    """A video whose features, labels and risk all count its frames."""
    count = np.arange(10)
    path = tmp_path / 'video.npy'
    np.save(path, np.stack([count, -count], axis=1).astype(np.float32))
    return {
        'frame_dir': 'video',
        'total_frames': 10,
        'label': count,
        'risk': count / 10,
        'feature_files': {'heatmap': [str(path)]},
    }


def crop(video, num_frames, **keys):
    item = RandomCropFrames(num_frames)({**video, **keys})
    return PackSegInputs()(LoadFrameFeatures()(item))


def test_crop_keeps_features_labels_and_risk_together(video):
    item = crop(video, 4)
    first, second = item['inputs']['heatmap'].tolist()
    assert first == item['data_samples'].gt_label.tolist()
    assert second == [-value for value in first]
    np.testing.assert_allclose(item['data_samples'].gt_risk.numpy() * 10, first)
    assert first == list(range(int(first[0]), int(first[0]) + 4))
    assert item['data_samples'].total_frames == 4


def test_crop_takes_every_place_in_some_epoch(video):
    """The first and the last frames are as likely to begin and end one."""
    begins = [
        int(crop(video, 4, epoch=epoch)['inputs']['heatmap'][0, 0])
        for epoch in range(700)
    ]
    counts = np.bincount(begins, minlength=7)
    assert len(counts) == 7
    # 100 each; five deviations of a share of 1/7.
    assert np.abs(counts - 100).max() < 5 * np.sqrt(700 * 6 / 49)


def test_crop_is_where_labels_are(video):
    """Of frame 4 alone: the middle of a crop of 3 frames, in every epoch."""
    video['label'] = np.where(np.arange(10) == 4, 4, -1)
    for epoch in range(20):
        label = crop(video, 3, epoch=epoch)['data_samples'].gt_label
        assert label.tolist() == [-1, 4, -1]


def test_crop_leaves_a_short_video_whole(video):
    for num_frames in (10, 11):
        assert crop(video, num_frames)['inputs']['heatmap'].shape == (2, 10)


def test_crop_comes_before_the_features(video):
    """Otherwise all frames would be read."""
    with raises_naming(ValueError, 'video video', 'RandomCropFrames'):
        RandomCropFrames(4)(LoadFrameFeatures()(video))


def test_crop_still_refuses_features_of_another_video(video):
    """The file is compared with the whole video."""
    item = RandomCropFrames(4)({**video, 'total_frames': 9})
    with raises_naming(ValueError, 'video.npy', '10 frames', 'video video', '9 frames'):
        LoadFrameFeatures()(item)


def test_features_above_the_limit_stay_in_their_file(video, tmp_path):
    """They are mapped, those below are copied; both hold the same."""
    copied = LoadFrameFeatures(max_bytes=80)(dict(video))['features']['heatmap']
    mapped = LoadFrameFeatures(max_bytes=79)(dict(video))['features']['heatmap']
    assert copied.flags.writeable
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(copied, mapped)
    inputs = PackSegInputs()({'features': {'heatmap': mapped}})['inputs']['heatmap']
    assert inputs.data_ptr() == mapped.ctypes.data


@pytest.mark.parametrize(
    ('stored', 'loaded'), [('f2', 'f2'), ('f4', 'f4'), ('f8', 'f4')]
)
def test_features_come_in_single_precision_or_half(video, tmp_path, stored, loaded):
    """Half precision stays, to save memory; all else becomes single."""
    path = tmp_path / 'other.npy'
    np.save(path, np.ones((10, 2), stored))
    video['feature_files'] = {'heatmap': [str(path)]}
    assert LoadFrameFeatures()(video)['features']['heatmap'].dtype == loaded
