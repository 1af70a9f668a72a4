import sys
import types
from importlib.machinery import ModuleSpec

import numpy as np
import pytest
import torch
import torchvision

from mmskelseg.encoders import FrameEncoder, network
from mmskelseg.encoders.frame import _MEAN, _STD
from mmskelseg.registry import MODELS
from tests.errors import raises_naming


def resnet18_file(tmp_path, **changes):
    """Save a random ResNet-18 without classifier; return the file and the network."""
    torch.manual_seed(1)
    network = torchvision.models.resnet18().eval()
    state = {k: v for k, v in network.state_dict().items() if not k.startswith('fc.')}
    for key, value in changes.items():
        state[key.replace('__', '.')] = value
    path = tmp_path / 'resnet18.pth'
    torch.save(state, path)
    network.fc = torch.nn.Identity()
    return path, network


@pytest.mark.parametrize(
    ('intensity', 'mapped'),
    [
        ('div3', lambda x: np.clip(x / 3, 0, 1)),
        ('clip', lambda x: np.clip(x, 0, 1)),
        ('raw', lambda x: x),
    ],
)
def test_encoder_gives_the_pooled_layer4_of_mapped_images(
    tmp_path, images, intensity, mapped
):
    """Intensity, ImageNet's mean and deviation, the network, in this order."""
    path, network = resnet18_file(tmp_path)
    encoder = FrameEncoder(
        'torchvision.resnet18', str(path), intensity=intensity, batch_size=2
    )
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (_MEAN, _STD))
    with torch.no_grad():
        expected = network(torch.from_numpy((mapped(images) - mean) / std))
    features = encoder.encode(images)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected.numpy(), atol=1e-4)


@pytest.mark.parametrize(('dtype', 'apart'), [('float32', 1e-5), ('bfloat16', 0.05)])
def test_channels_that_share_memory_are_read_as_one(tmp_path, images, dtype, apart):
    """Eight bits a number leave some hundredths of the features' size."""
    path, _ = resnet18_file(tmp_path)
    expected = FrameEncoder('torchvision.resnet18', str(path)).encode(images)
    encoder = FrameEncoder('torchvision.resnet18', str(path), dtype=dtype)
    found = encoder.encode(torch.from_numpy(images[:, :1]).expand(-1, 3, -1, -1))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=apart * expected.max())


def test_encoder_takes_files_with_classifier_and_module_prefix(tmp_path, images):
    """Weights as other tools save them give the same features."""
    path, network = resnet18_file(tmp_path)
    plain = FrameEncoder('torchvision.resnet18', str(path)).encode(images)
    state = {f'module.{k}': v for k, v in network.state_dict().items()}
    state['module.fc.weight'] = torch.zeros(1000, 512)
    torch.save({'state_dict': state}, tmp_path / 'wrapped.pth')
    wrapped = FrameEncoder('torchvision.resnet18', str(tmp_path / 'wrapped.pth'))
    np.testing.assert_array_equal(wrapped.encode(images), plain)


@pytest.mark.parametrize(
    ('arch', 'file', 'channels'),
    [
        ('vgg16', 'vgg16_imagenet_conv_fp16.pth', 512),
        ('resnet50', 'resnet50_imgsim_fp16.pth', 2048),
    ],
)
def test_encoder_loads_real_half_precision_weights(
    shared, images, arch, file, channels
):
    """The weights at hand give finite, distinct features of the stated width."""
    encoder = FrameEncoder(f'torchvision.{arch}', str(shared / 'weights' / file))
    features = encoder.encode(images[:2])
    assert features.shape == (2, channels)
    assert np.isfinite(features).all()
    assert np.abs(features[0] - features[1]).max() > 0


def test_encoder_resizes_its_input_when_asked(images):
    """At 224 pixels, VGG-16's last map has 7x7 cells to average instead of one."""
    small = FrameEncoder('torchvision.vgg16', 'none')
    large = FrameEncoder('torchvision.vgg16', 'none', input_size=224)
    maps = []
    large.network.module.features.register_forward_hook(
        lambda *args: maps.append(args[2])
    )
    large.encode(images[:1])
    assert maps[0].shape == (1, 512, 7, 7)
    assert small.encode(images[:1]).shape == (1, 512)


def test_encoder_without_weights_warns_and_is_reproducible(images, monkeypatch):
    """Random weights are the same in each run, and are called random."""
    said = []
    monkeypatch.setattr(network, 'print_log', lambda text, *_: said.append(text))
    first = FrameEncoder('torchvision.resnet18', 'none').encode(images)
    torch.manual_seed(7)
    second = FrameEncoder('torchvision.resnet18', 'none').encode(images)
    np.testing.assert_array_equal(first, second)
    assert said[0].startswith('torchvision.resnet18 has random weights')


