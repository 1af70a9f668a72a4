"""Frozen networks of torchvision or timm, or registered ones, with their weights."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from importlib.util import find_spec
from logging import WARNING
from pathlib import Path

import torch
import torchvision
from mmengine.config import ConfigDict
from mmengine.device import get_device
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from mmskelseg.checkpoints.reading import load_state_dict
from mmskelseg.checkpoints.weights import check_weights
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import MissingFileError, UnavailableError, UserError
from mmskelseg_io.messages.logs import print_log

# Prefixes of the parameters of a network's classifier.
_CLASSIFIERS = ('fc.', 'classifier.', 'head.')
# Prefix of a backbone's parameters in a checkpoint of an OpenMMLab model.
_BACKBONE = 'backbone.'


class FrozenNetwork:
    """A network that gives one feature vector per input, loaded on first use.

    ``weights`` are ``none``, the name of weights that the network's library offers, or
    the path of a file. For ``arch``, see :func:`find_architecture`.

    Raises:
        UserError: If there is no such network; on first use, if the weights are those
            of another network or cannot be downloaded.
        MissingFileError: If there is no such file.
    """

    def __init__(self, arch: str | Mapping[str, object], weights: str) -> None:
        self.arch = arch if isinstance(arch, str) else ConfigDict(arch).to_dict()
        self.weights = weights
        self._architecture = find_architecture(arch)
        self._download = self._architecture.downloads.get(weights)
        self._path = Path(weights).expanduser().absolute()
        self.device = get_device()
        if weights != 'none' and self._download is None and not self._path.is_file():
            offered = ', '.join(self._architecture.downloads)
            if offered:
                offered = f'one of {offered} to download ImageNet weights, '
            raise MissingFileError(
                f'{weights!r}: there is no such weights file for '
                f'{self._architecture.name}; name a file (SKELSEG_WEIGHTS=FILE), '
                f'{offered}or none for random ones.'
            )

    def settings(self) -> dict[str, object]:
        """Return everything that determines its features, as plain values.

        Weights are identified by their content, so that a replaced file is noticed and
        a moved one recognised.
        """
        return {'arch': self.arch, 'weights': self._identity()}

    def load(self, device: str | None = None) -> None:
        """Load the network onto a device; None: the one on which MMEngine trains."""
        self.device = device or get_device()
        self.module.to(self.device)

    @cached_property
    def module(self) -> nn.Module:
        """The network in evaluation mode, on its device."""
        with torch.random.fork_rng(devices=[]):
            # Random weights are the same in every run.
            torch.manual_seed(0)
            network = self._architecture.build()
        if self.weights == 'none':
            name = self.arch if isinstance(self.arch, str) else self.arch['type']
            print_log(
                f'{name} has random weights (weights=none), so its features carry '
                'little information; name a file, or weights of its library to '
                'download.',
                WARNING,
            )
        else:
            network.load_state_dict(self._state(network.state_dict()))
        # Not chained, since `eval` of MMAction2's networks returns None.
        network.eval()
        network.requires_grad_(False)
        return network.to(self.device)

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
        """Return checked weights for the network without its classifier.

        From a checkpoint of a whole OpenMMLab model, only the weights under
        ``backbone.`` are taken.
        """
        state, name = self._read(), self._architecture.name
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
        check_weights(
            state,
            expected,
            self.weights,
            what=f'the weights of {name}',
            remedy=f'name a file with weights of {name}, or set `arch` to theirs',
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
    """Weights that a library can download.

    ``identity`` names their content; ``read`` raises an OSError or a RuntimeError if it
    cannot; ``elsewhere`` is what the user can then do.
    """

    identity: str
    read: Callable[[], Mapping[str, Tensor]]
    elsewhere: str


@dataclass(frozen=True)
class Architecture:
    """A type of network that returns its pooled last feature map.

    ``build`` returns it with random weights; ``downloads`` are its library's weights.
    """

    name: str
    build: Callable[[], nn.Module]
    downloads: Mapping[str, Download] = field(default_factory=dict)


def find_architecture(arch: str | Mapping[str, object]) -> Architecture:
    """Return the network for the ``arch`` of an encoder.

    It is ``torchvision.`` or ``timm.`` and the name of a network of that library, the
    name of a registered backbone with its scope, or a backbone's config.

    Raises:
        UserError: If it is none of these.
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
                f'arch={arch!r} is neither a classification network of torchvision nor '
                'a network of timm nor a registered backbone with its scope; write for '
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
    # The file's name contains the beginning of its SHA-256.
    file = weights.url.rpartition('/')[2]
    options = {'progress': True, 'check_hash': True, 'weights_only': True}
    return Download(
        file,
        partial(weights.get_state_dict, map_location='cpu', **options),
        f'Fetch {weights.url} elsewhere and name the file: SKELSEG_WEIGHTS={file}; or '
        f'put it into {torch.hub.get_dir()}/checkpoints.',
    )


def _without_classifier(name: str) -> nn.Module:
    network = torchvision.models.get_model(name, weights=None)
    if hasattr(network, 'fc'):
        network.fc = nn.Identity()
        return network
    # Swin networks have channels last in `features`, and normalise afterwards.
    if hasattr(network, 'features') and not hasattr(network, 'permute'):
        return _Features(network.features)
    raise UserError(
        f'torchvision.{name} has no `fc`, and no `features` of shape (N, C, H, W), so '
        'its last feature map is unknown; use for example a ResNet, VGG, DenseNet or '
        'EfficientNet.'
    )


class _Features(nn.Module):
    """Global average pooling of a network's `features`, with their parameter names."""

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


def _registered(cfg: dict[str, object]) -> Architecture:
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
        # Pooled in a hook, so that the weights keep their names.
        network.register_forward_hook(lambda module, inputs, output: _pooled(output))
        return network

    return Architecture(name, build)


def _pooled(output: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Return the global average (N, C) of a backbone's last output (N, C, ...)."""
    last = output if isinstance(output, Tensor) else output[-1]
    return last.flatten(2).mean(dim=2) if last.dim() > 2 else last
