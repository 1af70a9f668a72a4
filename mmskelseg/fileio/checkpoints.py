"""Loading of weights and of MMEngine's checkpoints without running code from them.

MMEngine's checkpoints hold more than tensors (message hub, config text), so torch's own
``weights_only`` mode refuses them. Here, the unpickler that reads other data reads them
as well, extended by the names that checkpoints need.
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
from typing import IO, ClassVar
from urllib.parse import urlparse

import torch
from mmengine.logging import HistoryBuffer
from torch.serialization import MAP_LOCATION as MapLocation  # noqa: N811

from mmskelseg.runtime.files.inputs import in_words, regular_file
from mmskelseg.runtime.files.pickles import (
    UNREADABLE,
    Globals,
    RestrictedUnpickler,
    StateSetter,
    UnsafePickleError,
)
from mmskelseg.runtime.messages.errors import UnavailableError, UserError, shown

_STATISTICS = ('min', 'max', 'current', 'mean')
_HISTORY = 'mmengine.logging.history_buffer'
# Keys that make MMEngine read other files or import modules.
_DROPPED = ('_base_', 'custom_imports')


def _statistics_method(owner: object, name: str) -> Callable[..., object]:
    """Stand in for ``getattr``, but only for the statistics of HistoryBuffer."""
    if owner is not HistoryBuffer or name not in _STATISTICS:
        raise UnsafePickleError('it would run `builtins.getattr`')
    return getattr(HistoryBuffer, name)


def _counter(*counts: dict) -> Counter:
    """Return the counter of a dict."""
    if not all(isinstance(one, dict) for one in counts):
        raise UnsafePickleError(
            'it would make a Counter of something other than a dict'
        )
    return Counter(*counts)


def _set_history_state(buffer: HistoryBuffer, state: dict) -> None:
    for name, method in state.get('statistics_methods', {}).items():
        if method is not _statistics_method(HistoryBuffer, name):
            raise UnsafePickleError(f'it would replace the statistics {name!r}')
    buffer.__setstate__(dict(state))


# What torch and zipfile raise for files that are cut short.
_DAMAGED = (RuntimeError, zipfile.BadZipFile, zlib.error)
# How many bytes a tensor may span beyond its storage, parts of which it then repeats.
_REPEATED = 1 << 26


def _rebuild_tensor(
    storage: torch.storage.TypedStorage,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    *_: object,
) -> torch.Tensor:
    """Return a tensor on a storage; a shape far larger than the storage is refused."""
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
    data: torch.Tensor, requires_grad: bool, *_: object
) -> torch.nn.Parameter:
    if not isinstance(data, torch.Tensor):
        raise UnsafePickleError(
            'it would make a parameter of something other than a tensor'
        )
    return torch.nn.Parameter(data, bool(requires_grad))


def _torch_globals() -> dict[tuple[str, str], object]:
    dtypes: dict[tuple[str, str], object] = {
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
    """An unpickler that also admits tensors and MMEngine's log history."""

    admitted: ClassVar[Globals] = MappingProxyType(
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
            # For a dataset's metainfo that comes from a config file.
            ('mmengine.config.config', 'ConfigDict'): dict,
        }
    )
    setters: ClassVar[Mapping[type, StateSetter]] = MappingProxyType(
        {**RestrictedUnpickler.setters, HistoryBuffer: _set_history_state}
    )


class _BoundedUnpickler(CheckpointUnpickler):
    """An unpickler whose storages may not be larger in total than ``most`` bytes."""

    most: ClassVar[int]

    # A property, since torch.load sets this attribute.
    @property
    def persistent_load(self) -> Callable[[object], object]:
        """The function that returns a storage, which counts the claimed bytes first."""
        return getattr(self, '_storage', super().persistent_load)

    @persistent_load.setter
    def persistent_load(self, load: Callable[[object], object]) -> None:
        claims: Counter[object] = Counter()

        def storage(claim: object) -> object:
            if isinstance(claim, tuple) and len(claim) > 4 and claim[0] == 'storage':
                _, kind, key, _, count, *_ = claim
                dtype = getattr(kind, 'dtype', torch.uint8)
                claims[key] = max(int(count), 0) * dtype.itemsize
                if claims.total() > self.most:
                    raise EOFError
            return load(claim)

        self._storage = storage


def _pickle_module(size: int) -> types.SimpleNamespace:
    """Return what torch.load uses of the module `pickle`, for a file of this size."""
    unpickler = type('_Unpickler', (_BoundedUnpickler,), {'most': size})
    return types.SimpleNamespace(
        __name__=__name__,
        Unpickler=unpickler,
        load=lambda file, **options: unpickler(file, **options).load(),
    )


def load_checkpoint(
    path: str | os.PathLike | IO[bytes], map_location: MapLocation = 'cpu'
) -> object:
    """Return the content of a weights file or of a checkpoint.

    A config in it, which is Python text, is reduced to assignments of values.

    Args:
        path: The file, or a binary stream that can be rewound.
        map_location: As for ``torch.load``.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If it holds anything but tensors, NumPy arrays, built-in
            types and MMEngine's log history; none of it has run then.
        ValueError: If it is truncated, or was not written by ``torch.save``.
    """
    if not isinstance(path, (str, os.PathLike)):
        return _read(path, getattr(path, 'name', 'checkpoint'), map_location)
    file = regular_file(Path(path).expanduser())
    with file.open('rb') as stream:
        return _read(stream, str(file), map_location)


