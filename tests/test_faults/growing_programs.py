"""Small programs that make huge values, or never end."""

from tests.test_faults.grammar import tuple_of, value
from tests.test_faults.opcodes import Dice, op

STOP = op('STOP')
_LONG = op('BYTEARRAY8', bytes(100_000))
_PRIME = 2**61 - 1

# What there is first, what is done again and again, and what once at the end.
_STEPS: tuple[tuple[bytes, bytes, bytes], ...] = (
    # A list, tuple or set of twice what there was.
    (op('EMPTY_TUPLE'), op('DUP') + op('TUPLE2'), b''),
    (3 * op('NONE'), op('DUP') + op('TUPLE3'), b''),
    (op('NONE'), op('MEMOIZE') + op('BINGET', 0) + op('TUPLE2'), b''),
    *(
        (
            op('EMPTY_TUPLE') + op('BINPUT', 0),
            b'(' + 2 * op('BINGET', 0) + op(kind) + op('BINPUT', 0),
            b'',
        )
        for kind in ('LIST', 'TUPLE', 'FROZENSET')
    ),
    # The same as a key.
    (
        op('EMPTY_DICT') + op('NONE'),
        op('DUP') + op('TUPLE2'),
        op('NONE') + op('SETITEM'),
    ),
    (op('EMPTY_DICT') + op('NONE'), op('TUPLE1'), op('NONE') + op('SETITEM')),
    # Nested without end, or within itself.
    (op('NONE'), op('TUPLE1'), b''),
    (op('EMPTY_LIST'), op('EMPTY_LIST'), 300 * op('APPEND')),
    (b'', op('MARK'), 300 * op('LIST')),
    (op('EMPTY_LIST') + op('MEMOIZE'), op('BINGET', 0) + op('APPEND'), b''),
    (
        op('EMPTY_DICT') + op('MEMOIZE'),
        op('NONE') + op('BINGET', 0) + op('SETITEM'),
        b'',
    ),
    # The same bytes in the memo again and again, or from it.
    (_LONG, op('MEMOIZE'), b''),
    (_LONG + op('BINPUT', 0), op('BINGET', 0) + op('MEMOIZE'), b''),
    (_LONG + op('NONE') + op('BYTEARRAY8', b'a') + op('POP'), op('MEMOIZE'), b''),
    (_LONG + op('BYTEARRAY8', b'a') + op('POP'), op('MEMOIZE'), b''),
)


def growing(rng: Dice) -> bytes:
    """Return a program that grows with each of its steps."""
    times = 20_000 if rng.random() < 0.2 else rng.choice((5, 25, 60, 300))
    kind = rng.randrange(5)
    if kind == 0:
        return _many_axes(rng, times) + STOP
    if kind == 1:
        return _repeated_tensor(rng) + STOP
    first, step, last = rng.choice(_STEPS)
    if kind == 2:
        name = rng.choice(('bytes', 'bytearray', 'list', 'set'))
        first = _LONG + op('MEMOIZE')
        step = op('GLOBAL', ('builtins', name)) + op('BINGET', 0) + op('TUPLE1')
        step += op(rng.choice(('REDUCE', 'NEWOBJ')))
        step += rng.choice((b'', op('MEMOIZE')))
    return first + step * times + last + STOP


def _many_axes(rng: Dice, times: int) -> bytes:
    """Return an array or a tensor of a shape with many numbers."""
    number = op('LONG1', rng.choice((0, 1, 2, _PRIME, 2 ** (8 * 250))))
    put = number + op('BINPUT', 0) + op('POP')
    shape = b'(' + op('BINGET', 0) * times + op('TUPLE')
    core = rng.choice(('numpy.core', 'numpy._core'))
    if rng.random() < 0.5:
        kind = op('GLOBAL', ('numpy', 'dtype')) + tuple_of(op('BINUNICODE', 'f4'))
        state = [op('BININT', 3), op('BINUNICODE', '<'), *3 * [op('NONE')]]
        state += [op('BININT', -1), op('BININT', -1), op('BININT', 0)]
        kind += op('REDUCE') + tuple_of(*state) + op('BUILD')
        arguments = tuple_of(
            op('BINBYTES', bytes(4)), kind, shape, op('BINUNICODE', 'C')
        )
        name = op('GLOBAL', (f'{core}.numeric', '_frombuffer'))
        return put + name + arguments + op('REDUCE')
    stride = b'(' + op('BININT1', rng.randrange(2)) * times + op('TUPLE')
    return put + _tensor(shape, stride)


def _tensor(shape: bytes, stride: bytes) -> bytes:
    storage = tuple_of(
        op('BINUNICODE', 'storage'),
        op('GLOBAL', ('torch', 'ByteStorage')),
        op('BINUNICODE', '0'),
        op('BINUNICODE', 'cpu'),
        op('BININT', 32),
    )
    items = tuple_of(storage + op('BINPERSID'), op('BININT', 0), shape, stride)
    return op('GLOBAL', ('torch._utils', '_rebuild_tensor')) + items + op('REDUCE')


def _repeated_tensor(rng: Dice) -> bytes:
    """Return a tensor of a few bytes with millions of rows, in any place."""
    shape = tuple_of(op('BININT', 2 ** rng.choice((10, 20, 25))), op('BININT', 2))
    made = _tensor(shape, tuple_of(op('BININT', 0), op('BININT', 0)))
    kind = rng.randrange(7)
    if kind == 0:
        return made + op('BINPERSID')
    if kind == 1:
        return _tensor(made, made)
    if kind == 2:
        return value(rng, 2) + made + op('BUILD')
    if kind == 3:
        return op('EMPTY_DICT') + made + op('NONE') + op('SETITEM')
    modules = {
        'OrderedDict': 'collections', 'Counter': 'collections', 'Size': 'torch',
        'device': 'torch', 'set': 'builtins', 'bytes': 'builtins', 'dtype': 'numpy',
    }  # fmt: skip
    name = rng.choice(list(modules))
    return op('GLOBAL', (modules[name], name)) + made + op('TUPLE1') + op('REDUCE')


def many_keys(rng: Dice) -> bytes:
    """Return a dict or a set of keys with equal hashes, or of odd ones."""
    count = 3000 if rng.random() < 0.2 else rng.randint(1, 20)
    keys = [op('LONG1', k * _PRIME + rng.randrange(2)) for k in range(count)]
    if rng.random() < 0.3:
        keys = [value(rng, 2) for _ in range(10)]
    if rng.random() < 0.5:
        return op('EMPTY_SET') + b'(' + b''.join(keys) + op('ADDITEMS') + STOP
    pairs = b''.join(key + op('NONE') for key in keys)
    return op('EMPTY_DICT') + b'(' + pairs + op('SETITEMS') + STOP
