"""Loading of trained models: their configs, and the data that they were trained on."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from torch import nn

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.checkpoints.weights import (
    changed_features,
    check_visible_frames,
    load_weights,
    trained_data,
    trained_features,
)
from mmskelseg.compat.repairs import registered_only
from mmskelseg.config_files import annotation_path, find_config
from mmskelseg.engine.config_checks import building, read_config
from mmskelseg.export.recognizers import (
    is_recognizer,
    open_recognizer,
    recognizer_metainfo,
)
from mmskelseg.models.segmentors.ensemble import ActionSegmentorEnsemble
from mmskelseg.registry import MODELS, POSTPROCESSORS, TRANSFORMS, WEIGHT_INITIALIZERS
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.work_folders import checkpoint_file
from mmskelseg_io.messages.dependencies import is_installed
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures import is_data_layout
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_runtime.commands.models import is_weights
from mmskelseg_runtime.segmenting.hub import named_file
from mmskelseg_runtime.segmenting.model_zoo import check_zoo, is_named, zoo_file

#: The checkpoints of the models that come with the package.
ZOO = Path(__file__).parents[1] / 'model_zoo'
# The registries of the parts of models and of the recipes of their features.
_REGISTRIES = (MODELS, POSTPROCESSORS, TRANSFORMS, WEIGHT_INITIALIZERS)
_COLLATE = ('pseudo_collate', 'default_collate')
# Packages whose parts a checkpoint may name with a scope, if they are installed.
_OPTIONAL = ('mmdet', 'mmpose', 'mmpretrain')
_FAMILY = ('mmengine', 'mmcv', 'mmaction', 'mmskelseg', *_OPTIONAL)
# Modules of the others' packages with parts that never import, run or open what an
# argument names. Readers of files do, through MMEngine's backends.
_HARMLESS = (
    'mmengine.model.',
    'mmcv.cnn.',
    *(
        f'mmaction.models.{part}.'
        for part in ('backbones', 'data_preprocessors', 'heads', 'losses', 'necks')
    ),
    'mmaction.datasets.transforms.formatting',
    'mmaction.datasets.transforms.pose_transforms',
    'mmcv.transforms.base',
    'mmpretrain.models.backbones.',
    'torch.nn.',
)
# These load any file that their arguments name.
_HARMFUL = (
    'mmpretrain.models.backbones.timm_backbone',
    'mmaction.models.backbones.resnet_omni',
)
# Suffixes of files that may run as programs when OpenMMLab's packages read them.
_PROGRAMS = ('.py', '.pyc', '.so', '.yaml', '.yml', '.pkl', '.pickle')
# The pipeline steps that streams and exported models replace.
_PIPELINE = ('LoadFrameFeatures', 'PackSegInputs')
# Keys whose text is a file to load, or the name of weights to download.
_LOADED = ('checkpoint', 'pretrained', 'weights')


@dataclass(frozen=True)
class TrainedModel:
    """A trained model, or an ensemble of several, on the CPU.

    ``metainfo`` is that of the training data, with ``classes`` and ``skeleton``;
    ``checkpoints`` are the names of its files, or that of a model of a hub.
    """

    cfg: Config | ConfigDict
    model: nn.Module
    metainfo: Metainfo
    checkpoints: Sequence[str]


@contextmanager
def trained_model(
    config: str | os.PathLike | Config | ConfigDict | None,
    weights: str | os.PathLike | Sequence[str | os.PathLike] | None,
    *,
    live: bool = False,
    recognizers: bool = False,
) -> Iterator[TrainedModel]:
    """Open a trained model; further parts of its config can be built in the block.

    Args:
        config: Path of a config, a config, or the name of one that comes with the
            package. Such a config is a program, as everywhere in OpenMMLab. None: the
            config in the checkpoint, which is data and may only name registered parts.
        weights: Path of a checkpoint, or of several, whose probabilities are averaged.
            None: ``config`` is the name of a model that comes with the package, the
            folder of a fit or a training, or a checkpoint.
        live: Whether to open that model's weights for streams.
        recognizers: Whether it may be a recogniser of MMAction2.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        UserError: If they do not match; see the functions below.
    """
    whole = config if weights is None else None
    if weights is None:
        config, weights = None, _whole_model(config, live)
    checkpoints = checkpoint_files(weights)
    cfg: Config | ConfigDict = ConfigDict() if config is None else config
    if isinstance(config, str | os.PathLike):
        cfg = read_config(find_config(config))
    names = [named_file(whole, file) for file in checkpoints]
    first = names[0]
    trust = nullcontext() if config is not None else own_config(first)
    with DefaultScope.overwrite_default_scope('mmskelseg'), trust:
        content = load_checkpoint(checkpoints[0], source=first)
        if not cfg:
            cfg.update(checkpoint_config(content, first))
        if is_recognizer(cfg.model):
            if not recognizers or len(checkpoints) > 1:
                raise UserError(
                    f'{first}: of {cfg.model.type}, which labels whole clips; only '
                    '`mmskelseg segment` and `live` run such a model, and one alone.'
                )
            recognizer = open_recognizer(cfg, content, first)
            meta = recognizer_metainfo(cfg, content, first)
            yield TrainedModel(cfg, recognizer, meta, names)
            return
        if len(checkpoints) > 1:
            model: nn.Module = ActionSegmentorEnsemble(cfg.model, checkpoints)
        else:
            model = MODELS.build(cfg.model)
            load_weights(model, content, first)
            check_visible_frames(cfg.model.get('branches'), content, first)
        check_features(cfg, content)
        meta = model_metainfo(cfg, content, model, first)
        yield TrainedModel(cfg, model, meta, names)


def _whole_model(name: Any, live: bool) -> str | os.PathLike:
    """Return the folder, or the checkpoint, that the name of a model stands for."""
    is_path = isinstance(name, str | os.PathLike)
    if is_path and not is_named(name) and (Path(name).is_dir() or is_weights(name)):
        return name
    check_zoo(name)
    return zoo_checkpoint(str(name), live=live)


def zoo_checkpoint(name: str, *, live: bool = False) -> Path:
    """Return the checkpoint of a model of the package or of a hub."""
    return zoo_file(name, live=live, folder=ZOO, suffix='.safetensors')


def checkpoint_files(given: object) -> list[str]:
    """Return the paths of one or several checkpoints as a list.

    A work folder stands for its last checkpoint.

    Raises:
        UserError: If there is none, or one is not a path.
    """
    files = [given] if isinstance(given, str | os.PathLike) else given
    if not (
        isinstance(files, Sequence)
        and files
        and all(isinstance(file, str | os.PathLike) for file in files)
    ):
        raise UserError(
            f'The checkpoint is {shown(given)}, expected a path, or a list of paths.'
        )
    return [checkpoint_file(file) for file in files]


@contextmanager
def own_config(source: str) -> Iterator[None]:
    """Build parts from the config in a checkpoint, which is not trusted.

    Only registered parts can be built in the block, and errors blame the config.

    Raises:
        UserError: If the config is at fault, naming ``source``, the checkpoint.
    """
    try:
        with registered_only(), building(source):
            yield
    except UserError as error:
        if source in str(error):
            raise
        raise type(error)(f'{source}: {error}') from error


def checkpoint_config(checkpoint: object, source: str) -> ConfigDict:
    """Return the config in a checkpoint, if it names only registered parts.

    Only the settings of the model and of its features are checked, since nothing else
    is built.

    Raises:
        UserError: If it has no config, or one that would run code.
    """
    holders = []
    if isinstance(checkpoint, dict):
        hub, meta = (checkpoint.get(key) or {} for key in ('message_hub', 'meta'))
        # After a resumed training, the hub has the config of its first run.
        holders = [meta, hub.get('runtime_info', {})]
    texts = [h.get('cfg') for h in holders if isinstance(h, dict)]
    text = next((text for text in texts if isinstance(text, str)), None)
    if text is None:
        raise UserError(
            f'{source}: contains no config; name the one with which the model was '
            'trained, which is in its work folder.'
        )
    cfg = Config.fromstring(text, '.py')._cfg_dict
    _drop_initial_weights(cfg.get('model'))
    if isinstance(cfg.get('model'), dict) and is_recognizer(cfg.model):
        raise UserError(
            f'{source}: of {cfg.model.type}, a recogniser of MMAction2; name its '
            'config file, too, before the checkpoint.'
        )
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
            'checkpoint may only name known parts that just compute; if you trust it, '
            "name the model's config file, which may run code."
        )
    return cfg


def _drop_initial_weights(part: object) -> None:
    """Remove every ``init_cfg``, since the checkpoint has all weights of its model."""
    if isinstance(part, dict):
        part.pop('init_cfg', None)
        part = list(part.values())
    if isinstance(part, list | tuple):
        for item in part:
            _drop_initial_weights(item)


def _problems(value: object, key: str = '') -> Iterator[str]:
    """Yield the settings of a config that would import, run or load something."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            path = f'{key}.{name}' if key else str(name)
            if isinstance(item, Mapping):
                yield from _problems(item, path)
            elif path in ('collate_fn', 'collate_fn.type'):
                if item is not None and item not in _COLLATE:
                    yield f'{path}={item!r} is not one of {", ".join(_COLLATE)}'
            elif name == 'type' or (name == 'arch' and _is_type(item)):
                if item is not None and not is_harmless(item):
                    yield f'{path}={item!r} is unknown, or may run files'
            elif name == '_scope_' and not _is_scope(item):
                yield f'{path}={item!r} is not an installed package of OpenMMLab'
            elif name == 'skeleton' and not (item is None or is_data_layout(item)):
                yield f'{path}={item!r} is neither a known layout nor a dict of one'
            elif name in _LOADED and isinstance(item, str):
                if item not in ('none', os.environ.get('SKELSEG_WEIGHTS')):
                    yield (
                        f'{path}={item!r} would be loaded from elsewhere, unless '
                        'SKELSEG_WEIGHTS is set to the same'
                    )
            else:
                yield from _problems(item, path)
    elif isinstance(value, list | tuple | set):
        for i, item in enumerate(value):
            yield from _problems(item, f'{key}.{i}')
    elif isinstance(value, str) and value.lower().endswith(_PROGRAMS):
        yield f'{key}={value!r} may be a program'
    elif isinstance(value, str) and '://' in value:
        yield f'{key}={value!r} may be loaded from elsewhere'


