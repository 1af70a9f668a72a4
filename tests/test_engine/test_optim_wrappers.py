import pytest
import torch
from torch import nn

from mmskelseg.registry import OPTIM_WRAPPERS


@pytest.mark.parametrize('accumulative_counts', [1, 2])
def test_bfloat16_multiplies_in_it_and_steps_in_single_precision(accumulative_counts):
    """Parameters keep their type, and the step is near the exact one."""
    torch.manual_seed(0)
    layer = nn.Linear(64, 8)
    x, before = torch.randn(16, 64), layer.weight.detach().clone()
    wrapper = OPTIM_WRAPPERS.build(
        {
            'type': 'BFloat16OptimWrapper',
            'optimizer': torch.optim.SGD(layer.parameters(), lr=1.0),
            'accumulative_counts': accumulative_counts,
        }
    )
    for _ in range(accumulative_counts):
        with wrapper.optim_context(layer):
            output = layer(x)
        assert output.dtype == torch.bfloat16
        wrapper.update_params(output.float().sum())
    assert layer.weight.dtype == torch.float32
    assert not torch.is_autocast_enabled('cpu')
    step = (before - layer.weight).detach()
    torch.testing.assert_close(step, x.sum(dim=0).expand(8, -1), atol=0.1, rtol=0.02)
