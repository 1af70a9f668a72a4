"""Random values as pickles build them, partly wrong."""

from collections.abc import Callable

from tests.test_faults.opcodes import (
    FLOATS,
    HISTORY,
    INTEGERS,
    TEXTS,
    Dice,
    argument,
    integer,
    name_of,
    op,
)


def value(rng: Dice, depth: int) -> bytes:
    """Return opcodes that push one value."""
    if depth <= 0 or rng.random() < 0.25:
        return _plain(rng)
    made = rng.choice(_VALUES + rng.torch * TORCH_VALUES)(rng, depth - 1)
    if rng.random() < 0.3:
        made += rng.memoize()
    if rng.random() < 0.05:
        made += op('DUP') + op('TUPLE2')
    if rng.wrong(0.03):
        made += _other(rng, 1) + op('BUILD')
    return made


def _plain(rng: Dice) -> bytes:
    kind = rng.randrange(8)
    if kind == 0:
        return op('BINFLOAT', rng.choice(FLOATS))
    if kind < 3:
        return op('BINUNICODE', rng.choice(TEXTS))
    if kind == 3:
        return _bytes(rng, 8)
    if kind == 4 and (rng.memo or rng.wrong(0.1)):
        return op('BINGET', rng.randrange(rng.memo + 1 - (rng.memo > 0)))
    if kind == 5:
        name = rng.choice(_PLAIN if not rng.wrong(0.15) else _ODD)
        return op(name, argument(name, rng))
    whole = rng.choice(INTEGERS) if rng.wrong(0.3) else rng.randrange(5)
    return op('LONG1' if kind == 6 else 'INT', whole)


_PLAIN = (
    'NONE', 'NEWTRUE', 'NEWFALSE', 'EMPTY_LIST', 'EMPTY_TUPLE', 'EMPTY_DICT',
    'EMPTY_SET', 'SHORT_BINBYTES', 'FLOAT', 'BININT2', 'UNICODE',
)  # fmt: skip
_ODD = (
    'SHORT_BINSTRING', 'STRING', 'LONG', 'GLOBAL', 'NEXT_BUFFER', 'LONG4', 'INST',
)  # fmt: skip


def _bytes(rng: Dice, size: int) -> bytes:
    """Return opcodes that push so many bytes, in one of several ways."""
    if rng.wrong(0.05):
        size = rng.choice((0, 1, 3, 100, 5000))
    content = bytes(size) if rng.random() < 0.7 else rng.randbytes(size)
    if rng.random() < 0.2:
        text = op('BINUNICODE', content.decode('latin-1')) + op('BINUNICODE', 'latin1')
        return op('GLOBAL', ('_codecs', 'encode')) + text + op('TUPLE2') + op('REDUCE')
    if rng.wrong(0.1):
        buffer = op('BYTEARRAY8', content)
        return buffer + (op('READONLY_BUFFER') if rng.random() < 0.5 else b'')
    return op('BINBYTES', content)


def or_other(rng: Dice, good: bytes, chance: float = 0.08) -> bytes:
    return _other(rng, 2) if rng.wrong(chance) else good


def _other(rng: Dice, depth: int) -> bytes:
    """Return a value for the wrong place, with fewer faults of its own."""
    rate, rng.rate = rng.rate, rng.rate / 3
    made = value(rng, depth)
    rng.rate = rate
    return made


def number(rng: Dice, good: int) -> bytes:
    if rng.wrong(0.05):
        good = rng.choice(INTEGERS)
    return or_other(rng, integer(good), 0.02)


def tuple_of(*items: bytes) -> bytes:
    return b'(' + b''.join(items) + op('TUPLE')


def call(rng: Dice, name: tuple[str, str], *items: bytes) -> bytes:
    """Return a call of a name by one of the opcodes that call."""
    arguments = list(items)
    if rng.wrong(0.04):
        arguments = arguments[: rng.randrange(len(arguments) + 1)]
    if rng.wrong(0.03):
        arguments.append(_other(rng, 1))
    named = op('GLOBAL', name_of(rng) if rng.wrong(0.02) else name)
    kind = rng.random() if rng.wrong(0.15) else 0
    if kind < 0.2:
        return named + tuple_of(*arguments) + op('REDUCE')
    if kind < 0.4:
        return named + tuple_of(*arguments) + op('NEWOBJ')
    if kind < 0.6:
        return b'(' + b''.join(arguments) + op('INST', name)
    if kind < 0.8:
        return b'(' + named + b''.join(arguments) + op('OBJ')
    return named + tuple_of(*arguments) + op('EMPTY_DICT') + op('NEWOBJ_EX')


