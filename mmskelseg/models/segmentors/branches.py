"""Branches, the parts that the features of a modality pass, and their fusion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import ConfigDict
from mmengine.model import ModuleDict
from torch import Tensor, nn

from mmskelseg.models.layers.standardizer import FeatureStandardizer
from mmskelseg.registry import build_part
from mmskelseg_io.messages.errors import UserError

# Name of the predictions from the features of all branches.
FUSED = 'fused'


def branch_stems(branch: ModuleDict) -> list[nn.Module]:
    """Return the stem of a branch and that in its backbone, if it has any."""
    parts = (branch, branch['backbone'])
    return [part.stem for part in parts if getattr(part, 'stem', None) is not None]


def finish_stem(stem: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """Return features of all frames (N, C, T), normalised if their stem has a norm."""
    norm = getattr(stem, 'norm_out', None)
    return x if norm is None else norm(x, mask)


def build_branch(name: str, cfg: ConfigDict, num_classes: int) -> ModuleDict:
    """Return the backbone of a modality, and what its features pass before it.

    Raises:
        UserError: If its stem reads another number of channels.
    """
    own = ('init_cfg', 'standardize', 'stem')
    sizes = {key: value for key, value in cfg.items() if key not in own}
    place, stem = f'model.branches.{name}', None
    if cfg.get('stem') is not None:
        reads = {'in_channels': cfg['in_channels'], **cfg['stem']}
        if reads['in_channels'] != cfg['in_channels']:
            raise UserError(
                f'Branch {name!r} has in_channels={cfg["in_channels"]}, but its stem '
                f'has {reads["in_channels"]}; leave the latter out.'
            )
        stem = build_part(f'{place}.stem', reads)
        sizes['in_channels'] = stem.out_channels
    backbone = build_part(place, sizes, num_classes=num_classes)
    parts = {'backbone': backbone}
    if stem is not None:
        parts['stem'] = stem
    if cfg.get('standardize', False):
        channels = cfg.get('in_channels', backbone.in_channels)
        parts['standardizer'] = FeatureStandardizer(channels)
    return ModuleDict(parts, cfg.get('init_cfg'))


def branch_features(
    inputs: Mapping[str, Tensor], name: str, channels: int, axis: int = 1
) -> Tensor:
    """Return the features of a branch, after checking that they have its channels.

    Raises:
        UserError: If there are none, or others along the axis.
    """
    if name not in inputs:
        raise UserError(
            f'The model has a branch {name!r}, but the inputs are {list(inputs)}; name '
            'it under dataset.features as well.'
        )
    features = inputs[name]
    if features.shape[axis] != channels:
        raise UserError(
            f'The {name} features have {features.shape[axis]} channels, but the model '
            f'expects {channels}; set model.branches.{name}.in_channels to that of the '
            'features.'
        )
    return features


def common_order(backbones: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the order of the stages, which must be that of all branches.

    Raises:
        UserError: If it is not.
    """
    orders = {
        name: getattr(backbone, 'stage_order', tuple(range(len(backbone.stages))))
        for name, backbone in backbones.items()
    }
    if len(set(orders.values())) != 1:
        raise UserError(f'Branches must have the same stages, but have {orders}.')
    return next(iter(orders.values()))


def channels_read(backbone: Any) -> int:
    """Return the number of channels that the first stage of a backbone reads."""
    stem = getattr(backbone, 'stem', None)
    return backbone.in_channels if stem is None else stem.out_channels


@dataclass(frozen=True)
class FusionOptions:
    """The settings of a fusion."""

    neck: Mapping[str, object] = field(default_factory=dict)
    feed: str = FUSED
    branch_heads: bool = True


def fusion_options(
    branches: list[str], fusion: Mapping[str, Any] | None
) -> FusionOptions:
    """Return the settings of a fusion with their defaults, after checking them.

    Raises:
        UserError: If they do not fit the branches, or are unknown.
    """
    if (len(branches) > 1) != (fusion is not None):
        raise UserError(
            f'The model has the branches {branches} and fusion={fusion}; several '
            'branches need a `fusion`, and one has nothing to fuse.'
        )
    # MMEngine writes `_scope_` into dicts of inherited configs.
    given = {key: v for key, v in (fusion or {}).items() if key != '_scope_'}
    unknown = sorted(given.keys() - {'neck', 'feed', 'branch_heads'})
    if unknown:
        raise UserError(
            f'fusion has {", ".join(map(repr, unknown))}, but takes `neck`, `feed` and '
            '`branch_heads` only.'
        )
    options = FusionOptions(**given)
    feeds = (FUSED, 'own') if options.branch_heads else (FUSED,)
    if options.feed not in feeds:
        raise UserError(
            f"fusion.feed={options.feed!r} is not 'fused', nor 'own' with "
            'branch_heads=True.'
        )
    return options
