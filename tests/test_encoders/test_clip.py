import numpy as np
import pytest
import torch
from torch import nn

from mmskelseg.encoders import ClipEncoder
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.encoders.store import ensure_features, load_features
from mmskelseg.registry import MODELS

POSEC3D = {
    'type': 'mmaction.ResNet3dSlowOnly', 'depth': 50, 'in_channels': 17,
    'base_channels': 4, 'num_stages': 3, 'out_indices': (2,), 'stage_blocks': (1, 1, 1),
    'conv1_stride_s': 1, 'pool1_stride_s': 1, 'inflate': (0, 1, 1),
    'spatial_strides': (2, 2, 2), 'temporal_strides': (1, 1, 2), 'dilations': (1, 1, 1),
}  # fmt: skip


@MODELS.register_module()
class FramesOfClip(nn.Module):
    """Gives the first value of each frame of a clip, as C channels of one cell."""

    def forward(self, clips):
        return clips[:, 0, :, 0, 0][..., None, None, None]


def frames_of(T, **options):
    """Return which frames of a video enter the clip of each frame, shape (T, C)."""
    encoder = ClipEncoder({'type': 'FramesOfClip'}, 'none', batch_size=3, **options)
    video = np.arange(T, dtype=np.float32)[:, None, None, None]
    blocks = [video[begin : begin + 7] for begin in range(0, T, 7)]
    return np.concatenate(list(encoder.encode_video(blocks, T)))


@pytest.mark.parametrize('T', [1, 6, 7, 15, 30])
@pytest.mark.parametrize('clip_len', [1, 2, 5, 8, 40])
@pytest.mark.parametrize('interval', [1, 3])
@pytest.mark.parametrize('step', [1, 2, 5, 9])
def test_clip_has_its_frame_in_the_middle_and_repeats_the_border(
    T, clip_len, interval, step
):
    """As worked out frame by frame, however the video comes in blocks."""
    found = frames_of(T, clip_len=clip_len, frame_interval=interval, step=step)
    middles = np.arange(T) // step * step + step // 2
    offsets = (np.arange(clip_len) - clip_len // 2) * interval
    expected = np.clip(middles[:, None] + offsets, 0, T - 1)
    np.testing.assert_array_equal(found, expected)


def test_clip_network_is_pooled_over_frames_and_pixels(tmp_path, rng):
    """PoseC3D's features, with the backbone's weights of a whole recognizer."""
    torch.manual_seed(1)
    network = MODELS.build(POSEC3D)
    network.eval()
    state = {f'backbone.{k}': v for k, v in network.state_dict().items()}
    state['cls_head.fc_cls.weight'] = torch.zeros(60, 64)
    path = tmp_path / 'posec3d.pth'
    torch.save({'state_dict': state}, path)
    encoder = ClipEncoder(POSEC3D, str(path), clip_len=4, mean=[0.5] * 17, std=[2] * 17)
    video = rng.random((3, 17, 8, 8), np.float32)
    (features,) = list(encoder.encode_video([video], 3))[-1:]
    clip = torch.from_numpy(video[[0, 1, 2, 2]].swapaxes(0, 1))[None]
    with torch.no_grad():
        expected = network((clip - 0.5) / 2).mean(dim=(2, 3, 4))
    np.testing.assert_allclose(features[-1:], expected.numpy(), atol=1e-5)


def test_features_of_clips_are_made_and_kept(small_data, tmp_path):
    """From keypoints over a channel for each joint to a vector for each frame."""
    from mmskelseg.runtime.files.annotations import load_annotations

    videos = load_annotations(small_data)['annotations'][:1]
    config = {
        'render': {
            'type': 'RenderJointHeatmaps',
            'skeleton': 'coco17',
            'size': (8, 8),
            'limbs': False,
            'box': 'square',
        },
        'encoder': {
            'type': 'ClipEncoder',
            'arch': POSEC3D,
            'weights': 'none',
            'clip_len': 4,
            'step': 4,
        },
    }
    (path,) = ensure_features(
        tmp_path / 'features', recipe_from_config('clips', config, 'coco17'), videos
    )
    features = load_features(path)
    assert features.shape == (60, 64)
    np.testing.assert_array_equal(features[0], features[3])
    assert np.abs(features[3] - features[4]).max() > 0
    assert (path.parent / 'settings.json').read_text().count('"clip_len": 4') == 1
