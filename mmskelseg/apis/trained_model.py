"""A checkpoint: its config, and what its model was trained on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from torch import nn

from mmskelseg.datasets.annotations import load_annotations
from mmskelseg.engine.config_checks import building
from mmskelseg.fileio.checkpoints import load_checkpoint
from mmskelseg.fileio.trained_weights import (
    changed_features,
    load_weights,
    trained_data,
    trained_features,
)
from mmskelseg.models import ActionSegmentorEnsemble
from mmskelseg.registry import (
    MODELS,
    POSTPROCESSORS,
    TRANSFORMS,
    WEIGHT_INITIALIZERS,
    registered_only,
)
from mmskelseg.structures import is_data_layout
from mmskelseg.utils.errors import UserError, shown

# Those that build a model and what its features are made by.
_REGISTRIES = (MODELS, POSTPROCESSORS, TRANSFORMS, WEIGHT_INITIALIZERS)
_COLLATE = ('pseudo_collate', 'default_collate')
# Packages whose parts a checkpoint may name by a scope, where they are installed.
_OPTIONAL = ('mmdet', 'mmpose', 'mmpretrain')
_FAMILY = ('mmengine', 'mmcv', 'mmaction', 'mmskelseg', *_OPTIONAL)
# Of these, but for our own, the modules whose parts import, run and open nothing that
# they are told. Readers of files do, through MMEngine's backends.
_HARMLESS = (
    'mmengine.model.',
    'mmcv.cnn.',
    *(
        f'mmaction.models.{part}.'
        for part in ('backbones', 'data_preprocessors', 'heads', 'losses', 'necks')
    ),
    'mmaction.datasets.transforms.formatting',
    'mmaction.datasets.transforms.pose_transforms',
    'mmpretrain.models.backbones.',
    'torch.nn.',
)
# It loads whatever file it is told with timm.
_HARMFUL = 'mmpretrain.models.backbones.timm_backbone'
# Files that run as programs when parts of the family read them.
_PROGRAMS = ('.py', '.pyc', '.so', '.yaml', '.yml', '.pkl', '.pickle')
# What streams and exported models do in their own way.
_PIPELINE = ('LoadFrameFeatures', 'PackSegInputs')
# Read by this package's own loader.
_WEIGHTS = ('checkpoint', 'weights')


def load_model(
    cfg: ConfigDict, checkpoints: Sequence[str]
) -> tuple[nn.Module, dict[str, Any]]:
    """Return the model of one checkpoint or several, and what it was trained on.

    Args:
        cfg: Its config; an empty one is filled with that of the first checkpoint.
        checkpoints: Files of weights, several for an ensemble.

    Raises:
        FileNotFoundError: If a checkpoint is missing.
        UserError: If they do not belong together; see the functions below.
    """
    first = checkpoints[0]
    content = load_checkpoint(first)
    if not cfg:
        cfg.update(checkpoint_config(content, first))
    if len(checkpoints) > 1:
        model: nn.Module = ActionSegmentorEnsemble(cfg.model, checkpoints)
    else:
        model = MODELS.build(cfg.model)
        load_weights(model, content, first)
    check_features(cfg, content)
    return model, model_metainfo(cfg, content, model, first)


@contextmanager
def own_config(source: str) -> Iterator[None]:
    """Build parts by the config inside a checkpoint, which anybody may have written.

    Registered parts alone are built, and an error within is that of the config.

    Raises:
        UserError: Naming ``source``, the checkpoint, and what is wrong in it.
    """
    try:
        with registered_only(), building(source):
            yield
    except UserError as error:
        if source in str(error):
            raise
        raise type(error)(f'{source}: {error}') from error


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
    holders = []
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
            'checkpoint may name known parts that only compute; if you trust it, name '
            "the model's config file, which may run code."
        )
    return cfg


def _problems(value: Any, key: str = '') -> Iterator[str]:
    """Yield what in a config would import or run something."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            path = f'{key}.{name}' if key else str(name)
            if isinstance(item, Mapping):
                yield from _problems(item, path)
            elif path in ('collate_fn', 'collate_fn.type'):
                if item is not None and item not in _COLLATE:
                    yield f'{path}={item!r} is none of {", ".join(_COLLATE)}'
            elif name == 'type' or (name == 'arch' and _is_type(item)):
                if item is not None and not is_harmless(item):
                    yield f'{path}={item!r} is unknown, or may run files'
            elif name == '_scope_' and not _is_scope(item):
                yield f'{path}={item!r} is no package of the family that is installed'
            elif name == 'skeleton' and not (item is None or is_data_layout(item)):
                yield f'{path}={item!r} is neither a known layout nor a dict of one'
            elif not (name in _WEIGHTS and isinstance(item, str)):
                yield from _problems(item, path)
    elif isinstance(value, list | tuple | set):
        for i, item in enumerate(value):
            yield from _problems(item, f'{key}.{i}')
    elif isinstance(value, str) and value.lower().endswith(_PROGRAMS):
        yield f'{key}={value!r} may be a program'


