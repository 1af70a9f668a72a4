"""Loading of weights and of MMEngine's checkpoints without running code from them.

MMEngine's checkpoints hold more than tensors (message hub, config text), so that
torch's own ``weights_only`` mode refuses them. The same pickle machine as for other
data reads them here, with the names that checkpoints need besides.
"""

import ast
import io
import os
import pickle
import re
import tarfile
import types
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import IO, Any, ClassVar
from urllib.parse import urlparse

import torch
from mmengine.logging import HistoryBuffer

from mmskelseg.fileio.inputs import in_words, regular_file
from mmskelseg.fileio.pickles import UNREADABLE, RestrictedUnpickler, UnsafePickleError
from mmskelseg.utils.errors import UnavailableError, UserError, shown

# Whatever torch.load takes: a device, its name, a mapping or a function.
MapLocation = Any

_STATISTICS = ('min', 'max', 'current', 'mean')
_HISTORY = 'mmengine.logging.history_buffer'
# They make MMEngine read other files or import modules.
_DROPPED = ('_base_', 'custom_imports')


def _statistics_method(owner: Any, name: str) -> Callable:
    """Stand in for ``getattr``, for the statistics of HistoryBuffer alone."""
    if owner is not HistoryBuffer or name not in _STATISTICS:
        raise UnsafePickleError('it would run `builtins.getattr`')
    return getattr(HistoryBuffer, name)


def _counter(*counts: Any) -> Counter:
    """Return the counter of a dict."""
    if not all(isinstance(one, dict) for one in counts):
        raise UnsafePickleError('it would count what is no dict')
    return Counter(*counts)


def _set_history_state(buffer: HistoryBuffer, state: Any) -> None:
    for name, method in state.get('statistics_methods', {}).items():
        if method is not _statistics_method(HistoryBuffer, name):
            raise UnsafePickleError(f'it would replace the statistics {name!r}')
    buffer.__setstate__(dict(state))


# What torch and zipfile raise for files that are cut short.
_DAMAGED = (RuntimeError, zipfile.BadZipFile, zlib.error)
# Bytes of a tensor beyond those of its storage, of which it repeats some then.
_REPEATED = 1 << 26


