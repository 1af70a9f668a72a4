import numpy as np
import pytest
import torch

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.registry import MODELS


@pytest.fixture(scope='module')
def reference(vectors):
    return vectors('mstcn2_tiny_forward')


def weights(reference):
    return {k[2:]: torch.tensor(v) for k, v in reference.items() if k.startswith('w/')}


def tiny(**options):
    return MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 5,
            'branches': {
                'heatmap': {
                    'type': 'MSTCNPlusPlus',
                    'in_channels': 16,
                    'channels': 8,
                    'num_prediction_layers': 4,
                    'num_refinement_layers': 3,
                    **options,
                }
            },
            'head': {
                'type': 'SegmentationHead',
                'loss_cls': {'type': 'FrameCrossEntropyLoss'},
            },
        }
    ).eval()


@pytest.mark.parametrize(
    ('shared_weights', 'key'), [(False, 'y_not_shared'), (True, 'y_shared_using_Rs0')]
)
def test_converted_model_gives_the_logits_of_the_reference(
    reference, run_tool, tmp_path, shared_weights, key
):
    """All four stages agree to 1e-5, with shared refinement as well."""
    state = weights(reference)
    if shared_weights:
        state = {k: v for k, v in state.items() if not k.startswith(('Rs.1', 'Rs.2'))}
    torch.save(state, tmp_path / 'epoch-100.model')
    done = run_tool(
        'tools/model_converters/ms_tcn2.py', 'epoch-100.model', 'out/ms_tcn2.pth'
    )
    assert 'model.num_classes=5, model.branches.heatmap.in_channels=16' in done.stdout
    model = tiny(share_refinement=shared_weights)
    checkpoint = load_checkpoint(tmp_path / 'out' / 'ms_tcn2.pth')
    model.load_state_dict(checkpoint['state_dict'])
    with torch.no_grad():
        logits = model({'heatmap': torch.tensor(reference['x'])})
    np.testing.assert_allclose(logits.numpy(), reference[key], atol=1e-5)


def test_converter_names_a_missing_file(run_tool):
    """One sentence instead of a traceback."""
    done = run_tool('tools/model_converters/ms_tcn2.py', 'no.pth', 'o.pth', code=1)
    assert done.stderr.count('\n') == 1
    assert 'no.pth' in done.stderr