def text(rng: Dice, *good: str) -> bytes:
    """Return one of some texts, sometimes another."""
    chosen = rng.choice(TEXTS if rng.wrong(0.05) else good)
    return or_other(rng, op('BINUNICODE', chosen), 0.02)


def some_list(rng: Dice, depth: int) -> bytes:
    items = b''.join(value(rng, depth) for _ in range(rng.randrange(4)))
    kind = rng.randrange(5 if rng.wrong(0.2) else 3)
    if kind == 0:
        return b'(' + items + op('TUPLE')
    if kind == 4:
        return b'(' + items + op('FROZENSET')
    if kind == 3:
        return op('EMPTY_SET') + b'(' + items + op('ADDITEMS')
    if kind == 1:
        return b'(' + items + op('LIST')
    return op('EMPTY_LIST') + b'(' + items + op('APPENDS')


def some_dict(rng: Dice, depth: int) -> bytes:
    pairs = b''.join(_key(rng) + value(rng, depth) for _ in range(rng.randrange(4)))
    kind = rng.randrange(4)
    if kind == 0:
        return op('EMPTY_DICT') + _key(rng) + value(rng, depth) + op('SETITEM')
    if kind == 1:
        return b'(' + pairs + op('DICT')
    return op('EMPTY_DICT') + b'(' + pairs + op('SETITEMS')


def _key(rng: Dice) -> bytes:
    """Return a key of a dict, mostly one that can be hashed."""
    if rng.random() < 0.3:
        return number(rng, rng.randrange(5))
    return or_other(rng, op('BINUNICODE', rng.choice(TEXTS)), 0.1)


# NumPy's.

_SIZES = {'f8': 8, 'f4': 4, 'i8': 8, 'i4': 4, 'u1': 1, 'b1': 1, 'f2': 2, 'c16': 16}
_TEXT_SIZES = {'U3': 12, 'S5': 5}
_ODD_SIZES = {'O8': 8, 'V8': 8, 'M8': 8, 'm8': 8}


def _dtype(rng: Dice, code: str) -> bytes:
    """Return a dtype and, as NumPy writes it, its state."""
    made = call(rng, ('numpy', 'dtype'), text(rng, code), op('NEWFALSE'), op('NEWTRUE'))
    if rng.wrong(0.05):
        return made
    size, alignment = (-1, -1)
    if code in _TEXT_SIZES:
        size, alignment = _TEXT_SIZES[code], 4 if code[0] == 'U' else 1
    flags = 63 if code[0] == 'O' else 0
    state = [
        number(rng, 3 if code[0] not in 'Mm' else 4),
        text(rng, '|' if size > 0 and code[0] == 'S' else '<'),
        *(or_other(rng, op('NONE'), 0.05) for _ in range(3)),
        number(rng, size),
        number(rng, alignment),
        number(rng, flags),
    ]
    if code[0] in 'Mm' and not rng.wrong(0.2):
        unit = op('BINBYTES', b'D')
        unit = tuple_of(unit, *(number(rng, 1) for _ in range(3)))
        state.append(tuple_of(op('EMPTY_DICT'), or_other(rng, unit)))
    if rng.wrong(0.04):
        del state[rng.randrange(len(state))]
    return made + tuple_of(*state) + op('BUILD')


def _code_and_size(rng: Dice) -> tuple[str, int]:
    kinds = rng.choices((_SIZES, _TEXT_SIZES, _ODD_SIZES), (8, 2, rng.rate))[0]
    return rng.choice(list(kinds.items()))


def _shape(rng: Dice, axes: int) -> tuple[bytes, int]:
    """Return a shape and how many items it should have."""
    shape = [rng.randrange(4) for _ in range(axes)]
    count = 1
    for length in shape:
        count *= length
    return or_other(rng, tuple_of(*(number(rng, n) for n in shape)), 0.04), count