def _rebuild_tensor(
    storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> torch.Tensor:
    """Return a tensor on a storage, unless its shape claims far more than that has."""
    count = 1
    for length in size:
        count *= int(length)
    there = storage._untyped_storage.nbytes()
    if count * storage.dtype.itemsize > there + _REPEATED:
        raise UnsafePickleError(
            f'it holds a tensor of the shape {shown(tuple(size))} on {in_words(there)}'
        )
    return torch._utils._rebuild_tensor(storage, offset, size, stride)


def _rebuild_parameter(
    data: torch.Tensor, requires_grad: bool, *_: Any
) -> torch.nn.Parameter:
    if not isinstance(data, torch.Tensor):
        raise UnsafePickleError('it makes a parameter of no tensor')
    return torch.nn.Parameter(data, bool(requires_grad))


def _torch_globals() -> dict[tuple[str, str], Any]:
    dtypes = {
        ('torch', name): value
        for name, value in vars(torch).items()
        if isinstance(value, torch.dtype)
    }
    return dtypes | {
        ('torch._utils', '_rebuild_tensor'): _rebuild_tensor,
        ('torch._utils', '_rebuild_tensor_v2'): _rebuild_tensor,
        ('torch._utils', '_rebuild_parameter'): _rebuild_parameter,
        ('torch', 'Size'): torch.Size,
        ('torch', 'device'): torch.device,
        ('torch.storage', 'UntypedStorage'): torch.UntypedStorage,
    }


class CheckpointUnpickler(RestrictedUnpickler):
    """Admits tensors and MMEngine's log history besides plain data."""

    admitted: ClassVar[Mapping[tuple[str, str], Any]] = MappingProxyType(
        {
            **RestrictedUnpickler.admitted,
            **_torch_globals(),
            **{
                (_HISTORY, f'HistoryBuffer.{name}'): getattr(HistoryBuffer, name)
                for name in _STATISTICS
            },
            (_HISTORY, 'HistoryBuffer'): HistoryBuffer,
            ('builtins', 'getattr'): _statistics_method,
            # The milestones of a schedule.
            ('collections', 'Counter'): _counter,
            # Where a dataset's metainfo comes from a config file.
            ('mmengine.config.config', 'ConfigDict'): dict,
        }
    )
    setters: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = MappingProxyType(
        {**RestrictedUnpickler.setters, HistoryBuffer: _set_history_state}
    )


# The parts of a module that torch.load unpickles with.
_PICKLE: Any = types.SimpleNamespace(
    __name__=__name__,
    Unpickler=CheckpointUnpickler,
    load=lambda file, **options: CheckpointUnpickler(file, **options).load(),
)


def load_checkpoint(
    path: str | os.PathLike | IO[bytes], map_location: MapLocation = 'cpu'
) -> Any:
    """Return the content of a weights file or of a checkpoint.

    Python text of a config in it is reduced to assignments of values.

    Args:
        path: The file, or a binary stream that can be rewound.
        map_location: As for ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If it holds anything but tensors, NumPy arrays, built-in
            types and MMEngine's log history; nothing of it has run.
        ValueError: If it is truncated, or not a file of ``torch.save``.
    """
    if not isinstance(path, (str, os.PathLike)):
        return _read(path, getattr(path, 'name', 'checkpoint'), map_location)
    file = regular_file(Path(path).expanduser())
    with file.open('rb') as stream:
        return _read(stream, str(file), map_location)


def load_state_dict(path: str | os.PathLike) -> dict[str, Any]:
    """Return the tensors of a weights file or checkpoint by their names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds something else.
    """
    return tensors_of(load_checkpoint(path), path)


def tensors_of(content: Any, source: str | os.PathLike) -> dict[str, Any]:
    """Return the tensors in the content of a checkpoint by their names.

    Raises:
        UserError: If it holds something else; ``source`` is what to call the file.
    """
    if isinstance(content, dict):
        content = content.get('state_dict', content)
    if not isinstance(content, dict) or not content:
        raise UserError(
            f'{source}: holds {type(content).__name__} instead of the tensors of a '
            'network by their names; name a checkpoint, which holds a state_dict.'
        )
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise UserError(
                f'{source}: {shown(name)} is {type(value).__name__} instead of a '
                'tensor; name a checkpoint, which holds a state_dict.'
            )
    return {name.removeprefix('module.'): value for name, value in content.items()}


def meta_of(content: Any) -> dict[str, Any]:
    """Return what a checkpoint says about its training; nothing, if that is no dict."""
    meta = content.get('meta') if isinstance(content, dict) else None
    return meta if isinstance(meta, dict) else {}


def _read(stream: IO[bytes], name: str, map_location: MapLocation) -> Any:
    if os.environ.get('TORCH_FORCE_WEIGHTS_ONLY_LOAD') in ('1', 'y', 'yes', 'true'):
        raise UnavailableError(
            f'{name}: TORCH_FORCE_WEIGHTS_ONLY_LOAD is set, under which torch cannot '
            'use a restricted unpickler; unset it, since checkpoints run no code here.'
        )
    try:
        _refuse_archives(stream, name)
        content = torch.load(stream, map_location, pickle_module=_PICKLE)
        _reduce_config_texts(content)
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f'{name}: refused: {error}; only tensors, NumPy arrays, built-in types and '
            "MMEngine's log history are read. Do not use this file; ask for one that "
            'holds a state_dict.'
        ) from None
    except UserError:
        raise
    except (EOFError, OSError, pickle.PickleError, *_DAMAGED, *UNREADABLE) as error:
        # Other errors say a key or an index alone.
        reason = 'it ends too early or is damaged'
        if isinstance(error, OSError | RuntimeError) and str(error):
            reason = str(error).partition('\n')[0].partition('. ')[0][:200]
        raise UserError(
            f'{name}: cannot be read as a checkpoint ({reason}); it may be cut short '
            'or another kind of file, so copy or download it again.'
        ) from None
    return content


def _refuse_archives(stream: IO[bytes], name: str) -> None:
    """Refuse the two forms of torch files that bypass the pickle machine, and bombs."""
    start = stream.read(264)
    stream.seek(0)
    if start and not start.strip(b'\0'):
        raise UserError(
            f'{name}: begins with nothing but zeros, as after a crash of the machine '
            'or a copy that was cut short; copy or download it again.'
        )
    if start[:4] == b'PK\x03\x04':
        with zipfile.ZipFile(stream) as archive:
            claimed = sum(member.file_size for member in archive.infolist())
        end = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        # torch.save does not compress.
        if claimed > end:
            raise UnsafePickleError(
                f'it would unpack to {in_words(claimed)}, but has {in_words(end)}'
            )
        records = torch._C.PyTorchFileReader(stream).get_all_records()
        if 'constants.pkl' in records:
            raise UnsafePickleError('it would run a TorchScript program')
    elif start[257:262] == b'ustar' or tarfile.is_tarfile(stream):
        raise UnsafePickleError('it would unpack a tar archive')
    stream.seek(0)


def _reduce_config_texts(content: Any) -> None:
    """Reduce the texts that MMEngine executes, where the checkpoint has them."""
    for *holders, key in (
        ('meta', 'config'),
        ('meta', 'cfg'),
        ('message_hub', 'runtime_info', 'cfg'),
    ):
        holder = content
        for name in holders:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and isinstance(holder.get(key), str):
            try:
                holder[key] = reduce_config_text(holder[key])
            except ValueError as error:
                raise UnsafePickleError(str(error)) from None


