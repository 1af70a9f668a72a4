"""Random pickle programs: plausible, damaged and hostile ones.

``program(seed, number)`` is always the same. Some are opcodes in any order, some build
what real files hold with some of it wrong, some change real pickles opcode by opcode,
and some grow without end.
"""

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from functools import cache, lru_cache

import numpy as np

from tests.test_faults.file_programs import annotations, checkpoint, dump
from tests.test_faults.grammar import value
from tests.test_faults.growing_programs import STOP, growing, many_keys
from tests.test_faults.opcodes import Dice, changed_ops, op, parts, random_op


@lru_cache(maxsize=1)
def program(seed: int, number: int) -> bytes:
    """Return a program, with or without STOP at its end."""
    rng = Dice(f'{seed}/{number}')
    rng.rate = rng.choice((0.1, 0.5, 1, 3))
    rng.torch, rng.has_storages = rng.random() < 0.5, rng.random() < 0.3
    made = rng.choice(_STYLES)(rng)
    if rng.random() < 0.3:
        made = op('PROTO', rng.choice((2, 4, 5))) + made
    if rng.random() < 0.15:
        made = changed_ops(parts(made), rng, parts(rng.choice(real_pickles())))
    return made


# Opcodes in any order.


def _any_order(rng: Dice) -> bytes:
    """Return random opcodes, mostly with suitable values before them."""
    made = [
        random_op(rng) if rng.random() < 0.4 else value(rng, 3)
        for _ in range(rng.randint(1, 25))
    ]
    return b''.join(made) + STOP


def _changed_file(rng: Dice) -> bytes:
    """Return a real pickle with some of its opcodes changed."""
    first, second = rng.choices(real_pickles(), k=2)
    return changed_ops(_parts(first), rng, _parts(second))


_parts = cache(parts)


@cache
def real_pickles() -> tuple[bytes, ...]:
    """Return pickles of what files hold, in all protocols."""
    import torch
    from mmengine.config import ConfigDict
    from mmengine.logging import HistoryBuffer

    label = np.array([0, 0, 1, 1, 1])
    video = {
        'frame_dir': 'a', 'total_frames': 5, 'img_shape': (48, 64), 'label': label,
        'keypoint': np.ones((1, 5, 2, 2), np.float32), 'fps': np.float64(25),
    }  # fmt: skip
    annotations = {'annotations': [video, video], 'split': {'train': ['a']}}
    dump = [{'frame_dir': 'a', 'pred_label': label, 'pred_score': np.ones((2, 5)) / 2}]
    others = {
        'others': [
            np.array(['ab', 'c']), np.array([b'ab']), np.array([None, 'a'], object),
            np.array(['2020-01-01'], 'M8[D]'), np.array(3), np.ones((2, 3)).T,
            bytearray(b'abc'), b'abc', {1, 2}, frozenset({3}), 1 + 2j, slice(1, 2),
            OrderedDict(a=1), Counter('aab'), np.dtype('f4'), np.bool_(True), 10**40,
        ],
    }  # fmt: skip
    protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    made = [pickle.dumps(x, p) for x in (annotations, dump, others) for p in protocols]
    made.append(pickle.dumps(annotations, 5, buffer_callback=lambda buffer: None))
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    checkpoint = {
        'meta': {'epoch': 2, 'dataset_meta': ConfigDict(classes=['walk', 'lift'])},
        'state_dict': torch.nn.Linear(2, 1).state_dict(),
        'message_hub': {'log_scalars': OrderedDict(loss=history)},
        'optimizer': {'state': {0: {'exp_avg': torch.ones(2)}}, 'param_groups': []},
        'param_schedulers': [{'milestones': Counter([3, 4])}],
        'parameter': torch.nn.Parameter(torch.ones(1)),
    }
    stream = io.BytesIO()
    torch.save(checkpoint, stream)
    with zipfile.ZipFile(stream) as archive:
        made.append(archive.read('archive/data.pkl'))
    return tuple(made)


def _huge_length(rng: Dice) -> bytes:
    """Return an opcode that claims more bytes than there are."""
    code, size = rng.choice(
        (('BINBYTES', 4), ('BINBYTES8', 8), ('BYTEARRAY8', 8), ('BINUNICODE', 4),
         ('BINUNICODE8', 8), ('LONG4', 4), ('BINSTRING', 4), ('FRAME', 8))
    )  # fmt: skip
    length = rng.choice((100, 2**20, 2**30, 2**31 - 1, 2**32 - 1, 2**40, 2**63, -1))
    claim = (length % 256**size).to_bytes(size, 'little')
    return value(rng, 2) + op(code, 0 if size == 8 else b'')[:1] + claim + b'x' * 50


def _whole(rng: Dice) -> bytes:
    """Return the content of a file of ours, partly wrong."""
    return rng.choice((annotations, dump, checkpoint))(rng) + STOP


_STYLES = (
    *3 * (_any_order,), *4 * (_changed_file,), *5 * (_whole,),
    growing, many_keys, _huge_length,
)  # fmt: skip
