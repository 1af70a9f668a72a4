"""Models on CPUs and on other devices: equal results, and no waiting in between."""

import copy

import numpy as np
import pytest
import torch

from mmskelseg.encoders import FrameEncoder
from mmskelseg.models.layers.standardizer import FeatureStandardizer
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from tests.devices import FromMeta, Operators
from tests.segmentors import (
    ASFORMER,
    BOUNDARY,
    CAUSAL,
    GCN_TCN,
    MS_GCN,
    PYRAMID_GCN,
    TCN,
    build_segmentor,
    labelled_samples,
    random_videos,
)

STGCN = {
    'type': 'MMActionGCN', 'in_channels': 3, 'skeleton': 'lcr15', 'channels': 8,
    'network_channels': 8, 'num_refinement_layers': 3, 'num_refinements': 1,
    'dropout': 0.0,
    'network': {
        'type': 'mmaction.STGCN', 'graph_cfg': {'mode': 'stgcn_spatial'},
        'base_channels': 8, 'num_stages': 2, 'down_stages': [], 'inflate_stages': [],
    },
}  # fmt: skip
SLOW_STGCN = {
    **STGCN, 'upsample': 2,
    'network': {**STGCN['network'], 'num_stages': 3, 'down_stages': [2]},
}  # fmt: skip
IMAGES = {**TCN, 'stem': {'type': 'HeatmapEncoder', 'arch': (4, 8), 'out_channels': 5}}
RISK = {'type': 'RiskHead', 'reduced_channels': 5, 'channels': 4}
ASRF = {
    'head': {
        'type': 'SegmentationHead',
        'loss_cls': {
            'type': 'FrameCrossEntropyLoss', 'class_weight': [1, 2, 3, 4, 5],
            'boundary_smoothing': 2,
        },
        'loss_smooth': {'type': 'TruncatedMSELoss', 'similarity': 2.0},
    },
    'auxiliary': [BOUNDARY],
}  # fmt: skip
# Branches, and what else the model has.
NETWORKS = {
    'ms_tcn': ({'a': TCN}, {}),
    'fusion': ({'a': TCN, 'b': TCN}, {}),
    'causal': ({'a': CAUSAL}, {}),
    'asformer': ({'a': ASFORMER}, {}),
    'ms_gcn': ({'a': MS_GCN}, {}),
    'stl': ({'a': GCN_TCN}, {}),
    'st_pgn': ({'a': PYRAMID_GCN}, {}),
    'stgcn': ({'a': STGCN}, {}),
    'slow_stgcn': ({'a': SLOW_STGCN}, {}),
    'images': ({'a': IMAGES}, {}),
    'mtl': ({'a': GCN_TCN}, {'auxiliary': [RISK]}),
    'asrf': ({'a': TCN}, ASRF),
    'asrf_of_joints': ({'a': MS_GCN}, ASRF),
}
# What reads the features of a step, so that it cannot run without values.
EXTRAS = {
    'timestamps': ({'a': TCN}, {'auxiliary': [{'type': 'TimestampSupervision'}]}),
    'contrast': ({'a': TCN}, {'auxiliary': [{'type': 'SegmentContrastLoss'}]}),
    'tiers': ({'a': TCN}, {'tiers': [2, 3]}),
}
every_network = pytest.mark.parametrize('name', NETWORKS)
on_gpu = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no GPU'),
]
gpu = pytest.param('cuda', marks=on_gpu)


def build(name):
    branches, options = {**NETWORKS, **EXTRAS}[name]
    return build_segmentor(branches, **options)


def batch_of(name, lengths):
    """Return inputs on the host, padded, and samples."""
    branches, options = {**NETWORKS, **EXTRAS}[name]
    inputs = random_videos(branches, max(lengths), number=len(lengths))
    samples = labelled_samples(lengths)
    for sample in samples if 'tiers' in options else ():
        label = sample.gt_label
        sample.set_gt_label(torch.stack([label % 2, label % 3]))
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


def test_statistics_of_features_need_no_float64_on_the_device():
    """Apple's GPUs do not know it, and some of NVIDIA's are slow with it."""
    part = FeatureStandardizer(6)
    videos = [3 + 2 * torch.randn(6, 90), torch.randn(6, 20)]
    with Operators('meta') as called, FromMeta():
        part.to('meta').fit(videos)
    assert called.types == {torch.float32, torch.bool}


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


@pytest.fixture
def deterministic(monkeypatch):
    """What `mmskelseg train --deterministic` sets."""
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize('name', [*NETWORKS, *EXTRAS])
def test_training_is_deterministic_on_gpus(name, deterministic, monkeypatch):
    """No operator is without a deterministic kernel, of which PyTorch has a list."""
    monkeypatch.setattr(TemporalConv1d, 'loops', False)
    # What copies features to the CPU may do anything there.
    device = 'meta' if name == 'timestamps' else 'cpu'
    inputs, samples = batch_of(name, (30, 17))
    inputs = {key: x.to(device) for key, x in inputs.items()}
    with FromMeta(), Operators(device) as called:
        step(build(name).to(device), inputs, samples)
    assert not called.not_deterministic


@pytest.mark.parametrize('name', [*NETWORKS, *EXTRAS])
@pytest.mark.parametrize('device', [gpu])
def test_steps_on_a_gpu_are_equal_to_the_digit(name, deterministic, device):
    inputs, samples = batch_of(name, (30, 17))
    inputs = {key: x.to(device) for key, x in inputs.items()}
    first, second = (step(build(name).to(device), inputs, samples) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)


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