def load_url(
    url: str,
    model_dir: str | None = None,
    map_location: MapLocation = None,
    progress: bool = True,
) -> Any:
    """Return the checkpoint at a URL, kept in torch's cache of downloads."""
    folder = Path(model_dir or Path(torch.hub.get_dir()) / 'checkpoints')
    path = folder / Path(urlparse(url).path).name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=progress)
        except OSError as error:
            raise UnavailableError(
                f'{url}: cannot be downloaded ({error}); fetch it by other means and '
                f'put it at {path}, or name its path in place of the URL.'
            ) from None
    return load_checkpoint(path, map_location)


def load_from_local(filename: str, map_location: MapLocation = None) -> Any:
    """Return the checkpoint in a file; MMEngine's log names it by this name."""
    return load_checkpoint(filename, map_location)


class _SafeTorch(ModuleType):
    """``torch`` with the loader of this module."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def load(file: str | io.BytesIO, map_location: MapLocation = None, **_: Any) -> Any:
        """Return a checkpoint, whatever other options ask for."""
        return load_checkpoint(file, map_location)


def secure_mmengine(checkpoint_module: ModuleType) -> None:
    """Make all of MMEngine's ways to a checkpoint end in this module's loader.

    Args:
        checkpoint_module: ``mmengine.runner.checkpoint``, whose loaders (local files,
            URLs, model zoos, object stores) look these two names up in it.
    """
    # Replaced itself for its message about a missing file.
    checkpoint_module.CheckpointLoader.register_scheme('', load_from_local, force=True)
    checkpoint_module.torch = _SafeTorch('torch')  # type: ignore[attr-defined]
    checkpoint_module.load_url = load_url  # type: ignore[attr-defined]


def find_latest_checkpoint(path: str | os.PathLike) -> str | None:
    """Return the last checkpoint of a work folder, or None if it has none.

    It is what the file ``last_checkpoint`` names. Where that is missing or empty, or
    names a file that is gone, as after a kill, it is the newest ``epoch_N.pth`` or
    ``iter_N.pth``.
    """
    folder = Path(path)
    with suppress(OSError, UnicodeDecodeError):
        named = (folder / 'last_checkpoint').read_text('utf-8').strip()
        if named and Path(named).exists():
            return named
    found = [
        file
        for file in folder.glob('*.pth')
        if re.fullmatch(r'(epoch|iter)_\d+', file.stem)
    ]
    return str(max(found, key=lambda file: file.stat().st_mtime)) if found else None


def reduce_config_text(text: str) -> str:
    """Return a config as assignments of literals, without imports and bases.

    MMEngine stores a run's config as Python text in its checkpoints and executes it
    when a run is resumed or an inferencer is made from the checkpoint alone.

    A bare name such as ``torch.float32`` or ``inf`` becomes a string. Text that assigns
    literals alone is returned as it is.

    Raises:
        ValueError: If the text holds anything but assignments of literals and calls of
            ``dict``.

    >>> reduce_config_text('lr = 1e-3\\nopt = dict(type="Adam", dtype=torch.half)')
    "lr = 0.001\\nopt = {'type': 'Adam', 'dtype': 'torch.half'}\\n"
    >>> reduce_config_text('import os')
    Traceback (most recent call last):
    ValueError: line 1 of its config is not an assignment of values: `import os`
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f'its config is not valid Python ({shown(error)})') from None
    # MMEngine replaces {{...}} in the text before it is parsed.
    is_plain = '{{' not in text
    values = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=node):
                is_plain &= name not in _DROPPED and not _has_bare_names(node)
                values[name] = _value(node)
            case _:
                raise _not_plain(statement)
    if is_plain:
        return text
    return ''.join(
        f'{name} = {value!r}\n'.replace('{{', r'{\x7b')
        for name, value in values.items()
        if name not in _DROPPED
    )


def _has_bare_names(node: ast.expr) -> bool:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return bool(names - {'dict'})


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name():
            return node.id
        case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=name):
            return f'{_value(owner)}.{name}'
        case ast.UnaryOp(
            op=ast.USub(), operand=ast.Constant(value=int() | float() as v)
        ):
            return -v
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Set(elts=items):
            return {_value(item) for item in items}
        case ast.Dict(keys=keys, values=items) if all(keys):
            names = [_value(key) for key in keys if key]
            return dict(zip(names, map(_value, items), strict=True))
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=pairs):
            if all(pair.arg for pair in pairs):
                return {str(pair.arg): _value(pair.value) for pair in pairs}
        case ast.Call(
            func=ast.Name(id='dict'), args=[ast.Dict() as mapping], keywords=[]
        ):
            return _value(mapping)
    raise _not_plain(node)


def _not_plain(node: ast.AST) -> ValueError:
    return ValueError(
        f'line {getattr(node, "lineno", 1)} of its config is not an assignment of '
        f'values: `{ast.unparse(node)[:60]}`'
    )