def _is_type(arch: Any) -> bool:
    """Return whether an encoder looks its network up in a registry."""
    if isinstance(arch, str) and arch.startswith('timm.'):
        return not _is_installed('timm')
    return isinstance(arch, str) and not arch.startswith('torchvision.')


def _is_scope(name: Any) -> bool:
    return name in _FAMILY and (name not in _OPTIONAL or _is_installed(name))


def _is_installed(package: str) -> bool:
    """Return whether a package was installed, and does not just lie in some folder."""
    return package in metadata.packages_distributions()


def is_harmless(name: Any) -> bool:
    """Return whether a name stands for parts that do no more than compute.

    Our own and those that the running program registered count as such.

    >>> is_harmless('ActionSegmentor'), is_harmless('mmaction.ResNet')
    (True, True)
    >>> is_harmless('subprocess.Popen'), is_harmless('mmaction.DecordInit')
    (False, False)
    """
    if not isinstance(name, str):
        return False
    scope, _, rest = name.rpartition('.')
    if not rest or (scope and not _is_scope(scope)):
        return False
    with registered_only():
        parts = [part for r in _REGISTRIES if (part := r.get(name)) is not None]
    return bool(parts) and all(map(_only_computes, parts))


def _only_computes(part: Any) -> bool:
    module = f'{part.__module__}.'
    package = module.partition('.')[0]
    known = package in (*_FAMILY, 'torch', 'torchvision') and package != 'mmskelseg'
    return not known or (
        module.startswith(_HARMLESS) and not module.startswith(_HARMFUL)
    )


def model_metainfo(
    cfg: ConfigDict, checkpoint: Mapping[str, Any], model: nn.Module, source: str
) -> dict[str, Any]:
    """Return ``classes`` and ``skeleton`` of the data that a model was trained on.

    They stand in the checkpoint, or else in the annotation file of the config.
    ``source`` is the checkpoint's file, for messages.

    Raises:
        ValueError: If there are none, or not as many as the model has.
    """
    meta = trained_data(checkpoint, source)
    if not {'classes', 'skeleton'} <= set(meta):
        dataset = cfg.test_dataloader.dataset
        path = Path(dataset.get('data_root', ''), dataset.ann_file)
        if not path.is_file():
            raise UserError(
                f'{source}: does not say which classes and skeleton it was trained '
                f'with, and {path}, the annotation file of the config, is missing; '
                'put it there.'
            )
        meta, source = dict(load_annotations(path)['metainfo']), str(path)
    elif not is_data_layout(meta['skeleton']):
        raise UserError(
            f'{source}: refused: its skeleton is {shown(meta["skeleton"])}, expected '
            'the name of a layout or a dict of one; the path of a file could run code.'
        )
    count = getattr(model, 'num_classes', None)
    if count is not None and count != len(meta['classes']):
        raise UserError(
            f'{source}: names {len(meta["classes"])} classes, but the model of the '
            f'config has {count}; use the config that it was trained with.'
        )
    return dict(meta)


def check_features(cfg: ConfigDict, checkpoint: Mapping[str, Any]) -> None:
    """Warn where features of a config differ from those that were trained on.

    Raises:
        ValueError: If the config makes no features.
    """
    now = cfg.test_dataloader.dataset.get('features')
    if not now:
        raise UserError(
            'The config has no dataset.features, since features come from files; a '
            'video without such files cannot be segmented.'
        )
    then = trained_features(checkpoint)
    changed = '' if then is None else changed_features(then, now)
    if changed:
        print_log(
            'The model was trained on other features than the config makes, so its '
            f'labels may be wrong: {changed}.',
            'current',
            WARNING,
        )


def check_pipeline(dataset: Mapping[str, Any], user: str) -> None:
    """Raise a UserError if a test pipeline does more than to load and pack features.

    ``user`` is what knows no other steps, for the message.
    """
    for step in dataset['pipeline']:
        if step['type'] not in _PIPELINE:
            raise UserError(
                f'test_dataloader.dataset.pipeline has {step["type"]}, but {user} '
                f'does no more than {" and ".join(_PIPELINE)}; leave it out.'
            )
