"""Frozen networks: torchvision's, timm's or registered ones, with their weights."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torchvision
from mmengine.config import ConfigDict
from mmengine.device import get_device
from mmengine.logging import print_log
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from mmskelseg.fileio.checkpoints import load_state_dict
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import MissingFileError, UnavailableError, UserError

# Parts of a classification network that turn the feature into classes.
_CLASSIFIERS = ('fc.', 'classifier.', 'head.')
# What a checkpoint of the OpenMMLab family puts before a backbone's weights.
_BACKBONE = 'backbone.'


class FrozenNetwork:
    """A network that gives one feature an input, loaded when it is first needed.

    Args:
        arch: See :func:`find_architecture`.
        weights: ``none``, the name of weights that its library offers for it, or the
            path of a file.

    Raises:
        UserError: If there is no such network; on first use, if the weights are those
            of another or cannot be downloaded.
        MissingFileError: If there is no such file.
    """

    def __init__(self, arch: str | Mapping[str, Any], weights: str) -> None:
        self.arch = arch if isinstance(arch, str) else ConfigDict(arch).to_dict()
        self.weights = weights
        self._architecture = find_architecture(arch)
        self._download = self._architecture.downloads.get(weights)
        self._path = Path(weights).expanduser().absolute()
        if weights != 'none' and self._download is None and not self._path.is_file():
            offered = ', '.join(self._architecture.downloads)
            raise MissingFileError(
                f'{weights!r}: there is no such file of weights for '
                f'{self._architecture.name}; name a file (SKELSEG_WEIGHTS=FILE), '
                + (f'one of {offered} to download ImageNet weights, ' * bool(offered))
                + 'or none for random ones.'
            )

    def settings(self) -> dict[str, Any]:
        """Return all that decides its features, as plain values.

        Weights are named by what they hold, so that neither a file that was replaced
        nor one that was moved is mistaken for another.
        """
        return {'arch': self.arch, 'weights': self._identity()}

    @cached_property
    def module(self) -> nn.Module:
        """The network, in evaluation, on the device that MMEngine picks."""
        with torch.random.fork_rng(devices=[]):
            # So that random weights are the same ones in every run.
            torch.manual_seed(0)
            network = self._architecture.build()
        if self.weights == 'none':
            name = self.arch if isinstance(self.arch, str) else self.arch['type']
            print_log(
                f'{name} gets random weights (weights=none), so that its features '
                'say little; name a file, or weights of its library to download.',
                logger='current',
                level=30,
            )
        else:
            network.load_state_dict(self._state(network.state_dict()))
        # In turn, since those of MMAction2 do not return themselves.
        network.eval()
        network.requires_grad_(False)
        return network.to(get_device())

    def _identity(self) -> str:
        if self.weights == 'none':
            return 'none'
        if self._download is not None:
            return self._download.identity
        digest = hashlib.sha256()
        with self._path.open('rb') as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return f'sha256:{digest.hexdigest()}'

    def _state(self, expected: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the weights for a network without classifier, checked.

        Of a file with a whole model of the OpenMMLab family, these are the weights
        under ``backbone.``.
        """
        state = self._read()
        if any(key.startswith(_BACKBONE) for key in state.keys() - expected.keys()):
            state = {
                key.removeprefix(_BACKBONE): value
                for key, value in state.items()
                if key.startswith(_BACKBONE)
            }
        state = {
            key: value
            for key, value in state.items()
            if not key.startswith(_CLASSIFIERS) or key in expected
        }
        counters = {key for key in expected if key.endswith('num_batches_tracked')}
        missing = sorted(expected.keys() - state.keys() - counters)
        foreign = sorted(state.keys() - expected.keys())
        wrong = [
            f'{key} is {tuple(state[key].shape)} instead of {tuple(value.shape)}'
            for key, value in expected.items()
            if key in state and state[key].shape != value.shape
        ]
        faults = []
        if missing:
            faults.append(f'{len(missing)} tensors are missing, as {missing[0]}')
        if foreign:
            faults.append(f'{len(foreign)} tensors are not its own, as {foreign[0]}')
        faults += wrong[:1]
        if faults:
            name = self._architecture.name
            raise UserError(
                f'{self.weights}: not the weights of {name}: {"; ".join(faults)}. Name '
                f'a file with weights of {name}, or set `arch` to their network.'
            )
        return state

    def _read(self) -> dict[str, Tensor]:
        if self._download is None:
            return load_state_dict(self._path)
        try:
            return dict(self._download.read())
        except (OSError, RuntimeError) as error:
            raise UnavailableError(
                f'{self._download.identity} could not be downloaded ({error}). '
                f'{self._download.elsewhere}'
            ) from error


