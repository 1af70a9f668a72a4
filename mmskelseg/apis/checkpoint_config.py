"""The config in a checkpoint, which is data: nothing that it names is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import Registry

from mmskelseg import registry
from mmskelseg.structures import is_data_layout
from mmskelseg.utils.errors import UserError

# Their registries may be imported where a `type` has such a scope.
_FAMILY = ('mmengine', 'mmcv', 'mmaction', 'mmdet', 'mmpose', 'mmpretrain', 'mmskelseg')
# Files that run as programs when parts of the family read them.
_PROGRAMS = ('.py', '.pyc', '.so', '.yaml', '.yml', '.pkl', '.pickle')


def checkpoint_config(checkpoint: Any, source: str) -> ConfigDict:
    """Return the config in a checkpoint, if it names registered parts alone.

    Only what a model is built from and what its features are made by is looked at,
    since nothing else is built.

    Args:
        checkpoint: The content of its file, as ``load_checkpoint`` returns it.
        source: The file, for messages.

    Raises:
        UserError: If it has no config, or one that would run code.
    """
    holders = [checkpoint]
    if isinstance(checkpoint, dict):
        hub, meta = (checkpoint.get(key) or {} for key in ('message_hub', 'meta'))
        holders = [hub.get('runtime_info', {}), meta]
    texts = [h.get('cfg') for h in holders if isinstance(h, dict)]
    text = next((text for text in texts if isinstance(text, str)), None)
    if text is None:
        raise UserError(
            f'{source}: holds no config; name the one that the model was trained with, '
            'which lies in its work folder.'
        )
    cfg = Config.fromstring(text, '.py')._cfg_dict
    dataset = cfg.get('test_dataloader', {}).get('dataset')
    if not isinstance(cfg.get('model'), dict) or not isinstance(dataset, dict):
        raise UserError(
            f'{source}: its config lacks `model` or `test_dataloader.dataset`; name '
            'the config that it was trained with.'
        )
    parts = {
        'model': cfg.model,
        'collate_fn': cfg.test_dataloader.get('collate_fn'),
        'features': dataset.get('features'),
        'pipeline': dataset.get('pipeline'),
    }
    for problem in _problems(parts):
        raise UserError(
            f'{source}: refused: in its own config, {problem}. A config in a '
            'checkpoint may name registered parts only; if you trust it, name the '
            "model's config file, which may run code."
        )
    return cfg


def _problems(value: Any, key: str = '') -> Iterator[str]:
    """Yield what in a config would import or run something."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            path = f'{key}.{name}' if key else str(name)
            if name in ('type', 'collate_fn') or (name == 'arch' and _is_type(item)):
                if isinstance(item, Mapping):
                    yield from _problems(item, path)
                elif item is not None and not is_registered(item):
                    yield f'{path}={item!r} is not registered'
            elif name == '_scope_' and item not in _FAMILY:
                yield f'{path}={item!r} is no package of the family'
            elif name == 'skeleton' and not is_data_layout(item):
                yield f'{path}={item!r} is neither a known layout nor a dict of one'
            else:
                yield from _problems(item, path)
    elif isinstance(value, list | tuple | set):
        for i, item in enumerate(value):
            yield from _problems(item, f'{key}.{i}')
    elif isinstance(value, str) and value.lower().endswith(_PROGRAMS):
        yield f'{key}={value!r} may be a program'


def _is_type(arch: Any) -> bool:
    """Return whether an encoder looks its network up in a registry."""
    return isinstance(arch, str) and not arch.startswith(('torchvision.', 'timm.'))


def is_registered(name: Any) -> bool:
    """Return whether a name stands for a part in a registry of the family.

    >>> is_registered('ActionSegmentor'), is_registered('mmaction.ResNet')
    (True, True)
    >>> is_registered('subprocess.Popen'), is_registered('antigravity')
    (False, False)
    """
    if not isinstance(name, str):
        return False
    scope, _, rest = name.rpartition('.')
    if scope not in ('', *_FAMILY) or not rest:
        return False
    registries = [r for r in vars(registry).values() if type(r) is Registry]
    with registry.registered_only():
        return any(r.get(name) is not None for r in registries)
