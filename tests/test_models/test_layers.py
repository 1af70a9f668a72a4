import copy
from functools import partial

import pytest
import torch
from torch import nn

from mmskelseg.models.layers.attention import window_attention
from mmskelseg.models.layers.graph_conv import GraphConv, norm_joints
from mmskelseg.models.layers.padding import norm_frames, norm_videos
from mmskelseg.models.layers.pooling import adaptive_mean, adaptive_mean_2d
from mmskelseg.models.layers.stages import for_each_stage
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from tests.errors import raises_naming

LENGTHS = (9, 4, 1)


def padded_batch(*joints):
    """Return videos one by one, their batch with anything in the padding, its mask."""
    torch.manual_seed(0)
    videos = [torch.randn(5, n, *joints) for n in LENGTHS]
    batch = torch.full((3, 5, 9, *joints), float('nan'))
    mask = torch.zeros(3, 1, 9)
    for row, ones, video in zip(batch, mask, videos, strict=True):
        row[:, : video.shape[1]] = video
        ones[:, : video.shape[1]] = 1
    return videos, batch, mask


def trained_norm():
    norm = nn.BatchNorm1d(5)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    return norm


@pytest.mark.parametrize('joints', [(), (3,)])
@pytest.mark.parametrize('training', [True, False])
def test_norm_of_a_padded_batch_is_that_of_its_frames_in_a_row(joints, training):
    """Outputs, gradients and running statistics are those of PyTorch's layer."""
    videos, batch, mask = padded_batch(*joints)
    ours = trained_norm().train(training)
    theirs = copy.deepcopy(ours)
    row = torch.cat(videos, dim=1)[None].requires_grad_()
    weight = torch.randn_like(row)
    expected = theirs(row.flatten(2)).view_as(row)
    (expected * weight).sum().backward()

    batch.requires_grad_()
    normed = norm_frames(ours, batch, mask)
    parts = [x[:, :n] for x, n in zip(normed, LENGTHS, strict=True)]
    found = torch.cat(parts, dim=1)[None]
    (found * weight).sum().backward()

    torch.testing.assert_close(found, expected)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    gradients = [x[:, :n] for x, n in zip(batch.grad, LENGTHS, strict=True)]
    torch.testing.assert_close(torch.cat(gradients, dim=1)[None], row.grad)


IN_A_ROW = {
    'convolution': TemporalConv1d(5, 5, 3, padding=4, dilation=4),
    'norm': norm_videos,
    **{
        f'windows of {window}': partial(window_attention, window=window, blocks=False)
        for window in (1, 4, 96)
    },
    'blocks': partial(window_attention, window=4, blocks=True),
}


@pytest.mark.parametrize('name', IN_A_ROW)
def test_videos_in_a_row_get_what_each_gets_alone(name):
    """Nothing reaches across the frame where one ends and the next begins."""
    torch.manual_seed(0)
    function, lengths = IN_A_ROW[name], (40, 1, 3, 70)
    # Attention has queries, keys and values.
    inputs = 1 if name in ('convolution', 'norm') else 3
    row = torch.randn(inputs, 1, sum(lengths), 5).mT
    expected = [function(*part, None) for part in row.split(lengths, dim=3)]
    torch.testing.assert_close(function(*row, lengths), torch.cat(expected, dim=2))


@pytest.mark.parametrize(('length', 'size'), [(12, 4), (13, 5), (3, 7), (1, 1)])
def test_deterministic_pooling_is_that_of_pytorch(length, size):
    """The means of groups, which overlap if the sizes do not divide, and gradients."""
    results = []
    for deterministic in (False, True):
        torch.manual_seed(0)
        x = torch.randn(2, 3, length, requires_grad=True)
        maps = torch.randn(2, 3, length, length + 2, requires_grad=True)
        torch.use_deterministic_algorithms(deterministic)
        try:
            pooled = adaptive_mean(x, size), adaptive_mean_2d(maps, (size, 2))
            sum(y.square().sum() for y in pooled).backward()
        finally:
            torch.use_deterministic_algorithms(False)
        results.append([*pooled, x.grad, maps.grad])
    torch.testing.assert_close(*results)


def test_norm_of_one_frame_is_that_of_evaluation():
    """In a batch of one frame, be there padding or not."""
    norm = nn.BatchNorm1d(2)
    norm.running_mean.copy_(torch.tensor([1.0, 2.0]))
    norm.running_var.copy_(torch.tensor([4.0, 9.0]))
    x = torch.tensor([[[5.0, 7.0], [8.0, 7.0]]])
    mask = torch.tensor([[[1.0, 0.0]]])
    expected = torch.tensor([[[2.0, 0.0], [2.0, 0.0]]])
    torch.testing.assert_close(norm_frames(norm, x, mask), expected)
    torch.testing.assert_close(norm_frames(norm, x[..., :1], None), expected[..., :1])


def test_norm_leaves_the_padding_without_value_and_gradient():
    _, batch, mask = padded_batch(3)
    batch.requires_grad_()
    normed = norm_frames(trained_norm(), batch, mask)
    normed.square().sum().backward()
    padding = (mask == 0)[..., None].expand_as(normed)
    assert not normed[padding].any()
    assert not batch.grad[padding].any()
    assert normed[~padding].isfinite().all()


def test_norm_of_joints_has_statistics_for_each_channel_of_each_joint():
    """Channels of a joint stand in a row, joints after one another."""
    x = torch.randn(2, 2, 50, 3) * torch.tensor([1.0, 10, 100])
    norm = nn.BatchNorm1d(6, momentum=1.0)
    normed = norm_joints(norm, x, torch.ones(2, 1, 50))
    mean = x.mean(dim=(0, 2))
    torch.testing.assert_close(norm.running_mean, mean.T.flatten())
    expected = (x - mean[:, None]) / x.std(dim=(0, 2), unbiased=False)[:, None]
    torch.testing.assert_close(normed, expected, rtol=1e-3, atol=1e-4)


def test_graph_conv_agrees_with_a_loop_over_edges():
    torch.manual_seed(0)
    layer = GraphConv(2, 4, 3)
    x, adjacency = torch.randn(1, 2, 5, 6), torch.rand(3, 6, 6)
    expected = torch.zeros(1, 4, 5, 6)
    for subset in range(3):
        weight = layer.conv.weight[4 * subset : 4 * subset + 4, :, 0, 0]
        bias = layer.conv.bias[4 * subset : 4 * subset + 4, None]
        for v in range(6):
            message = weight @ x[0, :, :, v] + bias
            for w in range(6):
                expected[0, :, :, w] += adjacency[subset, v, w] * message
    torch.testing.assert_close(layer(x, adjacency), expected)


def test_channels_of_another_number_of_stages_are_an_error():
    with raises_naming(ValueError, '(8, 4)', ' 3 ', 'out_channels'):
        for_each_stage((8, 4), 3)
