"""Random programs of each kind of file that is a pickle, partly wrong."""

from tests.test_faults.grammar import (
    TORCH_VALUES,
    array,
    call,
    number,
    or_other,
    ordered,
    some_dict,
    some_list,
    text,
    tuple_of,
    value,
)
from tests.test_faults.opcodes import HISTORY, Dice, changed_ops, name_of, op, parts
from tests.test_faults.torch_layouts import legacy

# Torch's and MMEngine's.


def _storage(rng: Dice) -> bytes:
    """Return the memory of a tensor, by its key or, as in dumps, in bytes."""
    if rng.has_storages and not rng.wrong(0.1):
        stored = legacy(_persistent(rng) + op('STOP'))
        if rng.wrong(0.1):
            stored = changed_ops(parts(stored), rng)
        name = ('torch.storage', '_load_from_bytes')
        return call(rng, name, op('BINBYTES', stored))
    return _persistent(rng)


def _persistent(rng: Dice) -> bytes:
    kind = rng.choice(('FloatStorage', 'FloatStorage', 'IntStorage', 'LongStorage'))
    named = name_of(rng) if rng.wrong(0.03) else ('torch', kind)
    made = tuple_of(
        text(rng, 'storage'),
        op('GLOBAL', named),
        text(rng, '0', '1'),
        text(rng, 'cpu'),
        number(rng, 4 if kind[0] == 'L' else 8),
        *([op('NONE')] if rng.random() < 0.5 else []),
    )
    return or_other(rng, made, 0.04) + op('BINPERSID')


def _tensor(rng: Dice, depth: int) -> bytes:
    name = rng.choice(('_rebuild_tensor_v2', '_rebuild_tensor_v2', '_rebuild_tensor'))
    items = [or_other(rng, _storage(rng)), number(rng, 0)]
    items += [tuple_of(number(rng, 2), number(rng, 2)) for _ in range(2)]
    if name[-1] == '2':
        items += [op('NEWFALSE'), ordered(rng, 0)]
    made = call(rng, ('torch._utils', name), *items)
    if rng.random() < 0.15:
        rest = (op('NEWTRUE'), ordered(rng, 0))
        made = call(rng, ('torch._utils', '_rebuild_parameter'), made, *rest)
    return made


def _history(rng: Dice, depth: int) -> bytes:
    """Return a log of MMEngine, which keeps two arrays."""
    name = (HISTORY, 'HistoryBuffer')
    made = op('GLOBAL', name) + op('EMPTY_TUPLE') + op('NEWOBJ')
    if rng.wrong(0.05):
        made = call(rng, name, value(rng, depth), value(rng, depth))
    methods = op('EMPTY_DICT') + text(rng, 'mean', 'current')
    getter = op('GLOBAL', ('builtins', 'getattr')) + op('GLOBAL', name)
    getter += text(rng, 'mean', 'current') + op('TUPLE2') + op('REDUCE')
    methods += or_other(rng, getter) + op('SETITEM')
    state = b''.join(
        text(rng, key) + or_other(rng, item)
        for key, item in (
            ('max_length', number(rng, 1000)),
            ('_log_history', array(rng, depth, 1)),
            ('_count_history', array(rng, depth, 1)),
            ('statistics_methods', methods),
        )
        if not rng.wrong(0.04)
    )
    return made + op('EMPTY_DICT') + b'(' + state + op('SETITEMS') + op('BUILD')


TORCH_VALUES += [_tensor, _tensor, _history]


# What files hold.


def _with(*pairs: tuple[str, bytes]) -> bytes:
    items = b''.join(op('BINUNICODE', key) + item for key, item in pairs)
    return op('EMPTY_DICT') + b'(' + items + op('SETITEMS')


def annotations(rng: Dice) -> bytes:
    """Return annotations of a video."""
    rng.torch = False
    video = _with(
        ('frame_dir', text(rng, 'a')),
        ('total_frames', number(rng, 3)),
        ('keypoint', array(rng, 2)),
        ('label', array(rng, 2)),
    )
    videos = b'(' + or_other(rng, video) + op('LIST')
    return _with(('annotations', videos), ('split', some_dict(rng, 1)))


def dump(rng: Dice) -> bytes:
    """Return predictions of a video."""
    rng.has_storages = True
    label = value(rng, 2) if rng.random() < 0.1 else array(rng, 2)
    sample = _with(
        ('frame_dir', text(rng, 'a')),
        ('pred_label', label),
        ('pred_score', or_other(rng, _tensor(rng, 1))),
        ('classes', some_list(rng, 1)),
    )
    return b'(' + sample + op('LIST')


def checkpoint(rng: Dice) -> bytes:
    """Return a checkpoint of MMEngine."""
    weights = _with(('a.weight', _tensor(rng, 1)), ('a.bias', _tensor(rng, 1)))
    return _with(
        ('state_dict', or_other(rng, weights)),
        (
            'meta',
            or_other(rng, _with(('seed', number(rng, 3)), ('cfg', text(rng, 'a = 1')))),
        ),
        ('message_hub', _with(('log_scalars', _with(('loss', _history(rng, 1)))))),
        ('optimizer', some_dict(rng, 2)),
    )