def test_encoder_settings_name_the_content_of_a_file(tmp_path):
    """A copy is the same weights; another file at the same place is not."""
    path, _ = resnet18_file(tmp_path)
    copy = tmp_path / 'copy.pth'
    copy.write_bytes(path.read_bytes())
    before = FrameEncoder('torchvision.resnet18', str(path)).settings()
    assert FrameEncoder('torchvision.resnet18', str(copy)).settings() == before
    resnet18_file(tmp_path, bn1__bias=torch.ones(64))
    assert FrameEncoder('torchvision.resnet18', str(path)).settings() != before


@pytest.mark.parametrize('weights', ['torchvision', 'IMAGENET1K_V1'])
def test_encoder_names_the_file_that_it_cannot_download(
    tmp_path, images, monkeypatch, weights
):
    """Without a network, the message says which file is wanted and how to name it."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))

    def fail(*args, **kwargs):
        raise OSError('no route to host')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    encoder = FrameEncoder('torchvision.resnet18', weights)
    with raises_naming(RuntimeError, 'SKELSEG_WEIGHTS=resnet18-', tmp_path):
        encoder.encode(images)


def test_encoder_takes_a_download_that_is_there(tmp_path, images, monkeypatch):
    """A file in torch's cache is used, and is safe to read."""
    path, network = resnet18_file(tmp_path)
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    cache = tmp_path / 'hub' / 'checkpoints'
    cache.mkdir(parents=True)
    state = torch.load(path) | {'fc.weight': torch.zeros(3), 'fc.bias': torch.zeros(3)}
    torch.save(state, cache / weights.url.rpartition('/')[2])
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    cached = FrameEncoder('torchvision.resnet18', 'torchvision').encode(images)
    named = FrameEncoder('torchvision.resnet18', str(path)).encode(images)
    np.testing.assert_array_equal(cached, named)


@pytest.mark.parametrize(
    ('arch', 'changes', 'named'),
    [
        ('resnet18', {'layer9__weight': torch.zeros(1)}, 'layer9.weight'),
        ('resnet18', {'conv1__weight': torch.zeros(2)}, 'conv1.weight | (2,)'),
        # PyTorch would drop their imaginary part.
        ('resnet18', {'bn1__weight': torch.ones(64) + 1j}, 'bn1.weight | complex64'),
        # They leave most of a ResNet-50 empty.
        ('resnet50', {}, 'resnet50 | `arch`'),
    ],
)
def test_encoder_refuses_weights_of_another_network(
    tmp_path, images, arch, changes, named
):
    """Weights that do not fit are refused, with file and tensor."""
    path, _ = resnet18_file(tmp_path, **changes)
    encoder = FrameEncoder(f'torchvision.{arch}', str(path))
    with raises_naming(ValueError, path, named):
        encoder.encode(images)


@pytest.mark.parametrize(
    ('options', 'error', 'named'),
    [
        ({'arch': 'torchvision.resnet51'}, ValueError, "arch='torchvision.resnet51'"),
        ({'arch': 'resnet50'}, ValueError, "arch='resnet50' | 'torchvision.resnet50'"),
        ({'weights': 'a.pth'}, FileNotFoundError, "'a.pth' | SKELSEG_WEIGHTS=FILE"),
    ],
)
def test_encoder_option_at_fault_is_named(options, error, named):
    """An option that cannot work is an error when the encoder is built."""
    given = {'arch': 'torchvision.resnet18', 'weights': 'none', **options}
    with raises_naming(error, named):
        FrameEncoder(**given)


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ([1, 2], ' list '),
        ({'state_dict': 5}, ' int '),
        ({'conv1.weight': 3}, "'conv1.weight' | int "),
    ],
)
def test_encoder_refuses_a_file_that_is_not_weights(tmp_path, content, named):
    """Whatever else a file holds, it is named."""
    torch.save(content, tmp_path / 'other.pth')
    encoder = FrameEncoder('torchvision.resnet18', str(tmp_path / 'other.pth'))
    with raises_naming(ValueError, tmp_path / 'other.pth', named):
        encoder.load()


def test_encoder_takes_the_backbone_of_a_registered_model(tmp_path, images):
    """By its config; of a recognizer's checkpoint, the part under `backbone.`."""
    arch = {'type': 'mmaction.ResNet', 'depth': 18}
    torch.manual_seed(1)
    network = MODELS.build(arch)
    network.eval()
    state = {f'backbone.{k}': v for k, v in network.state_dict().items()}
    state['cls_head.fc_cls.weight'] = torch.zeros(5, 512)
    torch.save({'state_dict': state}, tmp_path / 'recognizer.pth')
    encoder = FrameEncoder(arch, str(tmp_path / 'recognizer.pth'), intensity='raw')
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (_MEAN, _STD))
    with torch.no_grad():
        expected = network(torch.from_numpy((images - mean) / std)).mean(dim=(2, 3))
    np.testing.assert_allclose(encoder.encode(images), expected.numpy(), atol=1e-4)
    assert encoder.settings()['arch'] == arch
    resnet18 = FrameEncoder(arch, str(resnet18_file(tmp_path)[0]))
    with raises_naming(ValueError, 'resnet18.pth', 'mmaction.ResNet', '`arch`'):
        resnet18.load()


