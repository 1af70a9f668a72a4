import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmskelseg.models.layers.temporal_conv import (
    FrameDropout,
    TemporalConv1d,
    shifted_products,
)


@pytest.mark.parametrize('relu', [False, True])
@pytest.mark.parametrize('frames', [1, 2, 5, 40])
@pytest.mark.parametrize(
    'options',
    [
        {'kernel_size': 1},
        {'kernel_size': 3, 'padding': 1},
        {'kernel_size': 3, 'padding': 16, 'dilation': 16},
        {'kernel_size': 5, 'padding': 4, 'dilation': 2},
    ],
)
def test_convolution_is_that_of_pytorch(options, frames, relu):
    """Equal outputs and gradients, also where taps reach past the whole video."""
    torch.manual_seed(0)
    ours = TemporalConv1d(3, 4, **options).double()
    theirs = nn.Conv1d(3, 4, **options).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, frames, dtype=torch.double, requires_grad=True)
    weights = torch.randn(2, 4, frames, dtype=torch.double)
    results = []
    for conv in (ours, theirs):
        if conv is ours:
            output = conv(x, relu=relu)
        else:
            output = F.relu(conv(x)) if relu else conv(x)
        wanted = (x, conv.weight, conv.bias)
        results.append((output, *torch.autograd.grad((output * weights).sum(), wanted)))
    torch.testing.assert_close(*results)


def test_order_in_memory_changes_nothing():
    """Channels beside one another or frames beside one another are one input."""
    torch.manual_seed(0)
    conv = TemporalConv1d(3, 4, 3, padding=1)
    rows = torch.randn(2, 9, 3)
    torch.testing.assert_close(
        conv(rows.transpose(1, 2)), conv(rows.transpose(1, 2).contiguous())
    )


def test_taps_read_the_frames_that_they_name():
    """Worked out by hand: twice the frame before and ten times the one two later."""
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    taps = torch.tensor([[[2.0]], [[10.0]]])
    result = shifted_products(x, taps, [-1, 2], torch.tensor([0.5]))
    assert result.tolist() == [[[30.5, 42.5, 4.5, 6.5]]]


def test_mixed_precision_multiplies_in_bf16():
    """As PyTorch's convolutions do; parameters keep their own type's gradients."""
    torch.manual_seed(0)
    conv = TemporalConv1d(3, 4, 3, padding=2, dilation=2)
    x = torch.randn(1, 3, 20)
    with torch.autocast('cpu', torch.bfloat16):
        output = conv(x)
        expected = F.conv1d(x, conv.weight, conv.bias, padding=2, dilation=2)
    output.sum().backward()
    assert output.dtype == expected.dtype == torch.bfloat16
    assert conv.weight.grad.dtype == torch.float32
    torch.testing.assert_close(output, expected, atol=0.02, rtol=0.02)


@pytest.mark.parametrize('p', [0.0, 0.1, 0.5, 0.9, 1.0])
def test_dropout_drops_its_share_and_keeps_the_mean(p):
    """Kept values are divided by 1 - p; a gradient passes where a value does."""
    torch.manual_seed(0)
    x = torch.ones(100, 1001, requires_grad=True)
    output = FrameDropout(p)(x)
    kept = output[output > 0]
    torch.testing.assert_close(
        kept, torch.full_like(kept, 1 / max(1 - p, 1e-9)), rtol=1e-4, atol=0
    )
    share = float((output == 0).float().mean())
    # Six deviations of the share.
    assert share == pytest.approx(p, abs=6 * (p * (1 - p) / x.numel()) ** 0.5 + 1e-9)
    output.sum().backward()
    torch.testing.assert_close(x.grad, output.detach())


def test_dropout_draws_frames_channels_and_videos_apart():
    """No two rows or columns share their draws, whatever the order in memory."""
    torch.manual_seed(0)
    kept = FrameDropout(0.5)(torch.ones(2, 64, 500).transpose(1, 2)) > 0
    rows = kept.flatten(0, 1).float() - 0.5
    products = rows @ rows.T / 64 * 4
    off_diagonal = products - torch.diag(products.diagonal())
    assert off_diagonal.abs().max() < 0.9
    assert torch.equal(FrameDropout(0.5).eval()(rows), rows)


def test_dropout_follows_the_seed():
    x = torch.ones(33)
    torch.manual_seed(3)
    first = FrameDropout(0.5)(x)
    second = FrameDropout(0.5)(x)
    torch.manual_seed(3)
    assert torch.equal(FrameDropout(0.5)(x), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize('p', [0.0, 0.3])
@pytest.mark.parametrize('training', [True, False])
def test_dropout_adds_what_it_leaves(p, training):
    """With the same draws as otherwise, where there is no padding; nor do gradients."""
    dropout = FrameDropout(p).train(training)
    mask = torch.ones(2, 1, 50)
    mask[1, :, 40:] = 0
    x = torch.randn(2, 3, 50) * mask
    change = torch.randn(2, 50, 3).transpose(1, 2).requires_grad_()
    torch.manual_seed(0)
    expected = x + mask * dropout(change)
    torch.manual_seed(0)
    added = dropout.add(x, change, mask)
    torch.testing.assert_close(added, expected)
    (grad,) = torch.autograd.grad(added.sum(), change)
    assert torch.equal(grad != 0, (expected != x).expand_as(grad))
