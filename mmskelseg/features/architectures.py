"""Networks that may be named as encoders: torchvision's, timm's and registered ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
import torchvision
from mmengine.config import ConfigDict
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from mmskelseg.registry import MODELS


@dataclass(frozen=True)
class Download:
    """Weights that a library fetches.

    Args:
        identity: A name for what they hold.
        read: Returns them, and raises an OSError or RuntimeError where it cannot.
        elsewhere: What to do in that case.
    """

    identity: str
    read: Callable[[], Mapping[str, Tensor]]
    elsewhere: str


@dataclass(frozen=True)
class Architecture:
    """A network that gives its pooled last feature map.

    Args:
        name: What it is called in messages.
        build: Returns it, with PyTorch's random weights.
        downloads: Weights of it that its library fetches, by name.
    """

    name: str
    build: Callable[[], nn.Module]
    downloads: Mapping[str, Download] = field(default_factory=dict)


def find_architecture(arch: str | Mapping[str, Any]) -> Architecture:
    """Return what ``arch`` of an encoder stands for.

    Args:
        arch: ``torchvision.`` or ``timm.`` and the name of a network of theirs, the
            name of a registered backbone with its scope, or such a backbone's config.

    Raises:
        ValueError: If there is no such network.
    """
    if isinstance(arch, str):
        library, _, name = arch.partition('.')
        if library == 'torchvision' and name in _torchvision_networks():
            return _torchvision(name)
        if library == 'timm':
            return _timm(name)
        if not name or library == 'torchvision':
            raise ValueError(
                f"arch={arch!r} is not one of torchvision's classification networks, "
                "nor timm's, nor a registered backbone with its scope; write for "
                "example 'torchvision.resnet50'."
            )
        arch = {'type': arch}
    return _registered(ConfigDict(arch).to_dict())


def _torchvision_networks() -> list[str]:
    return torchvision.models.list_models(module=torchvision.models)


def _torchvision(name: str) -> Architecture:
    members = torchvision.models.get_model_weights(name).__members__
    downloads = {key: _torchvision_download(value) for key, value in members.items()}
    if 'IMAGENET1K_V1' in downloads:
        downloads['torchvision'] = downloads['IMAGENET1K_V1']
    return Architecture(name, lambda: _without_classifier(name), downloads)


def _torchvision_download(weights: WeightsEnum) -> Download:
    def read() -> Mapping[str, Tensor]:
        return weights.get_state_dict(
            progress=True, check_hash=True, map_location='cpu', weights_only=True
        )

    # The name of the file carries the start of its SHA-256.
    file = weights.url.rpartition('/')[2]
    return Download(
        file,
        read,
        f'Fetch {weights.url} elsewhere and name the file: SKELSEG_WEIGHTS={file}; or '
        f'put it into {torch.hub.get_dir()}/checkpoints.',
    )


def _without_classifier(name: str) -> nn.Module:
    network = torchvision.models.get_model(name, weights=None)
    if hasattr(network, 'fc'):
        network.fc = nn.Identity()
        return network
    if hasattr(network, 'features'):
        return _Features(network.features)
    raise ValueError(
        f'torchvision.{name} has neither `fc` nor `features`, so that its last feature '
        'map is not known; use for example a ResNet, VGG, DenseNet or EfficientNet.'
    )


class _Features(nn.Module):
    """The global average of a trunk, under the trunk's own parameter names."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        return self.features(images).mean(dim=(2, 3))


def _timm(name: str) -> Architecture:
    if find_spec('timm') is None:
        raise ValueError(
            f"arch='timm.{name}' needs timm, which is not installed; run pip install "
            'timm.'
        )
    timm = import_module('timm')
    if not timm.is_model(name):
        raise ValueError(
            f"arch='timm.{name}' is not one of timm's networks; timm.list_models() "
            'lists them.'
        )

    def build(pretrained: bool = False) -> nn.Module:
        return timm.create_model(name, pretrained=pretrained, num_classes=0)

    cfg = import_module('timm.models').get_pretrained_cfg(name)
    if cfg is None or not cfg.has_weights:
        return Architecture(name, build)
    full_name = f'{cfg.architecture}.{cfg.tag}'
    download = Download(
        f'timm:{full_name}',
        lambda: build(pretrained=True).state_dict(),
        f'Fetch timm/{full_name} elsewhere, save its state dict, and name the file.',
    )
    return Architecture(name, build, {'timm': download})


def _registered(cfg: dict[str, Any]) -> Architecture:
    name = cfg.get('type')
    if not isinstance(name, str) or MODELS.get(name) is None:
        raise ValueError(
            f'arch={cfg} names no registered network; give its type with its scope, as '
            "in dict(type='mmaction.ResNet', depth=50), and see that its package is "
            'installed.'
        )

    def build() -> nn.Module:
        try:
            network = MODELS.build(cfg)
        except TypeError as error:
            raise ValueError(f'arch={cfg} cannot be built: {error}') from error
        # A hook, so that its weights keep their names.
        network.register_forward_hook(lambda module, inputs, output: _pooled(output))
        return network

    return Architecture(name, build)


def _pooled(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the global average (N, C) of a backbone's last output (N, C, ...)."""
    last = output if isinstance(output, Tensor) else output[-1]
    return last.flatten(2).mean(dim=2) if last.dim() > 2 else last
