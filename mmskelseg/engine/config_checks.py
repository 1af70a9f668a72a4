"""Reading of config files, and checks of them before anything is built."""

import inspect
import os
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Literal, Union, get_args, get_origin

from mmengine.config import Config
from mmengine.registry import Registry

from mmskelseg import registry
from mmskelseg.utils.errors import (
    UnavailableError,
    UserError,
    explanation,
    is_of_disk,
    shown,
    system_fault,
)

# The registry of the parts under a key of a config, wherever in it the key stands.
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
# Keys that are taken out before a part is built, by the key that it stands under.
_TAKEN = {
    'branches': {'init_cfg', 'standardize', 'stem'},
    'default_hooks': {'priority'},
    'custom_hooks': {'priority'},
}
# Keys of a config that MMEngine's runner reads.
_TOP_LEVEL = (
    'model', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg',
    'val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator', 'optim_wrapper',
    'param_scheduler', 'auto_scale_lr', 'default_hooks', 'custom_hooks', 'work_dir',
    'load_from', 'resume', 'launcher', 'env_cfg', 'log_processor', 'log_level',
    'visualizer', 'vis_backends', 'default_scope', 'randomness', 'custom_imports',
    'model_wrapper_cfg', 'sync_bn',
)  # fmt: skip
# The least value of whole numbers that MMEngine does not check.
_LEAST = {
    'batch_size': 1,
    'num_workers': 0,
    'max_epochs': 1,
    'max_iters': 1,
    'val_interval': 1,
    'seed': 0,
    'accumulative_counts': 1,
    'window_size': 1,
    # Of hooks, where -1 is never or all.
    'interval': -1,
    'max_keep_ckpts': -1,
}


def read_config(
    path: str | os.PathLike, options: Mapping[str, Any] | None = None
) -> Config:
    """Return a config file with options merged into it.

    Raises:
        UserError: If the file cannot be run, naming it and the fault.
    """
    try:
        cfg = Config.fromfile(path)
    # A config is a program, which may fail in any way.
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and is_of_disk(error):
            # MMEngine copies a config into the folder of temporary files.
            place = error.filename if error.filename is not None else gettempdir()
            raise UnavailableError(system_fault(error, place)) from error
        raise UserError(f'{_place(path, error)}: {_words(error)}.') from error
    if options:
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UserError(
                f'--cfg-options: {_words(error)}; a number in a key counts the items '
                'of a list, from 0.'
            ) from error
    return cfg


def check_config(cfg: Config, source: str) -> None:
    """Check the names and the values of a config's parts before any is built.

    A ``type`` must be registered. Of this package's parts, keys must be arguments, and
    numbers, texts and switches of their kind; parts of others are left to them.

    Raises:
        UserError: Naming the key, and what comes nearest to a name that is unknown.
    """
    settings = cfg.to_dict()
    for problem in (*_top_level(settings), *_walk(settings, '', None, '')):
        raise UserError(f'{source}: {problem}')


