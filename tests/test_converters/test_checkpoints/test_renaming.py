"""Checkpoints of reference code under our names."""

import numpy as np
import pytest
import torch

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.converters.checkpoints import ms_tcn2
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.oracle import run_command

MS_GCN = {
    'type': 'MSGCN', 'in_channels': 6, 'channels': 8,
    # Another graph than that of the checkpoint.
    'skeleton': {'joints': 15, 'limbs': []},
}  # fmt: skip
MS_TCN2 = {
    'type': 'MSTCNPlusPlus', 'in_channels': 16, 'channels': 8,
    'num_prediction_layers': 4, 'num_refinement_layers': 3,
}  # fmt: skip


def tool(name):
    return f'tools/model_converters/{name}.py'


@pytest.mark.parametrize(
    ('name', 'modality', 'network', 'dropped', 'key'),
    [
        ('ms_gcn', 'pose3d', MS_GCN, (), 'y'),
        ('ms_tcn2', 'heatmap', MS_TCN2, (), 'y_not_shared'),
        (
            'ms_tcn2',
            'heatmap',
            {**MS_TCN2, 'share_refinement': True},
            ('Rs.1', 'Rs.2'),
            'y_shared_using_Rs0',
        ),
    ],
)
def test_converted_model_gives_the_logits_of_the_reference(
    vectors, run_tool, tmp_path, name, modality, network, dropped, key
):
    """All four stages agree to 1e-5."""
    reference = vectors(f'{name.replace("_", "")}_tiny_forward')
    state = {
        k[2:]: torch.tensor(v)
        for k, v in reference.items()
        if k.startswith('w/') and not k[2:].startswith(dropped or '-')
    }
    torch.save(state, tmp_path / 'epoch-100.model')
    done = run_tool(tool(name), 'epoch-100.model', 'o/converted.pth')
    assert (
        f'num_classes=5, model.branches.{modality}.in_channels='
        f'{network["in_channels"]}, channels=8'
    ) in done.stdout
    loss = {'type': 'FrameCrossEntropyLoss'}
    model = MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 5,
            'branches': {modality: network},
            'head': {'type': 'SegmentationHead', 'loss_cls': loss},
        }
    ).eval()
    converted = load_checkpoint(tmp_path / 'o' / 'converted.pth')
    model.load_state_dict(converted['state_dict'])
    x = reference['x'][..., 0] if name == 'ms_gcn' else reference['x']
    with torch.no_grad():
        logits = model({modality: torch.tensor(x)})
    np.testing.assert_allclose(logits.numpy(), reference[key], atol=1e-5)


@pytest.mark.parametrize(
    ('state', 'message'),
    [
        ({'conv1.weight': torch.zeros(3)}, "'conv1.weight' is not a name of MS-GCN"),
        ({'stream.A': torch.zeros(3, 9, 9)}, "'stream.conv_1x1.weight' is missing"),
        (None, 'there is no such file'),
    ],
)
def test_converter_names_what_is_not_ms_gcn(call_tool, tmp_path, state, message):
    """Another network's file, or a part of one, is refused, and nothing is written."""
    source, out = tmp_path / 'other.pth', tmp_path / 'o.pth'
    if state is not None:
        torch.save(state, source)
    done = call_tool(tool('ms_gcn'), source, out, code=1)
    assert done.stderr.startswith(f'error: {source}: {message}')
    assert done.stderr.count('\n') == 1
    assert not out.exists()


@pytest.mark.parametrize('more', [{}, {f'Rs.{"9" * 5000}.conv_out.bias': 1.0}])
def test_weights_of_other_shapes_are_named(tmp_path, more):
    path = tmp_path / 'epoch-1.model'
    state = {'PG.conv_1x1_in.weight': 1.0, 'PG.conv_out.bias': 2.0, **more}
    torch.save({key: torch.tensor(value) for key, value in state.items()}, path)
    with raises_naming(UserError, path):
        run_command(ms_tcn2.main, path, tmp_path / 'b.pth')
