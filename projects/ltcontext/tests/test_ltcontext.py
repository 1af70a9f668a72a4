import sys
from functools import partial

import pytest
import torch
from mmengine.config import Config
from torch.nn import functional as F

from mmskelseg.models.layers.attention import window_attention
from mmskelseg.registry import MODELS
from tests.errors import raises_naming
from tests.segmentors import (
    TCN,
    build_segmentor,
    check_chunks_are_ignored,
    check_padding_is_invisible,
    check_padding_teaches_nothing,
    labelled_samples,
    random_videos,
)
from tests.small_data import ROOT
from tests.test_models.slow import (
    attended,
    convolved,
    linear,
    normed,
    stage_logits,
)

# Which imports the module.
Config.fromfile(ROOT / 'projects/ltcontext/uwiom_pose2d.py')
strided_attention = sys.modules['ltcontext'].strided_attention
LTCONTEXT = {
    'type': 'LTContext', 'in_channels': 6, 'channels': 8, 'num_layers': 3,
    'num_refinements': 2, 'window': 4, 'stride': 3, 'dropout': 0.0,
    'output_dropout': 0.0, 'channel_masking': 0.0,
}  # fmt: skip
RGB = {**TCN, 'num_refinements': 2}
FUSION = {'pose': LTCONTEXT, 'rgb': RGB}


