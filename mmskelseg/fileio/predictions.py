"""Reading of the predictions that tests dump, without running code from the file."""

import io
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import torch

from mmskelseg.fileio.checkpoints import CheckpointUnpickler, load_checkpoint
from mmskelseg.fileio.pickles import UnsafePickleError, load_pickle
from mmskelseg.utils.errors import UserError

_STORAGES = (torch.UntypedStorage, torch.storage.TypedStorage)


def _load_storage(content: Any) -> Any:
    """Stand in for torch's function, which would run what the content asks for."""
    if not isinstance(content, bytes):
        raise UnsafePickleError('it hides what it reads')
    storage = load_checkpoint(io.BytesIO(content))
    if not isinstance(storage, _STORAGES):
        raise UnsafePickleError(f'it holds {type(storage).__name__} as a tensor')
    return storage


class PredictionsUnpickler(CheckpointUnpickler):
    """Admits tensors that stand in a plain pickle, as MMEngine's DumpResults does."""

    admitted: ClassVar[Mapping[tuple[str, str], Any]] = MappingProxyType(
        {
            **CheckpointUnpickler.admitted,
            ('torch.storage', '_load_from_bytes'): _load_storage,
        }
    )


def load_samples(path: str | os.PathLike) -> dict[str, dict[str, Any]]:
    """Return all that a test dumped of each video, by the video's id.

    Raises:
        UserError: If the file is missing, would run code, or does not come from
            ``tools/test.py --dump``.
    """
    content = load_pickle(path, PredictionsUnpickler)
    samples = {}
    for sample in content if isinstance(content, list) and content else [content]:
        labels = sample.get('pred_label') if isinstance(sample, dict) else None
        if labels is None or 'frame_dir' not in sample:
            raise UserError(
                f'{path}: holds {type(sample).__name__} without frame_dir and '
                'pred_label; make it with `tools/test.py CONFIG CHECKPOINT --dump '
                'FILE.pkl`.'
            )
        samples[sample['frame_dir']] = sample
    return samples


def load_predictions(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Return the predicted label of each frame, shape (T,), by the video's id.

    Raises:
        UserError: As :func:`load_samples` does.
    """
    samples = load_samples(path)
    return {name: np.asarray(s['pred_label']) for name, s in samples.items()}
