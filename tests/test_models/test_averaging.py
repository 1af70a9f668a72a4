"""Moving averages of the weights of a training."""

import torch
from mmengine.model import MomentumAnnealingEMA
from torch import nn

from mmskelseg.models import AnnealedAverage


def test_average_is_that_of_mmengine_to_the_digit():
    """Also of running statistics; counters stay those of the first step."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    slow = MomentumAnnealingEMA(net, 0.2, 9, update_buffers=True)
    fast = AnnealedAverage(net, momentum=0.2, gamma=9)
    for _ in range(50):
        net(torch.randn(5, 3))
        for weight in net.parameters():
            weight.data.normal_()
        slow.update_parameters(net)
        fast.update_parameters(net)
    expected = slow.state_dict()
    assert fast.state_dict().keys() == expected.keys()
    for name, value in fast.state_dict().items():
        assert torch.equal(value, expected[name])
