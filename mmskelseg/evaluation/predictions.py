"""Reads predictions that tests have dumped, without running code from the file."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch

from mmskelseg.checkpoints.torch_files import CHECKPOINT_NAMES, read_storage
from mmskelseg_io.files.pickled_values import Builder, LongBytes, UnsafePickleError
from mmskelseg_io.files.pickles import PickleReader, load_pickle
from mmskelseg_io.messages.errors import UserError, reads_file, shown

#: What a test dumped of one video: labels, probabilities, id, classes and more.
Sample: TypeAlias = Mapping[str, Any]

# Fields with one value per frame, besides those that begin with `pred_`.
_OF_FRAMES = ('raw_label', 'gt_label', 'gt_risk')


def _tensor_storage(reader: PickleReader, content: object) -> object:
    """Return the storage of a tensor in a plain pickle, as DumpResults writes it."""
    if isinstance(content, LongBytes):
        content = content.take().tobytes()
    if type(content) is not bytes:
        raise UnsafePickleError('it holds a tensor that is not made of bytes')
    reader.charge(len(content))
    return read_storage(content)


_NAMES = {
    **CHECKPOINT_NAMES,
    ('torch.storage', '_load_from_bytes'): Builder(_tensor_storage),
}


@reads_file
def load_samples(path: str | os.PathLike) -> dict[str, Sample]:
    """Return everything that a test dumped about each video, by the video's id.

    Raises:
        UserError: If the file is missing, would run code, or does not come from
            ``mmskelseg test --dump``.
    """
    content = load_pickle(path, _NAMES)
    samples = {}
    for sample in content if isinstance(content, list) and content else [content]:
        for problem in _problems(sample):
            raise UserError(
                f'{path}: {problem}; make it with `mmskelseg test CONFIG '
                '--dump FILE.pkl`.'
            )
        if sample['frame_dir'] in samples:
            raise UserError(
                f'{path}: has video {sample["frame_dir"]!r} twice; dump a single test.'
            )
        samples[sample['frame_dir']] = sample
    return samples


def _problems(sample: object) -> Iterator[str]:
    """Yield what is missing in a sample or has a wrong shape."""
    if not isinstance(sample, dict) or not {'frame_dir', 'pred_label'} <= sample.keys():
        yield f'holds {type(sample).__name__} without frame_dir and pred_label'
        return
    name = sample['frame_dir']
    if not isinstance(name, str):
        yield f'frame_dir is {shown(name)}, expected a string'
    # The loop below reports what is not an array; a list may be ragged.
    shape = tuple(getattr(sample['pred_label'], 'shape', ())) or (None,)
    names = [*_OF_FRAMES, *(key for key in sample if str(key)[:5] == 'pred_')]
    shapes: dict[str, tuple[int | None, ...]] = dict.fromkeys(names, (None,))
    shapes |= dict.fromkeys(('pred_score', 'pred_logit'), (None, None))
    if 'tiers' in sample:
        shapes |= dict.fromkeys(('pred_label', 'raw_label', 'gt_label'), (None, None))
    for key in shapes.keys() & sample.keys():
        value = sample[key]
        if value is None and key != 'pred_label':
            continue
        if not isinstance(value, np.ndarray | torch.Tensor):
            yield f'{key} of video {name!r} is {shown(value)}, expected an array'
        elif isinstance(value, np.ndarray) and value.dtype.kind not in 'biuf':
            yield f'{key} of video {name!r} is of {value.dtype}, expected numbers'
        elif value.ndim != len(shapes[key]) or value.shape[-1:] != shape[-1:]:
            yield (
                f'{key} of video {name!r} has the shape {tuple(value.shape)}, but '
                f'pred_label {tuple(shape)}'
            )
    classes = sample.get('classes')
    is_list = classes is None or isinstance(classes, list | tuple)
    if not is_list or not all(isinstance(one, str) for one in classes or ()):
        yield f'classes is {shown(classes)}, expected a list of names'