@contextmanager
def building(source: str, lasts: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Make whatever ends a block that builds parts of a config the config's fault.

    With ``SKELSEG_TRACEBACK=1`` the error stays as it was.

    Args:
        source: The config, for the message.
        lasts: Whether parts are still built when an error comes.
    """
    try:
        yield
    except Exception as error:
        is_known = explanation(error) is not None
        if os.environ.get('SKELSEG_TRACEBACK') or is_known or not lasts():
            raise
        raise UserError(
            f'{source}: cannot be run ({type(error).__name__}: {shown(error, 300)}); '
            'correct that setting. SKELSEG_TRACEBACK=1 shows where it is read.'
        ) from error


def _top_level(settings: Mapping[str, Any]) -> Iterator[str]:
    for key in settings:
        # Configs may have variables of their own, so that only a slip counts.
        near = get_close_matches(key, _TOP_LEVEL, n=1, cutoff=0.85)
        if near and key not in _TOP_LEVEL and near[0] not in settings:
            yield f'there is no setting {key!r}; did you mean {near[0]!r}?'
    if 'model' not in settings:
        yield (
            "has no 'model'; begin with a config that `mmskelseg make-config` writes, "
            'or inherit one of configs/.'
        )


def _walk(
    value: Any, place: str, section: Registry | None, parent: str
) -> Iterator[str]:
    """Yield what is wrong with a value and all that is in it.

    Args:
        value: A part of the config.
        place: Its key, as in ``model.branches.pose2d``.
        section: Where types are looked up there.
        parent: The key that it stands under.
    """
    if isinstance(value, Mapping):
        if 'type' in value and section is not None:
            yield from _part(value, place, section, parent)
            if not _is_own(_lookup(value['type'], section)):
                # What parts of others are made of is looked up where they like.
                section = None
        for key, item in value.items():
            inner = f'{place}.{key}' if place else str(key)
            yield from _number(key, item, inner)
            name = str(key)
            if not place and name.endswith('_dataloader'):
                name = 'dataloader'
            # Hooks, and modalities, may be called what they like.
            free = parent in ('default_hooks', 'custom_hooks')
            free = free or (parent in ('branches', 'features') and name == 'model')
            found = None if free else _SECTIONS.get(name)
            # A registry that nobody has asked yet is empty, and so is false.
            below = parent if found is None and name not in _TAKEN else name
            yield from _walk(item, inner, section if found is None else found, below)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for i, item in enumerate(value):
            yield from _walk(item, f'{place}.{i}', section, parent)


def _number(key: Any, value: Any, place: str) -> Iterator[str]:
    least = _LEAST.get(key)
    if least is None or value is None:
        return
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or value < least or (least < 0 and value == 0):
        most = 'from 1, or -1' if least < 0 else f'from {least}'
        yield f'{place}={shown(value)}, but must be a whole number {most}.'


def _part(
    value: Mapping[str, Any], place: str, section: Registry, parent: str
) -> Iterator[str]:
    kind, cls = value['type'], _lookup(value['type'], section)
    if cls is None:
        near = get_close_matches(str(kind), _names(section), n=1)
        hint = f'; did you mean {near[0]!r}?' if near else '.'
        yield f'{place}.type={kind!r} is not a known {section.name}{hint}'
        return
    if not _is_own(cls):
        return
    parameters = inspect.signature(cls).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    taken = {'type', '_scope_', '_delete_', *_TAKEN.get(parent, ())}
    hints = _hints(cls)
    for key, item in value.items():
        if key in taken:
            continue
        if key not in parameters:
            near = get_close_matches(str(key), parameters, n=1, cutoff=0.5)
            hint = f'did you mean {near[0]!r}?' if near else _takes(parameters)
            yield f'{place}: {cls.__name__} takes no {key!r}; {hint}'
        elif not _fits(item, hints.get(key, Any)):
            wanted = inspect.formatannotation(hints[key]).replace('typing.', '')
            yield f'{place}.{key}={item!r}, but {cls.__name__} takes {wanted} there.'


def _lookup(kind: Any, section: Registry) -> Any:
    """Return what a type stands for, None if nothing is known of that name."""
    try:
        return section.get(kind) if isinstance(kind, str) else kind
    except Exception:  # The registry imports what the name says, which may fail.
        return None


def _is_own(cls: Any) -> bool:
    return inspect.isclass(cls) and cls.__module__.startswith('mmskelseg.')


def _takes(parameters: Mapping[str, Any]) -> str:
    return f'it takes {", ".join(parameters)}.' if parameters else 'it takes nothing.'


def _names(section: Registry) -> list[str]:
    """Return all names of a registry and of those above it."""
    found: list[str] = []
    level: Registry | None = section
    while level is not None:
        level.import_from_location()
        found += level.module_dict
        level = level.parent
    return found


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls.__init__)  # type: ignore[misc]
    except (NameError, TypeError):
        return {}


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a literal is of a kind; what is not a literal always is."""
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint in (None, type(None)):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is str:
        return isinstance(value, str)
    origin = get_origin(hint)
    if origin in (tuple, list) or (origin is not None and origin is Sequence):
        return isinstance(value, list | tuple)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Sequence):
        return isinstance(value, list | tuple)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    return True


def _place(path: str | os.PathLike, error: BaseException) -> str:
    """Return the file, and the line where that is known, of an error in a config."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f'{path}:{error.lineno}'
    return str(Path(path))


def _words(error: BaseException) -> str:
    text = str(error).strip().partition('\n')[0]
    return f'cannot be read ({type(error).__name__}: {text[:300]})'