def test_encoder_averages_the_last_of_several_outputs(images):
    """Of a registered backbone with several, and takes one that is pooled already."""

    class Several(torch.nn.Module):
        def forward(self, x):
            return x[:, :, :2, :2], x[:, :2]

    class Pooled(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3))[:, :2]

    for module in (Several, Pooled):
        MODELS.register_module(name=module.__name__, module=module, force=True)
    several, pooled = (
        FrameEncoder(name, 'none', intensity='raw').encode(images)
        for name in ('mmskelseg.Several', 'mmskelseg.Pooled')
    )
    mean, std = (np.array(v, np.float32) for v in (_MEAN, _STD))
    expected = (images.mean(axis=(2, 3)) - mean) / std
    np.testing.assert_allclose(several, expected[:, :2], atol=1e-4)
    np.testing.assert_allclose(pooled, expected[:, :2], atol=1e-4)


@pytest.fixture
def timm(monkeypatch):
    """A stand-in for timm with one network, whose weights are all ones."""
    tag = types.SimpleNamespace(architecture='small', tag='in1k', has_weights=True)

    def create_model(name, pretrained, num_classes):
        assert (name, num_classes) == ('small', 0)
        network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
        )
        if pretrained:
            for parameter in network.parameters():
                torch.nn.init.ones_(parameter)
        return network

    package, models = types.ModuleType('timm'), types.ModuleType('timm.models')
    package.__spec__ = ModuleSpec('timm', None)
    package.is_model = lambda name: name == 'small'
    package.create_model = create_model
    models.get_pretrained_cfg = lambda name: tag
    monkeypatch.setitem(sys.modules, 'timm', package)
    monkeypatch.setitem(sys.modules, 'timm.models', models)


@pytest.mark.usefixtures('timm')
def test_encoder_takes_networks_of_timm(images):
    """With the weights that timm names as its own, pooled as timm does."""
    encoder = FrameEncoder('timm.small', 'timm', intensity='raw')
    mean, std = (np.array(v, np.float32) for v in (_MEAN, _STD))
    total = ((images.mean(axis=(2, 3)) - mean) / std).sum(axis=1) + 1
    np.testing.assert_allclose(
        encoder.encode(images), np.stack([total] * 4, axis=1), rtol=1e-4
    )
    assert encoder.settings()['weights'] == 'timm:small.in1k'
    with raises_naming(ValueError, "'timm.tiny'", 'timm.list_models()'):
        FrameEncoder('timm.tiny', 'none')


@pytest.mark.parametrize(
    ('arch', 'named'),
    [
        ('timm.resnet18', "arch='timm.resnet18' | pip install timm"),
        ('mmaction.Nothing', "'mmaction.Nothing'"),
        ({'depth': 18}, "arch={'depth': 18}"),
    ],
)
def test_encoder_that_is_not_there_is_named(monkeypatch, arch, named):
    """Whether it is to be installed or was misspelt."""
    monkeypatch.setattr(network, 'find_spec', lambda name: None)
    with raises_naming(ValueError, named):
        FrameEncoder(arch, 'none')


@pytest.mark.parametrize('name', ['swin_t', 'vit_b_16'])
def test_network_whose_last_feature_map_is_unknown_is_refused(name):
    """Swin networks have `features`, but with channels last."""
    with raises_naming(ValueError, f'torchvision.{name}', '`fc`', '`features`'):
        FrameEncoder(f'torchvision.{name}', 'none').load()


def test_encoder_without_an_option_that_it_needs_is_an_error(images):
    """A name alone does where a backbone has defaults for all."""
    encoder = FrameEncoder('mmaction.ResNet', 'none')
    with raises_naming(ValueError, 'mmaction.ResNet', "'depth'"):
        encoder.encode(images)


def test_images_of_more_channels_are_no_photographs(rng):
    """Those of a renderer with a channel for each joint, or with velocities."""
    encoder = FrameEncoder('torchvision.resnet18', 'none')
    with raises_naming(ValueError, 'FrameEncoder', ' 17 ', ' 3;', '`stem`'):
        encoder.encode(rng.random((2, 17, 56, 56), np.float32))
