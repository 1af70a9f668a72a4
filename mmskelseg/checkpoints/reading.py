"""Checkpoints and weights files, read without running code from them."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from urllib.parse import urlparse

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_safetensors
from safetensors.torch import save as safetensors_of
from torch.serialization import MAP_LOCATION as MapLocation  # noqa: N811

from mmskelseg.checkpoints.config_texts import reduce_config_text
from mmskelseg.checkpoints.torch_files import read_legacy, read_zip
from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.pickled_values import UnsafePickleError
from mmskelseg_io.files.pickles import UNREADABLE
from mmskelseg_io.messages.errors import UnavailableError, UserError, shown

# What torch, zipfile and safetensors raise for files that are cut short.
_DAMAGED = (
    OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error,
    SafetensorError,
)  # fmt: skip
# The key of our metadata in a safetensors file, which are JSON.
_METADATA = 'mmskelseg'


def load_checkpoint(
    path: str | os.PathLike | io.BufferedIOBase,
    map_location: MapLocation = 'cpu',
    *,
    source: str | None = None,
) -> object:
    """Return the content of a weights file or of a checkpoint.

    It is in the safetensors format, or was written by ``torch.save``. A config in it,
    which is Python text, is reduced to assignments of values.

    Args:
        path: The file, or a binary stream that can be rewound.
        map_location: As for ``torch.load``.
        source: What messages call the file; by default, its path.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If it holds anything but tensors, NumPy arrays, built-in
            types and MMEngine's log history; none of it has run then.
        ValueError: If it is truncated, or another kind of file.
    """
    if not isinstance(path, (str, os.PathLike)):
        return _read(path, getattr(path, 'name', 'checkpoint'), map_location)
    file = regular_file(Path(path).expanduser())
    with file.open('rb') as stream:
        return _read(stream, source or str(file), map_location)


def load_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Return the tensors of a weights file or checkpoint by their names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or holds something else.
    """
    return tensors_of(load_checkpoint(path), path)


def save_weights(
    path: str | os.PathLike,
    state: Mapping[str, torch.Tensor],
    meta: Mapping[str, object],
) -> None:
    """Write the weights of a model, and what users need to know about it.

    Args:
        path: The file to write. If it ends in ``.safetensors`` it has that format,
            which any program can read without an unpickler; the metadata become JSON.
            Otherwise ``torch.save`` writes it.
        state: The tensors by their names.
        meta: The metadata: the config, the classes and more.
    """
    content = {'meta': dict(meta), 'state_dict': dict(state)}
    with atomic_write(path) as file:
        if Path(path).suffix != '.safetensors':
            torch.save(content, file)
            return
        # The format does not let tensors share memory.
        own = {key: value.detach().clone().contiguous() for key, value in state.items()}
        file.write(safetensors_of(own, {_METADATA: json.dumps(_plain(meta))}))


def _plain(value: object) -> object:
    """Return metadata in types of JSON; what has none becomes a text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return value if isinstance(value, str | int | float | None) else str(value)


def tensors_of(content: object, source: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Return the tensors in what :func:`load_checkpoint` returns, by their names.

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


def _read(stream: io.BufferedIOBase, name: str, map_location: MapLocation) -> object:
    try:
        content = _content(stream, name, map_location)
        _reduce_config_texts(content)
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f'{name}: refused: {error}; only tensors, NumPy arrays, built-in types and '
            "MMEngine's log history are read. Do not use this file; ask for one that "
            'holds a state_dict.'
        ) from None
    except UserError:
        raise
    except (*_DAMAGED, *UNREADABLE) as error:
        # Messages of other errors are only a key or an index.
        reason = 'it ends too early or is damaged'
        if isinstance(error, _DAMAGED) and str(error):
            reason = str(error).partition('\n')[0].partition('. ')[0][:200]
        raise UserError(
            f'{name}: cannot be read as a checkpoint ({reason}); it may be cut short '
            'or be another kind of file, so copy or download it again.'
        ) from None
    return content


def _content(stream: io.BufferedIOBase, name: str, map_location: MapLocation) -> object:
    """Return what is in a file of any of the three formats."""
    start = stream.read(264)
    stream.seek(0)
    if start and not start.strip(b'\0'):
        raise UserError(
            f'{name}: begins with nothing but zeros, as after a crash of the machine '
            'or an interrupted copy; copy or download it again.'
        )
    if start[:4] == b'PK\x03\x04':
        return read_zip(stream, map_location)
    if start[8:9] == b'{':
        return _read_safetensors(stream.read(), map_location)
    if start[257:262] == b'ustar':
        raise UnsafePickleError('it would unpack a tar archive')
    return read_legacy(stream.read(), map_location)


def _read_safetensors(content: bytes, map_location: MapLocation) -> dict[str, object]:
    """Return the tensors in a safetensors file, and our metadata if it has them."""
    state = read_safetensors(content)
    if isinstance(map_location, str | torch.device):
        state = {key: value.to(map_location) for key, value in state.items()}
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], 'little')])
    text = header.get('__metadata__', {}).get(_METADATA)
    meta = {} if text is None else json.loads(text)
    if not isinstance(meta, dict):
        raise ValueError('its metadata are not a dict')
    return {'meta': meta, 'state_dict': state}


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
    """Return the checkpoint at a URL, and keep it in torch's cache of downloads.

    Raises:
        UnavailableError: If it cannot be downloaded.
    """
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

    Those of ``mmengine.runner.checkpoint`` (local files, URLs, model zoos, object
    stores) look up ``torch`` and ``load_url`` in it.
    """
    # The loader of local files is replaced as a whole, for its message about a missing
    # file.
    checkpoint_module.CheckpointLoader.register_scheme('', load_from_local, force=True)
    checkpoint_module.torch = _SafeTorch('torch')  # type: ignore[attr-defined]
    checkpoint_module.load_url = load_url  # type: ignore[attr-defined]