@dataclass(frozen=True)
class Download:
    """Weights that a library fetches.

    Args:
        identity: A name for their content.
        read: Returns them, and raises an OSError or RuntimeError where it cannot.
        elsewhere: The remedy in that case.
    """

    identity: str
    read: Callable[[], Mapping[str, Tensor]]
    elsewhere: str


@dataclass(frozen=True)
class Architecture:
    """A network that gives its pooled last feature map.

    Args:
        name: Its name in messages.
        build: Returns it, with PyTorch's random weights.
        downloads: Weights of it that its library fetches, by name.
    """

    name: str
    build: Callable[[], nn.Module]
    downloads: Mapping[str, Download] = field(default_factory=dict)


def find_architecture(arch: str | Mapping[str, Any]) -> Architecture:
    """Return the network for ``arch`` of an encoder.

    Args:
        arch: ``torchvision.`` or ``timm.`` and the name of a network of theirs, the
            name of a registered backbone with its scope, or such a backbone's config.
    """
    if isinstance(arch, str):
        library, _, name = arch.partition('.')
        if library == 'torchvision' and name in torchvision.models.list_models(
            module=torchvision.models
        ):
            return _torchvision(name)
        if library == 'timm':
            return _timm(name)
        if not name or library == 'torchvision':
            raise UserError(
                f"arch={arch!r} is not one of torchvision's classification networks, "
                "nor timm's, nor a registered backbone with its scope; write for "
                "example 'torchvision.resnet50'."
            )
        arch = {'type': arch}
    return _registered(ConfigDict(arch).to_dict())


def _torchvision(name: str) -> Architecture:
    members = torchvision.models.get_model_weights(name).__members__
    downloads = {key: _torchvision_download(value) for key, value in members.items()}
    if 'IMAGENET1K_V1' in downloads:
        downloads['torchvision'] = downloads['IMAGENET1K_V1']
    return Architecture(name, lambda: _without_classifier(name), downloads)


def _torchvision_download(weights: WeightsEnum) -> Download:
    # The name of the file carries the start of its SHA-256.
    file = weights.url.rpartition('/')[2]
    return Download(
        file,
        partial(
            weights.get_state_dict,
            progress=True,
            check_hash=True,
            map_location='cpu',
            weights_only=True,
        ),
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
    raise UserError(
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
        raise UserError(
            f"arch='timm.{name}' needs timm, which is not installed; run pip install "
            'timm.'
        )
    timm = import_module('timm')
    if not timm.is_model(name):
        raise UserError(
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
        raise UserError(
            f'arch={cfg} names no registered network; give its type with its scope, as '
            "in dict(type='mmaction.ResNet', depth=50), and see that its package is "
            'installed.'
        )

    def build() -> nn.Module:
        try:
            network = MODELS.build(cfg)
        except TypeError as error:
            raise UserError(f'arch={cfg} cannot be built: {error}') from error
        # A hook, so that its weights keep their names.
        network.register_forward_hook(lambda module, inputs, output: _pooled(output))
        return network

    return Architecture(name, build)


def _pooled(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the global average (N, C) of a backbone's last output (N, C, ...)."""
    last = output if isinstance(output, Tensor) else output[-1]
    return last.flatten(2).mean(dim=2) if last.dim() > 2 else last