def load_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Return the tensors of a weights file or checkpoint by their names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds something else.
    """
    return tensors_of(load_checkpoint(path), path)


def tensors_of(content: object, source: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Return the tensors in the content of a checkpoint by their names.

    Args:
        content: What :func:`load_checkpoint` returns.
        source: The file, for messages.

    Raises:
        UserError: If it holds something else.
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


def meta_of(content: object) -> dict[str, object]:
    """Return the metadata of a checkpoint; an empty dict if there is none."""
    meta = content.get('meta') if isinstance(content, dict) else None
    return meta if isinstance(meta, dict) else {}


def seed_of(content: object) -> int | None:
    """Return the seed of the training that a checkpoint is from; None if unknown."""
    seed = meta_of(content).get('seed')
    return seed if isinstance(seed, int) else None


def _read(stream: IO[bytes], name: str, map_location: MapLocation) -> object:
    if os.environ.get('TORCH_FORCE_WEIGHTS_ONLY_LOAD') in ('1', 'y', 'yes', 'true'):
        raise UnavailableError(
            f'{name}: TORCH_FORCE_WEIGHTS_ONLY_LOAD is set, so torch cannot use a '
            'restricted unpickler; unset it, since checkpoints run no code here.'
        )
    try:
        _refuse_archives(stream, name)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        content = torch.load(stream, map_location, pickle_module=_pickle_module(size))
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
        # Messages of other errors are only a key or an index.
        reason = 'it ends too early or is damaged'
        if isinstance(error, OSError | RuntimeError) and str(error):
            reason = str(error).partition('\n')[0].partition('. ')[0][:200]
        raise UserError(
            f'{name}: cannot be read as a checkpoint ({reason}); it may be cut short '
            'or be another kind of file, so copy or download it again.'
        ) from None
    return content


def _refuse_archives(stream: IO[bytes], name: str) -> None:
    """Refuse archive bombs, and the two forms of torch files that bypass unpickling."""
    start = stream.read(264)
    stream.seek(0)
    if start and not start.strip(b'\0'):
        raise UserError(
            f'{name}: begins with nothing but zeros, as after a crash of the machine '
            'or an interrupted copy; copy or download it again.'
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


def _reduce_config_texts(content: object) -> None:
    """Reduce the config texts in a checkpoint, which MMEngine would execute."""
    for *holders, key in (
        ('meta', 'config'),
        ('meta', 'cfg'),
        ('message_hub', 'runtime_info', 'cfg'),
    ):
        holder: object = content
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
) -> object:
    """Return the checkpoint at a URL, and keep it in torch's cache of downloads."""
    folder = Path(model_dir or Path(torch.hub.get_dir()) / 'checkpoints')
    path = folder / Path(urlparse(url).path).name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=progress)
        except OSError as error:
            raise UnavailableError(
                f'{url}: cannot be downloaded ({error}); fetch it by other means and '
                f'put it at {path}, or give the path of the file instead of the URL.'
            ) from None
    return load_checkpoint(path, map_location)


def load_from_local(filename: str, map_location: MapLocation = None) -> object:
    """Return the checkpoint in a file; MMEngine's log shows this function's name."""
    return load_checkpoint(filename, map_location)


class _SafeTorch(ModuleType):
    """``torch`` with the loader of this module."""

    def __getattr__(self, name: str) -> object:
        return getattr(torch, name)

    @staticmethod
    def load(
        file: str | io.BytesIO, map_location: MapLocation = None, **_: object
    ) -> object:
        """Return a checkpoint, and ignore all other options."""
        return load_checkpoint(file, map_location)


def secure_mmengine(checkpoint_module: ModuleType) -> None:
    """Make all of MMEngine's loaders of checkpoints use the one of this module.

    Args:
        checkpoint_module: ``mmengine.runner.checkpoint``, whose loaders (local files,
            URLs, model zoos, object stores) look up ``torch`` and ``load_url`` in it.
    """
    # The loader of local files is replaced as a whole, for its message about a missing
    # file.
    checkpoint_module.CheckpointLoader.register_scheme('', load_from_local, force=True)
    checkpoint_module.torch = _SafeTorch('torch')  # type: ignore[attr-defined]
    checkpoint_module.load_url = load_url  # type: ignore[attr-defined]


def find_latest_checkpoint(path: str | os.PathLike) -> str | None:
    """Return the last checkpoint of a work folder, or None if it has none.

    That is the checkpoint which the file ``last_checkpoint`` names. If that file is
    missing or empty, or names a file that does not exist, as after a kill, it is the
    newest ``epoch_N.pth`` or ``iter_N.pth``.
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

    MMEngine stores a run's config as Python text in its checkpoints, and executes it
    when a run is resumed or an inferencer is built from just a checkpoint.

    A bare name such as ``torch.float32`` or ``inf`` becomes a string. Text that only
    assigns literals is returned unchanged.

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


def _value(node: ast.expr) -> object:
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
