"""Models on CPUs and on other devices: equal results, and no waiting in between."""

import copy

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.encoders import FrameEncoder
from mmskelseg.models.layers import TemporalConv1d
from mmskelseg.registry import MODELS

SMALL = {'channels': 8, 'num_refinement_layers': 3}
REFINED = {**SMALL, 'num_refinements': 1}
TCN = {
    'type': 'MSTCNPlusPlus',
    'in_channels': 6,
    'num_prediction_layers': 4,
    'dropout': 0.0,
    **SMALL,
}
JOINTS = {'in_channels': 3, 'skeleton': 'lcr15'}
STGCN = {
    'type': 'mmaction.STGCN',
    'graph_cfg': {'mode': 'stgcn_spatial'},
    'down_stages': [],
    'base_channels': 8,
    'num_stages': 2,
    'inflate_stages': [],
}
GRAPHS = {
    'ms_gcn': {'type': 'MSGCN', 'num_layers': 3, **JOINTS, **REFINED},
    'stl': {
        'type': 'GCNTCN',
        'graph_channels': (8,),
        'stem_channels': 16,
        'channels': 6,
        'out_channels': 10,
        'dropout': 0.0,
        **JOINTS,
    },
    'st_pgn': {'type': 'PyramidGCN', 'channels': 8, 'num_layers': 2, **JOINTS},
    'stgcn': {
        'type': 'MMActionGCN',
        'network': STGCN,
        'network_channels': 8,
        'dropout': 0.0,
        **JOINTS,
        **REFINED,
    },
}
CAUSAL = {
    'type': 'CausalTCN',
    'in_channels': 6,
    'channels': 8,
    'num_layers': 3,
    'dropout': 0.0,
}
ASFORMER = {
    'type': 'ASFormer',
    'in_channels': 6,
    'channels': 8,
    'num_layers': 4,
    'channel_masking': 0.0,
    'dropout': 0.0,
}
LTCONTEXT = {
    'type': 'LTContext',
    'in_channels': 6,
    'channels': 8,
    'num_layers': 3,
    'num_refinements': 1,
    'stride': 5,
    'channel_masking': 0.0,
    'dropout': 0.0,
    'output_dropout': 0.0,
}
C2F_TCN = {
    'type': 'C2FTCN',
    'in_channels': 6,
    'encoder_channels': (6, 5, 4),
    'channels': 8,
    'num_outputs': 2,
}
RISK = {'type': 'RiskHead', 'reduced_channels': 5, 'channels': 4}
HEAD = {
    'type': 'SegmentationHead',
    'loss_cls': {'type': 'FrameCrossEntropyLoss'},
    'loss_smooth': {'type': 'TruncatedMSELoss'},
}
ASRF = {
    'head': {
        'type': 'SegmentationHead',
        'loss_cls': {
            'type': 'FrameCrossEntropyLoss',
            'class_weight': [1, 2, 3, 4, 5],
            'boundary_smoothing': 2,
        },
        'loss_smooth': {'type': 'TruncatedMSELoss', 'similarity': 2.0},
    },
    'boundary_head': {
        'type': 'BoundaryHead', 'channels': 8, 'num_layers': 3, 'dropout': 0.0
    },
}  # fmt: skip
# Branches, and what else the model has.
NETWORKS = {
    'ms_tcn': ({'a': TCN}, {}),
    'fusion': ({'a': TCN, 'b': TCN}, {}),
    'causal': ({'a': CAUSAL}, {}),
    'asformer': ({'a': ASFORMER}, {}),
    'ltcontext': ({'a': LTCONTEXT}, {}),
    'c2f_tcn': ({'a': C2F_TCN}, {'head': {**HEAD, 'num_levels': 2}}),
    **{name: ({'a': backbone}, {}) for name, backbone in GRAPHS.items()},
    'mtl': ({'a': GRAPHS['stl']}, {'risk_head': RISK}),
    'asrf': ({'a': TCN}, ASRF),
    'asrf_of_joints': ({'a': GRAPHS['ms_gcn']}, ASRF),
}
every_network = pytest.mark.parametrize('name', NETWORKS)
on_gpu = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU'),
]
gpu = pytest.param('cuda', marks=on_gpu)


def build(name):
    torch.manual_seed(0)
    branches, options = NETWORKS[name]
    return MODELS.build(
        {
            'type': 'ActionSegmentor',
            'num_classes': 5,
            'branches': branches,
            'fusion': {'neck': {'type': 'ConcatFusion'}} if len(branches) > 1 else None,
            'head': HEAD,
            **options,
        }
    )