def array(rng: Dice, depth: int, axes: int | None = None) -> bytes:
    """Return an array in the way of protocols 0 to 4, with so many axes."""
    code, size = _code_and_size(rng)
    shape, count = _shape(rng, rng.randrange(3) if axes is None else axes)
    kind = op('GLOBAL', name_of(rng) if rng.wrong(0.02) else ('numpy', 'ndarray'))
    core = rng.choice(('numpy.core', 'numpy._core'))
    empty = tuple_of(number(rng, 0))
    made = call(
        rng, (f'{core}.multiarray', '_reconstruct'), kind, empty, _bytes(rng, 1)
    )
    if code[0] == 'O':
        there = rng.randrange(4) if rng.wrong(0.3) else count
        content = b'(' + b''.join(value(rng, depth) for _ in range(there)) + op('LIST')
    else:
        content = _bytes(rng, size * count)
    state = [number(rng, 1), shape, _dtype(rng, code)]
    state += [op(rng.choice(('NEWFALSE', 'NEWTRUE'))), or_other(rng, content, 0.04)]
    if rng.wrong(0.05):
        del state[rng.randrange(len(state))]
    built = tuple_of(*state) + op('BUILD')
    again = rng.memoize() + built if rng.wrong(0.05) else b''
    return made + built + again


def array_of_buffer(rng: Dice, depth: int) -> bytes:
    """Return an array in the way of protocol 5."""
    code, size = _code_and_size(rng)
    shape, count = _shape(rng, rng.randrange(3))
    core = rng.choice(('numpy.core', 'numpy._core'))
    content = or_other(rng, _bytes(rng, size * count), 0.05)
    if rng.wrong(0.03):
        content = op('NEXT_BUFFER') + op('READONLY_BUFFER')
    if rng.wrong(0.1):
        content += op('BINPUT', 0)
    order = text(rng, 'C', 'F')
    name = (f'{core}.numeric', '_frombuffer')
    made = call(rng, name, content, _dtype(rng, code), shape, order)
    if rng.wrong(0.05):
        made += op('BINGET', 0) + number(rng, 300) + op('APPEND')
    return made


def _scalar(rng: Dice, depth: int) -> bytes:
    code, size = _code_and_size(rng)
    core = rng.choice(('numpy.core', 'numpy._core'))
    content = _bytes(rng, size) if code[0] != 'O' else value(rng, depth)
    return call(
        rng, (f'{core}.multiarray', 'scalar'), _dtype(rng, code), or_other(rng, content)
    )


# Python's.


def ordered(rng: Dice, depth: int) -> bytes:
    pairs = b'(' + b''.join(
        tuple_of(_key(rng), value(rng, depth)) for _ in range(rng.randrange(3))
    )
    items = [or_other(rng, pairs + op('LIST'))] if rng.random() < 0.4 else []
    made = call(rng, ('collections', 'OrderedDict'), *items)
    if rng.random() < 0.6:
        made += b'(' + _key(rng) + value(rng, depth) + op('SETITEMS')
    if rng.random() < 0.3:
        state = text(rng, '_metadata') + value(rng, depth) + op('SETITEM')
        made += op('EMPTY_DICT') + state + op('BUILD')
    return made


def _of_python(rng: Dice, depth: int) -> bytes:
    names = ['set', 'frozenset', 'bytearray', 'bytes', 'complex', 'slice']
    names += rng.torch * ['Counter', 'ConfigDict', 'getattr', 'device', 'Size']
    name = rng.choice(names)
    items = [value(rng, depth)]
    if name in ('set', 'frozenset', 'Size'):
        items = [b'(' + value(rng, depth) + _plain(rng) + op('LIST')]
    elif name in ('complex', 'slice'):
        items = [_plain(rng), *(_plain(rng) for _ in range(rng.randrange(3)))]
    elif name in ('Counter', 'ConfigDict'):
        items = [some_dict(rng, depth)]
    elif name == 'getattr':
        items = [op('GLOBAL', (HISTORY, 'HistoryBuffer')), text(rng, 'mean', 'max')]
    elif name == 'device':
        items = [text(rng, 'cpu', 'cuda')]
    module = {
        'Counter': 'collections', 'ConfigDict': 'mmengine.config.config',
        'device': 'torch', 'Size': 'torch',
    }.get(name, rng.choice(('builtins', '__builtin__')))  # fmt: skip
    return call(rng, (module, name), *(or_other(rng, item) for item in items))


_VALUES: list[Callable[[Dice, int], bytes]] = [
    some_list, some_dict, array, array, array_of_buffer, _scalar, ordered, _of_python,
]  # fmt: skip
# Of which annotations have none.
TORCH_VALUES: list[Callable[[Dice, int], bytes]] = []
