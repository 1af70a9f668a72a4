"""Reading of config files, and names in them that are misspelt."""

import inspect
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import gettempdir
from traceback import walk_tb

from mmengine.config import Config
from mmengine.registry import Registry, build_from_cfg

from mmskelseg import registry
from mmskelseg.engine.config_options import option_problems
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.messages.errors import (
    UnavailableError,
    UserError,
    explanation,
    is_of_disk,
    shown,
    system_fault,
    unwrapped,
)

# The URL schemes from which MMEngine downloads without further packages.
_DOWNLOADED = (
    'http://', 'https://', 'modelzoo://', 'torchvision://', 'open-mmlab://',
    'openmmlab://', 'mmcls://',
)  # fmt: skip

# The registry of the parts under a key of a config, at any level.
_SECTIONS = {
    'model': registry.MODELS,
    'encoder': registry.MODELS,
    'postprocess': registry.POSTPROCESSORS,
    'dataset': registry.DATASETS,
    'pipeline': registry.TRANSFORMS,
    'transforms': registry.TRANSFORMS,
    'render': registry.TRANSFORMS,
    'sampler': registry.DATA_SAMPLERS,
    'batch_sampler': registry.DATA_SAMPLERS,
    'val_evaluator': registry.METRICS,
    'test_evaluator': registry.METRICS,
    'default_hooks': registry.HOOKS,
    'custom_hooks': registry.HOOKS,
    'visualizer': registry.VISUALIZERS,
    'vis_backends': registry.VISBACKENDS,
    'optim_wrapper': registry.OPTIM_WRAPPERS,
    'optimizer': registry.OPTIMIZERS,
    'param_scheduler': registry.PARAM_SCHEDULERS,
    'init_cfg': registry.WEIGHT_INITIALIZERS,
}
# Keys that are removed before a part is built, by the parent key.
_TAKEN = {
    'branches': {'init_cfg', 'standardize', 'stem'},
    'default_hooks': {'priority'},
    'custom_hooks': {'priority'},
}
# The top-level keys that MMEngine's runner reads.
_TOP_LEVEL = (
    'model', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg',
    'val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator', 'optim_wrapper',
    'param_scheduler', 'auto_scale_lr', 'default_hooks', 'custom_hooks', 'work_dir',
    'load_from', 'resume', 'launcher', 'env_cfg', 'log_processor', 'log_level',
    'visualizer', 'vis_backends', 'default_scope', 'randomness', 'custom_imports',
    'model_wrapper_cfg', 'sync_bn',
)  # fmt: skip
# The keys of train_cfg, with MMEngine's loop over epochs or without a type.
_TRAIN_CFG = (
    'by_epoch', 'max_epochs', 'max_iters', 'val_begin', 'val_interval',
    'dynamic_intervals', 'type',
)  # fmt: skip


def read_config(
    path: str | os.PathLike, options: Mapping[str, object] | None = None
) -> Config:
    """Return the config in a file, with options merged into it.

    Raises:
        UserError: If the file cannot be run, or an option does not fit; the message
            names the file and the error, or the option.
    """
    try:
        cfg = Config.fromfile(path)
    # A config is a program, which may fail in any way.
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and is_of_disk(error):
            # MMEngine copies the config into the temporary folder.
            place = error.filename if error.filename is not None else gettempdir()
            raise UnavailableError(system_fault(error, place)) from error
        raise UserError(f'{_place(path, error)}: {_words(error)}.') from error
    merge_options(cfg, options)
    return cfg


def merge_options(cfg: Config, options: Mapping[str, object] | None) -> None:
    """Merge options into a config.

    Raises:
        UserError: If one does not fit the config.
    """
    options = options or {}
    for key, value in options.items():
        for problem in option_problems(cfg._cfg_dict, key, options, _TOP_LEVEL):
            raise UserError(f'--cfg-options {key}={shown(value)}: {problem}')
    try:
        cfg.merge_from_dict(options)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f'--cfg-options {" ".join(options)}: {_words(error)}; correct them.'
        ) from error


def check_config(cfg: Config, source: str) -> None:
    """Check the names in a config before anything is built.

    Every ``type`` must be registered, and the keys of this package's types must be
    arguments. Whatever is built checks its values.

    Raises:
        UserError: If a name is unknown; the message has the most similar one.
    """
    settings = cfg.to_dict()
    for problem in (*_top_level(settings), *_walk(settings, '', None, '')):
        raise UserError(f'{source}: {problem}')


def check_checkpoint(name: str) -> None:
    """Raise a UserError unless a checkpoint is a file, or can be downloaded."""
    if not name.startswith(_DOWNLOADED):
        regular_file(Path(name).expanduser())