def slow_layer(layer, x, source, *, window, stride, norm):
    """Return a layer's output as a list of frames, from lists of frames."""
    y = [F.gelu(frame) for frame in convolved(layer.conv_dilated, x)]

    def near(t):
        first = t // window * window
        return range(first - window // 2, first + window + window // 2)

    def far(t):
        return range(t % stride, len(x), stride)

    for part, read in ((layer.near, near), (layer.far, far)):
        heard = attended(part, normed(y) if norm else y, source, read)
        added = [linear(part.project, F.gelu(frame)) for frame in heard]
        y = [a + b for a, b in zip(y, added, strict=True)]
    return [a + linear(layer.conv_out, b) for a, b in zip(x, y, strict=True)]


def slow_model(model, video, **options):
    """Return the logits of all stages (S, K, T) of a video (C, T), frame by frame."""
    return stage_logits(model, video, partial(slow_layer, **options))


@pytest.mark.parametrize('norm', [False, True])
@pytest.mark.parametrize('frames', [1, 2, 3, 8, 15, 16, 17, 33])
def test_ltcontext_agrees_with_attention_frame_by_frame(frames, norm):
    """Windows and strides are shorter and longer than the video."""
    for window, stride in ((4, 3), (16, 20)):
        sizes = {'window': window, 'stride': stride, 'norm': norm}
        model = build_segmentor({'pose': {**LTCONTEXT, **sizes}}).eval()
        x = random_videos({'pose': LTCONTEXT}, frames)
        with torch.no_grad():
            expected = slow_model(model, x['pose'][0], **sizes)
            torch.testing.assert_close(model(x)[:, 0], expected, atol=1e-5, rtol=1e-5)


def test_strides_by_hand():
    """With equal weights, attention is the mean of what it reads.

    With a stride of 3 in a video of 8 frames, frame 4 reads the frames 1, 4 and 7, and
    frame 2 reads 2 and 5.
    """
    zeros, value = torch.zeros(1, 1, 9), torch.arange(9.0).view(1, 1, 9)
    mask = (value < 8).float()
    got = strided_attention(zeros, zeros, value, mask, stride=3)[0, 0, :8]
    assert got.tolist() == [3, 4, 3.5, 3, 4, 3.5, 3, 4]


def test_number_of_parameters_by_hand():
    """With 2048 features of a frame and 48 classes, as for Breakfast."""

    def stage(inputs, c):
        attention = 3 * (c * c // 2 + c // 2) + c // 2 * c + c
        layer = (3 * c * c + c) + 2 * attention + (c * c + c)
        return inputs * c + c + 9 * layer

    model = MODELS.build({'type': 'LTContext', 'in_channels': 2048, 'num_classes': 48})
    reduction = 64 * 32 + 32
    expected = stage(2048, 64) + 3 * stage(48, 32) + reduction
    assert sum(p.numel() for p in model.parameters()) == expected
    assert model.out_channels == (64, 32, 32, 32)


def test_heads_fusion_and_boundaries_read_the_channels_of_their_stage():
    model = build_segmentor(FUSION, auxiliary=[{'type': 'BoundaryHead', 'channels': 8}])
    heads = model.branches['pose']['head'].classifiers
    assert [head.in_channels for head in heads] == [8, 4, 4]
    assert [conv.in_channels for conv in model.fusion['neck'].convs] == [16, 12, 12]
    x = random_videos(FUSION, 20)
    assert model(x).shape == (3, 1, 5, 20)
    assert model(x, labelled_samples((20,)), mode='loss')['loss_boundary'] > 0


def test_dropout_is_for_training_only():
    model = build_segmentor({'pose': {**LTCONTEXT, 'dropout': 0.2}})
    x = random_videos({'pose': LTCONTEXT}, 20)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_refinements_need_two_channels():
    with raises_naming(ValueError, 'channels=8', 'reduction=8', ' 1 ', ' 2;'):
        build_segmentor({'pose': {**LTCONTEXT, 'reduction': 8}})


def test_stages_of_equal_width_are_connected_as_others():
    """The features of the first stage, and only these, pass a 1x1 convolution."""
    model = build_segmentor({'pose': {**LTCONTEXT, 'reduction': 1}}).eval()
    stages = model.branches['pose']['backbone'].stages
    assert [stage.reduce is not None for stage in stages[1:]] == [True, False]
    x = random_videos({'pose': LTCONTEXT}, 20)
    with torch.no_grad():
        expected = slow_model(model, x['pose'][0], window=4, stride=3, norm=False)
        torch.testing.assert_close(model(x)[:, 0], expected, atol=1e-5, rtol=1e-5)


def test_stages_of_different_widths_train_with_timestamps():
    timestamps = {'type': 'TimestampSupervision'}
    model = build_segmentor(FUSION, auxiliary=[timestamps])
    label = torch.full((20,), -1)
    label[[3, 9, 16]] = torch.tensor([0, 2, 1])
    sample = labelled_samples((20,))[0].set_gt_label(label)
    losses = model(random_videos(FUSION, 20), [sample], mode='loss')
    total, _ = model.parse_losses(losses)
    assert total.isfinite()


@pytest.mark.parametrize('frames', [24, 25])
@pytest.mark.parametrize('channels_last', [True, False])
def test_attention_suits_the_kernels_of_gpus(monkeypatch, frames, channels_last):
    """Those that need little memory want contiguous rows and masks."""
    strides = []

    def attention(query, key, value, *, attn_mask, dropout_p):
        parts = [query, key, value, attn_mask]
        strides.extend(x.stride(-1) for x in parts if x.shape[-1] > 1)
        return query

    monkeypatch.setattr(F, 'scaled_dot_product_attention', attention)
    x = torch.randn(2, 4, frames)
    if channels_last:
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    mask = torch.ones(2, 1, frames)
    strided_attention(x, x, x, mask, stride=3)
    window_attention(x, x, x, mask, window=4, blocks=True)
    assert strides
    assert set(strides) == {1}


@pytest.mark.parametrize(
    'branches',
    [{'pose': LTCONTEXT}, {'pose': {**LTCONTEXT, 'norm': True}}, FUSION],
    ids=['alone', 'norms', 'fused'],
)
def test_padding_and_chunks_change_nothing(branches):
    for lengths in ((65, 64, 63, 15), (15, 3, 2, 1)):
        x = random_videos(branches, lengths[0], number=len(lengths))
        check_padding_is_invisible(build_segmentor(branches), x, lengths)
    x = random_videos(branches, 20, number=2)
    make = partial(build_segmentor, branches)
    check_padding_teaches_nothing(make, x, (20, 12), padding=77)
    check_chunks_are_ignored(make, random_videos(branches, 90))


def test_strides_of_videos_in_a_row_are_those_of_each_alone():
    row, lengths = torch.randn(3, 1, 114, 5).mT, (40, 1, 3, 70)
    expected = [
        strided_attention(*part, None, stride=3) for part in row.split(lengths, dim=3)
    ]
    found = strided_attention(*row, lengths, stride=3)
    torch.testing.assert_close(found, torch.cat(expected, dim=2))
