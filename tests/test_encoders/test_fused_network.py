import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmskelseg.encoders import fused_network
from mmskelseg.encoders.fused_network import FusedConv2d, FusedNetwork, trace
from mmskelseg.encoders.network import find_architecture

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def random_network(name):
    """A network of torchvision with statistics as if it had been trained."""
    torch.manual_seed(0)
    network = find_architecture(f'torchvision.{name}').build().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.requires_grad_(False)


def images(count=3):
    torch.manual_seed(1)
    return torch.rand(count, 1, 56, 56)


def normalised(gray):
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    return (gray - mean) / std


@pytest.mark.parametrize(
    ('name', 'fused'),
    [
        ('resnet18', 20),
        ('resnet50', 53),
        ('vgg11_bn', 8),
        ('densenet121', 120),
        ('mobilenet_v3_small', 52),
    ],
)
def test_fused_network_gives_the_features_of_the_plain_one(name, fused):
    """Of images in three channels, and of one that stands for all three."""
    network = random_network(name)
    fast = FusedNetwork(network, MEAN, STD, torch.float32)
    gray = images()
    expected = network(normalised(gray))
    scale = float(expected.abs().max())
    found = fast(normalised(gray))
    torch.testing.assert_close(found, expected, atol=1e-4 * scale, rtol=0)
    assert fast.reads_equal_channels
    found = fast(torch.cat([gray, torch.ones_like(gray)], dim=1))
    torch.testing.assert_close(found, expected, atol=1e-4 * scale, rtol=0)
    for graph in fast._fused.values():
        kinds = [type(module) for module in graph.modules()]
        assert kinds.count(FusedConv2d) == fused


def test_fused_network_in_bfloat16_is_near():
    """Eight bits a number leave some hundredths of the features' size."""
    network = random_network('resnet18')
    gray = images()
    expected = network(normalised(gray))
    fast = FusedNetwork(network, MEAN, STD, torch.bfloat16)
    found = fast(torch.cat([gray, torch.ones_like(gray)], dim=1))
    assert found.dtype == torch.float32
    apart = (found - expected).abs().max() / expected.abs().max()
    assert 0 < apart < 0.05


class Awkward(nn.Module):
    """What must not be fused: shared layers, shared results, sums that broadcast."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.again = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.conv(x)
        y = self.relu(x) - x
        y = self.relu(self.again(self.again(y)))
        y = torch.relu(self.last(y) + y.mean(dim=(2, 3), keepdim=True))
        return F.relu(y + y).mean(dim=(2, 3))


def test_fused_network_leaves_alone_what_others_read():
    """Results that two layers read, and layers that run twice, stay."""
    torch.manual_seed(0)
    network = Awkward().eval().requires_grad_(False)
    fast = FusedNetwork(network, MEAN, STD, torch.float32)
    x = torch.randn(2, 3, 10, 10)
    torch.testing.assert_close(fast(x), network(x), atol=1e-5, rtol=1e-5)


class Undecided(nn.Module):
    """A network whose way depends on the values of its input."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x if x.sum() > 0 else -x).mean(dim=(2, 3))


def test_network_that_has_no_graph_runs_as_it_is():
    """Its code decides while it runs; equal channels are not read as one then."""
    network = Undecided().eval().requires_grad_(False)
    fast = FusedNetwork(network, MEAN, STD, torch.float32)
    assert not fast.reads_equal_channels
    x = torch.randn(2, 3, 10, 10)
    torch.testing.assert_close(fast(x), network(x))
    assert trace(network) is None


@pytest.mark.parametrize('fault', ['missing', 'wrong'])
def test_layers_that_do_not_give_the_same_are_not_used(monkeypatch, fault):
    """They rest on operators that a release of PyTorch may change."""

    def broken(self, x, summand=None):
        if fault == 'missing':
            raise AttributeError('no such operator')
        return torch.zeros(len(x), 64, 28, 28)

    said = []
    monkeypatch.setattr(FusedConv2d, 'forward', broken)
    monkeypatch.setattr(fused_network, 'print_log', lambda text, *_: said.append(text))
    network = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3), nn.AdaptiveAvgPool2d(1))
    network = network.eval().requires_grad_(False)
    fast = FusedNetwork(copy.deepcopy(network), MEAN, STD, torch.float32)
    x = torch.randn(2, 3, 56, 56)
    torch.testing.assert_close(fast(x), network(x))
    assert said[0].startswith('The network runs without fused layers: ')