def _is_type(arch: object) -> bool:
    """Return whether an encoder looks up its network in a registry."""
    if isinstance(arch, str) and arch.startswith('timm.'):
        return not is_installed('timm')
    return isinstance(arch, str) and not arch.startswith('torchvision.')


def _is_scope(name: object) -> bool:
    if not isinstance(name, str) or name not in _FAMILY:
        return False
    return name not in _OPTIONAL or is_installed(name)


def is_harmless(name: object) -> bool:
    """Return whether all parts registered under a name only compute.

    Our own parts and those that the running program registered count as harmless.

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
    bases = [base for part in parts for base in getattr(part, '__mro__', (part,))]
    return bool(parts) and all(map(_is_in_harmless_module, bases))


def _is_in_harmless_module(part: object) -> bool:
    module = f'{part.__module__}.'
    package = module.partition('.')[0]
    known = package in (*_FAMILY, 'torch', 'torchvision') and package != 'mmskelseg'
    return not known or (
        module.startswith(_HARMLESS) and not module.startswith(_HARMFUL)
    )


def model_metainfo(
    cfg: ConfigDict, checkpoint: object, model: nn.Module, source: str
) -> Metainfo:
    """Return the metainfo of the training data, with ``classes`` and ``skeleton``.

    It is read from the checkpoint, or else from the annotation file of the config.
    ``source`` is the checkpoint's file, for messages.

    Raises:
        ValueError: If there is none, or its number of classes differs from the model's.
    """
    meta = trained_data(checkpoint, source)
    if not {'classes', 'skeleton'} <= set(meta):
        dataset = cfg.test_dataloader.dataset
        path = annotation_path(dataset)
        if not path.is_file():
            raise UserError(
                f'{source}: does not state the classes and skeleton of its training, '
                f'and {path}, the annotation file of the config, is missing; put it '
                'there.'
            )
        meta, source = load_annotations(path)['metainfo'], str(path)
    count = getattr(model, 'num_classes', None)
    if count is not None and count != len(meta['classes']):
        raise UserError(
            f'{source}: names {len(meta["classes"])} classes, but the model of the '
            f'config has {count}; use the config that it was trained with.'
        )
    return meta.copy()


def check_features(cfg: ConfigDict, checkpoint: object) -> None:
    """Warn if the features of a config differ from those of the training.

    Raises:
        ValueError: If the config makes no features.
    """
    now = cfg.test_dataloader.dataset.get('features')
    if not now:
        raise UserError(
            'The config has no dataset.features, since its features come from files, '
            'so it cannot segment videos without such files; use a config with '
            'dataset.features.'
        )
    then = trained_features(checkpoint)
    changed = '' if then is None else changed_features(then, now)
    if changed:
        print_log(
            "The model was trained on different features from the config's, so its "
            f'labels may be wrong: {changed}.',
            WARNING,
        )


def check_pipeline(dataset: ConfigDict, user: str) -> None:
    """Raise a UserError if a test pipeline does more than load and pack features.

    In the message, ``user`` is what supports only these steps.
    """
    for step in dataset['pipeline']:
        if step['type'] not in _PIPELINE:
            raise UserError(
                f'test_dataloader.dataset.pipeline has {step["type"]}, but {user} '
                f'supports only {" and ".join(_PIPELINE)}; leave it out.'
            )
