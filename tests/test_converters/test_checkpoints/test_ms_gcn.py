import numpy as np
import pytest
import torch

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.registry import MODELS


@pytest.fixture(scope='module')
def reference(vectors):
    return vectors('msgcn_tiny_forward')


@pytest.fixture
def converted(reference, run_tool, tmp_path):
    """The reference's checkpoint under our names."""
    state = {k[2:]: torch.tensor(v) for k, v in reference.items() if k[:2] == 'w/'}
    torch.save(state, tmp_path / 'epoch-100.model')
    done = run_tool('tools/model_converters/ms_gcn.py', 'epoch-100.model', 'o/gcn.pth')
    assert 'num_classes=5, model.branches.pose3d.in_channels=6, channels=8' in (
        done.stdout
    )
    return load_checkpoint(tmp_path / 'o' / 'gcn.pth')['state_dict']


def test_converted_model_gives_the_logits_of_the_reference(reference, converted):
    """All four stages agree, on the graph that the checkpoint brings."""
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 5,
            'branches': {
                'pose3d': {
                    'type': 'MSGCN',
                    'in_channels': 6,
                    'channels': 8,
                    # Another graph than that of the checkpoint
                    'skeleton': {'joints': 15, 'limbs': []},
                }
            },
            'head': {
                'type': 'SegmentationHead',
                'loss_cls': {'type': 'FrameCrossEntropyLoss'},
            },
        }
    ).eval()
    model.load_state_dict(converted)
    with torch.no_grad():
        logits = model({'pose3d': torch.tensor(reference['x'][..., 0])})
    np.testing.assert_allclose(logits.numpy(), reference['y'], atol=1e-5)


@pytest.mark.parametrize(
    ('state', 'message'),
    [
        ({'conv1.weight': torch.zeros(3)}, "'conv1.weight' is not a name of MS-GCN"),
        ({'stream.A': torch.zeros(3, 9, 9)}, "'stream.conv_1x1.weight' is missing"),
    ],
)
def test_converter_names_what_is_not_ms_gcn(call_tool, tmp_path, state, message):
    """Another network's file, or a part of one, is refused, and nothing is written."""
    torch.save(state, tmp_path / 'other.pth')
    done = call_tool(
        'tools/model_converters/ms_gcn.py',
        tmp_path / 'other.pth',
        tmp_path / 'o.pth',
        code=1,
    )
    assert done.stderr.startswith(f'error: {tmp_path / "other.pth"}: {message}')
    assert not (tmp_path / 'o.pth').exists()
