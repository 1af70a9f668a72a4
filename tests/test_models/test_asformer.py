from functools import partial

import pytest
import torch
from torch.nn import functional as F

from mmskelseg.models.layers.attention import window_attention
from mmskelseg.models.layers.padding import norm_videos
from mmskelseg.registry import MODELS
from tests.errors import raises_naming
from tests.segmentors import ASFORMER, build_segmentor, labelled_samples, random_videos
from tests.test_models.slow import (
    attended,
    convolved,
    linear,
    normed,
    stage_logits,
)


def slow_layer(layer, x, source, blocks):
    """Return a layer's output as a list of frames, from lists of frames."""
    w = layer.window

    def read(t):
        if blocks:
            return range(t // w * w - w // 2, (t // w + 1) * w + w // 2)
        return range(t - w // 2, t - w // 2 + w)

    local = [frame.clamp(min=0) for frame in convolved(layer.conv_dilated, x)]
    output = []
    heard = attended(layer, normed(local), source, read)
    for frame, own, other in zip(x, local, heard, strict=True):
        added = linear(layer.project, other.clamp(min=0))
        change = own + layer.attention_weight * added
        output.append(frame + linear(layer.conv_out, change))
    return output


@pytest.mark.parametrize('blocks', [False, True])
@pytest.mark.parametrize('frames', [1, 2, 15, 31, 32, 33])
def test_asformer_agrees_with_attention_frame_by_frame(frames, blocks):
    """Windows are of 1 to 32 frames, longer and shorter than the video."""
    model = build_segmentor(
        {'pose': {**ASFORMER, 'num_layers': 6, 'block_windows': blocks}}
    ).eval()
    x = random_videos({'pose': ASFORMER}, frames)
    with torch.no_grad():
        layer = partial(slow_layer, blocks=blocks)
        expected = stage_logits(model, x['pose'][0], layer)
        torch.testing.assert_close(model(x)[:, 0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ('blocks', 'expected'),
    [
        (False, [0.5, 1, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7]),
        (True, [2.5, 2.5, 2.5, 2.5, 5, 5, 5, 5, 7]),
    ],
)
def test_windows_by_hand(blocks, expected):
    """With equal weights, attention is the mean of what it reads.

    Windows of 4 of the frames 0 to 8: frame 3 reads 1 to 4, or 0 to 5, which is its
    block and 2 frames on each side; frame 0 reads 0 and 1, or these; frame 8 reads 6
    to 8 either way.
    """
    zeros, value = torch.zeros(1, 1, 9), torch.arange(9.0).view(1, 1, 9)
    got = window_attention(zeros, zeros, value, None, window=4, blocks=blocks)
    torch.testing.assert_close(got[0, 0], torch.tensor(expected))


def test_attention_needs_a_channel():
    with raises_naming(ValueError, 'ASFormer', 'reduction=9', ' 8.'):
        build_segmentor({'pose': {**ASFORMER, 'reduction': 9}})


def test_number_of_parameters_by_hand():
    """With 2048 features of a frame and 19 classes, as for 50Salads."""
    dilated, attention = 3 * 64 * 64 + 64, 3 * (64 * 32 + 32) + 32 * 64 + 64
    layer = dilated + attention + 64 * 64 + 64
    inputs = (2048 * 64 + 64) + 3 * (19 * 64 + 64)
    model = MODELS.build({'type': 'ASFormer', 'in_channels': 2048, 'num_classes': 19})
    assert sum(p.numel() for p in model.parameters()) == 40 * layer + inputs
    heads = 4 * (64 * 19 + 19)
    assert 40 * layer + inputs + heads == 1_134_476


def test_members_of_asformer_differ():
    model = build_segmentor({'pose': ASFORMER}, members=2)
    first, second = model.branches['pose'], model.others[0].branches['pose']
    weights = [b['backbone'].stages[1].layers[0].key.weight for b in (first, second)]
    assert not torch.equal(*weights)
    x = random_videos({'pose': ASFORMER}, 20)
    losses, _ = model.parse_losses(model(x, labelled_samples((20,)), mode='loss'))
    losses.backward()
    assert all(
        b['backbone'].stages[3].conv_in.weight.grad.any() for b in (first, second)
    )


def test_masked_channels_are_0_in_the_whole_video():
    """About a third of the channels that the encoder reads, in training alone."""
    stage = (
        build_segmentor(
            {'pose': {**ASFORMER, 'in_channels': 1000, 'channel_masking': 0.3}}
        )
        .branches['pose']['backbone']
        .stages[0]
    )
    torch.manual_seed(0)
    kept = stage.masking(torch.ones(1, 1000, 7))[0]
    assert ((kept == 0).all(dim=1) | (kept - 1 / 0.7).abs().amax(dim=1).lt(1e-5)).all()
    assert 0.25 < (kept == 0).float().mean() < 0.35
    assert stage.eval().masking(torch.ones(1, 4, 7)).eq(1).all()


@pytest.mark.parametrize('frames', [2, 9])
def test_norm_of_videos_is_instance_norm(frames):
    """On whole videos it is PyTorch's, for more than one frame."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, frames) * 5 + 2
    torch.testing.assert_close(norm_videos(x, None), F.instance_norm(x))


def test_norm_of_a_single_frame_is_0():
    assert not norm_videos(torch.full((1, 3, 1), 7.0), None).any()