def batch_of(name, lengths):
    """Return inputs on the host, padded, and samples."""
    torch.manual_seed(1)
    inputs, T = {}, max(lengths)
    for key, backbone in NETWORKS[name][0].items():
        joints = (15,) if 'skeleton' in backbone else ()
        inputs[key] = torch.randn(len(lengths), backbone['in_channels'], T, *joints)
    samples = []
    for i, n in enumerate(lengths):
        sample = ActionDataSample(metainfo={'frame_dir': f'v{i}', 'total_frames': n})
        sample.set_gt_label(torch.randint(5, (n,)))
        sample.set_field(torch.rand(n), 'gt_risk', dtype=torch.Tensor)
        samples.append(sample)
    return inputs, samples


def step(model, inputs, samples):
    """Return the losses of a training step and the gradients."""
    model.zero_grad()
    losses = model(inputs, samples, mode='loss')
    sum(losses.values()).backward()
    return [*losses.values(), *(p.grad for p in model.parameters())]


@every_network
@pytest.mark.parametrize('lengths', [(30, 30), (30, 17)])
def test_both_ways_of_convolution_give_equal_losses_and_gradients(
    name, lengths, monkeypatch
):
    """The loops of CPUs and PyTorch's layers, from one set of weights."""
    model = build(name).double()
    inputs, samples = batch_of(name, lengths)
    results = []
    for loops in (True, False):
        monkeypatch.setattr(TemporalConv1d, 'loops', loops)
        copied = copy.deepcopy(model)
        results.append([copied(inputs, samples), *step(copied, inputs, samples)])
    torch.testing.assert_close(*results)


@every_network
def test_step_and_forward_read_no_value_of_a_device(name):
    """Tensors of the device `meta` have no values, so that reading one is an error."""
    inputs, samples = batch_of(name, (30, 30))
    inputs = {key: x.to('meta') for key, x in inputs.items()}
    model = build(name).to('meta')
    assert step(model, inputs, samples)[0].device.type == 'meta'
    with torch.no_grad():
        assert model.eval()(inputs).shape[3] == 30
        model(inputs, samples, mode='predict')


def test_padding_of_convolutions_reads_no_value_of_a_device():
    """Where nothing normalises, a padded batch is no exception."""
    inputs, samples = batch_of('ms_tcn', (30, 17))
    step(build('ms_tcn').to('meta'), {'a': inputs['a'].to('meta')}, samples)


@every_network
def test_training_video_of_one_frame_suffices(name):
    """Batch norms without a second value use the statistics that they have."""
    model = build(name)
    results = step(model, *batch_of(name, (1,)))
    assert all(torch.isfinite(x).all() for x in results if x is not None)
    assert all(torch.isfinite(x).all() for x in model.buffers())
    assert all(module.training for module in model.modules())


@every_network
@pytest.mark.parametrize('lengths', [(30, 30), (30, 17)])
@pytest.mark.parametrize('device', [gpu])
def test_gpu_gives_the_losses_and_gradients_of_the_cpu(name, lengths, device):
    """In double precision, where rounding moves no ReLU to the other side of 0."""
    model = build(name).double()
    inputs, samples = batch_of(name, lengths)
    expected = [model(inputs, samples), *step(model, inputs, samples)]
    model = build(name).double().to(device)
    inputs = {key: x.to(device) for key, x in inputs.items()}
    found = [model(inputs, samples), *step(model, inputs, samples)]
    torch.testing.assert_close([x.cpu() for x in found], expected)


@every_network
@pytest.mark.parametrize('device', [gpu])
def test_step_does_not_wait_for_the_gpu(name, device):
    """Without padding, PyTorch finds no point at which the host waits."""
    model = build(name).to(device)
    inputs, samples = batch_of(name, (30, 30))
    inputs = {key: x.to(device) for key, x in inputs.items()}
    step(model, inputs, samples)
    torch.cuda.set_sync_debug_mode('error')
    try:
        model(inputs, samples, mode='loss')
    finally:
        torch.cuda.set_sync_debug_mode('default')


@pytest.mark.parametrize('device', [gpu])
def test_gpu_makes_the_features_of_the_cpu(device):
    """FrameEncoder picks the GPU; the network alone runs on the CPU beside it."""
    encoder = FrameEncoder('torchvision.resnet18', 'none')
    images = torch.rand(5, 3, 56, 56) * 3
    found = encoder.encode(images)
    assert next(encoder.network.module.parameters()).device.type == device
    network = copy.deepcopy(encoder.network.module).cpu()
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.no_grad():
        expected = network((images / 3 - mean) / std).numpy()
    # cuDNN multiplies in TF32.
    atol = 1e-2 * float(np.abs(expected).max())
    np.testing.assert_allclose(found, expected, atol=atol)