@contextmanager
def building(source: str, lasts: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Blame the config for all errors in a block that builds its parts.

    Errors of parts get the name of the config, unless they begin with another file's
    name. With ``SKELSEG_TRACEBACK=1``, all errors are unchanged.

    Args:
        source: The config, for the message.
        lasts: Function that returns, after an error, whether parts were being built.

    Raises:
        UserError: If a part cannot be built.
    """
    try:
        yield
    except Exception as error:
        if os.environ.get('SKELSEG_TRACEBACK') or not lasts():
            raise
        cause = unwrapped(error)
        if type(cause) is UserError and _is_of_part(error):
            place = str(cause).partition(': ')[0]
            if place == source or os.path.lexists(place):
                raise
            raise UserError(f'{source}: {cause}') from error
        if explanation(cause) is not None:
            raise
        raise UserError(
            f'{source}: cannot be run ({type(error).__name__}: {shown(error, 300)}); '
            'correct that setting. SKELSEG_TRACEBACK=1 shows where it is read.'
        ) from error


def _is_of_part(error: Exception) -> bool:
    """Return whether an error is from a part that a registry was building."""
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(frame.f_code is build_from_cfg.__code__ for frame in frames)


def _top_level(settings: Mapping[str, object]) -> Iterator[str]:
    for key in settings:
        # Configs may have their own variables, so only likely typos are errors.
        near = get_close_matches(key, _TOP_LEVEL, n=1, cutoff=0.85)
        if near and key not in _TOP_LEVEL:
            yield (
                f'there is no setting {key!r}; did you mean {near[0]!r}? A variable of '
                'your own needs another name.'
            )
    train = settings.get('train_cfg')
    known = (None, 'EpochBasedTrainLoop')
    if isinstance(train, Mapping) and train.get('type') in known:
        for key in train.keys() - set(_TRAIN_CFG):
            near = get_close_matches(str(key), _TRAIN_CFG, n=1)
            hint = f'did you mean {near[0]!r}?' if near else _takes(_TRAIN_CFG)
            yield f'train_cfg takes no {key!r}; {hint}'
        for key in ('max_epochs', 'max_iters'):
            most = train.get(key)
            if isinstance(most, int) and most < 1:
                yield f'train_cfg.{key} is {most}, expected 1 or more.'


def _walk(
    value: object, place: str, section: Registry | None, parent: str
) -> Iterator[str]:
    """Yield the problems of a value and of everything in it.

    ``place`` is its key, such as ``model.branches.pose2d``; ``parent`` is the innermost
    key around it that names its kind; ``section`` is the registry of its types.
    """
    if isinstance(value, Mapping):
        if 'type' in value and section is not None:
            yield from _part(value, place, section, parent)
            if not _is_own(_lookup(value['type'], section)):
                # Other packages may look up the parts in it in any registry.
                section = None
        for key, item in value.items():
            inner = f'{place}.{key}' if place else str(key)
            name = str(key)
            if not place and name.endswith('_dataloader'):
                name = 'dataloader'
            # Hooks and modalities may have any name.
            free = parent in ('default_hooks', 'custom_hooks')
            free = free or (parent in ('branches', 'features') and name == 'model')
            found = None if free else _SECTIONS.get(name)
            # Not `found or section`, since an unused registry is empty and thus false.
            below = parent if found is None and name not in _TAKEN else name
            yield from _walk(item, inner, section if found is None else found, below)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for i, item in enumerate(value):
            yield from _walk(item, f'{place}.{i}', section, parent)


def _part(
    value: Mapping[str, object], place: str, section: Registry, parent: str
) -> Iterator[str]:
    kind, cls = value['type'], _lookup(value['type'], section)
    if cls is None:
        near = get_close_matches(str(kind), _names(section), n=1)
        hint = f'; did you mean {near[0]!r}?' if near else '.'
        problem = f'is not a known {section.name}{hint}'
        if place == 'model' and f'mmaction.{kind}' in section:
            problem = (
                'is a model of MMAction2, whose tools train and test it; `mmskelseg '
                'segment` labels recordings by recognisers of skeletons.'
            )
        yield f'{place}.type={kind!r} {problem}'
        return
    if not inspect.isclass(cls) or not _is_own(cls):
        return
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    taken = {'type', '_scope_', '_delete_', *_TAKEN.get(parent, ())}
    for key in value.keys() - taken - parameters.keys():
        near = get_close_matches(str(key), parameters, n=1, cutoff=0.5)
        hint = f'did you mean {near[0]!r}?' if near else _takes(parameters)
        yield f'{place}: {cls.__name__} takes no {key!r}; {hint}'


def _lookup(kind: object, section: Registry) -> object:
    """Return the class or function that a type names; None if it is unknown."""
    try:
        return section.get(kind) if isinstance(kind, str) else kind
    except Exception:  # The registry imports modules by the name, which may fail.
        return None


def _is_own(cls: object) -> bool:
    return inspect.isclass(cls) and cls.__module__.startswith('mmskelseg')


def _takes(parameters: Collection[str]) -> str:
    return f'it takes {", ".join(parameters)}.' if parameters else 'it takes nothing.'


def _names(section: Registry) -> list[str]:
    """Return all names in a registry and in its parents."""
    found: list[str] = []
    level: Registry | None = section
    while level is not None:
        level.import_from_location()
        found += level.module_dict
        level = level.parent
    return found


def _place(path: str | os.PathLike, error: BaseException) -> str:
    """Return the file of an error in a config, with the line if it is known."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f'{path}:{error.lineno}'
    return str(Path(path))


def _words(error: BaseException) -> str:
    text = str(error).strip().partition('\n')[0]
    return f'cannot be read ({type(error).__name__}: {text[:300]})'
