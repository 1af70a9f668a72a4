"""The opcodes of pickles: random ones, and changes of those of a valid pickle."""

import pickletools
import random
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tests.oracle import CANARY

OPCODES = {opcode.name: opcode for opcode in pickletools.opcodes}

# (module, name) of what files of ours, of MMEngine and of the reference code name.
_CORES = ('numpy.core', 'numpy._core')
HISTORY = 'mmengine.logging.history_buffer'
ADMITTED = (
    ('numpy', 'ndarray'), ('numpy', 'dtype'), ('collections', 'OrderedDict'),
    ('collections', 'Counter'), ('_codecs', 'encode'), ('builtins', 'bytearray'),
    ('builtins', 'bytes'), ('builtins', 'set'), ('builtins', 'frozenset'),
    ('builtins', 'complex'), ('builtins', 'slice'), ('builtins', 'getattr'),
    ('__builtin__', 'getattr'), ('__builtin__', 'set'), ('__builtin__', 'bytearray'),
    *((f'{core}.multiarray', '_reconstruct') for core in _CORES),
    *((f'{core}.multiarray', 'scalar') for core in _CORES),
    *((f'{core}.numeric', '_frombuffer') for core in _CORES),
    ('torch._utils', '_rebuild_tensor'), ('torch._utils', '_rebuild_tensor_v2'),
    ('torch._utils', '_rebuild_parameter'), ('torch', 'Size'), ('torch', 'device'),
    ('torch', 'float32'), ('torch', 'FloatStorage'), ('torch', 'LongStorage'),
    ('torch', 'BoolStorage'), ('torch.storage', 'UntypedStorage'),
    ('torch.storage', '_load_from_bytes'), (HISTORY, 'HistoryBuffer'),
    (HISTORY, 'HistoryBuffer.mean'), ('mmengine.config.config', 'ConfigDict'),
)  # fmt: skip
HOSTILE_NAMES = (
    ('os', 'system'), ('posix', 'system'), ('builtins', 'eval'), ('builtins', 'exec'),
    ('builtins', 'list'), ('builtins', 'range'), ('builtins', 'object'),
    ('builtins', 'type'), ('copyreg', '_reconstructor'), ('copyreg', '__newobj__'),
    ('collections', 'deque'), ('collections', 'defaultdict'), ('pathlib', 'PosixPath'),
    ('numpy', 'load'), ('numpy', 'memmap'), ('numpy', 'recarray'), ('numpy', 'zeros'),
    ('numpy.core.multiarray', 'fromfile'), ('torch', 'load'), ('torch', 'Tensor'),
    ('torch', 'UntypedStorage'), ('torch.jit', 'load'), ('torch._utils', 'x.y'),
    ('collections', 'OrderedDict.fromkeys'), (HISTORY, 'HistoryBuffer.__init__'),
    ('mmengine.config.config', 'Config.fromfile'), ('', ''), ('ä', 'ö'), ('a b', 'c'),
)  # fmt: skip

_PRIME = 2**61 - 1
INTEGERS = (
    0, 1, 2, 3, 4, 7, 8, 17, 255, 256, 65535, 65536, -1, -2, -129, 2**31 - 1, -(2**31),
    2**32, 2**40, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64, _PRIME, 2 * _PRIME,
    77 * _PRIME, 10**30, 10**400,
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.5, -3.25, 1e308, 1e-320, float('nan'), float('inf'))
TEXTS = (
    '', 'a', 'b', 'C', 'mean', 'latin1', 'utf-8', '0', '1', 'cpu', 'cuda', 'storage',
    'f4', 'f8', 'i8', 'O', 'O8', 'U3', 'S5', 'V8', 'V0', 'M8', 'm8', 'M8[ns]', 'b1',
    'c16', '<f4', '>f4', '=', '<', '>', '|', 'f4,i8', '(2,)f4', 'U999999999', 'i3',
    '__class__', '__dict__', '__setstate__', '__array_interface__', '_metadata', 'data',
    'state_dict', 'meta', 'message_hub', 'frame_dir', 'pred_label', 'annotations',
    'keypoint', '\0', 'Ärger ☃', '\udcff', 'x' * 300, f'touch {CANARY}',
)  # fmt: skip
# The one-byte, two-byte, four-byte and eight-byte lengths that an argument may begin
# with, as formats of ``struct``.
_LENGTHS = {
    'string1': '<B', 'bytes1': '<B', 'unicodestring1': '<B', 'long1': '<B',
    'string4': '<i', 'bytes4': '<I', 'unicodestring4': '<I', 'long4': '<i',
    'bytes8': '<Q', 'bytearray8': '<Q', 'unicodestring8': '<Q',
}  # fmt: skip
_NUMBERS = {
    'uint1': '<B', 'uint2': '<H', 'int4': '<i', 'uint4': '<I', 'uint8': '<Q',
    'float8': '>d',
}  # fmt: skip


class Dice(random.Random):
    """Random choices of a program: how much is wrong, how much is reused."""

    rate = 1.0
    memo = 0
    # Whether values may be torch's and MMEngine's.
    torch = True
    # Whether tensors hold their storage, as in a pickle that torch did not write.
    has_storages = False

    def wrong(self, chance: float) -> bool:
        """Return whether something is wrong, which has a chance at the usual rate."""
        return self.random() < chance * self.rate

    def memoize(self) -> bytes:
        """Return an opcode that puts the value on top of the stack into the memo."""
        self.memo += 1
        if self.random() < 0.5:
            return op('MEMOIZE')
        return op('BINPUT', self.memo - 1)


def op(name: str, argument: Any = None) -> bytes:
    """Return an opcode and its argument; numbers wrap around at the size of it."""
    opcode = OPCODES[name]
    code = opcode.code.encode('latin-1')
    if opcode.arg is None:
        return code
    kind = opcode.arg.name
    if kind in _NUMBERS:
        form = _NUMBERS[kind]
        if form == '>d':
            return code + struct.pack(form, argument)
        unsigned = int(argument) % 256 ** struct.calcsize(form)
        return code + unsigned.to_bytes(struct.calcsize(form), 'little')
    if kind in _LENGTHS:
        content = _content(argument)
        if _LENGTHS[kind] == '<B':
            content = content[:255]
        return code + struct.pack(_LENGTHS[kind], len(content)) + content
    if kind == 'unicodestringnl':
        line = str(argument).encode('raw-unicode-escape').replace(b'\n', b'')
        return code + line + b'\n'
    text = '\n'.join(argument) if isinstance(argument, tuple) else str(argument)
    if kind == 'decimalnl_long':
        text += 'L'
    if kind == 'stringnl':
        text = repr(text)
    return code + text.encode('utf-8', 'surrogatepass') + b'\n'


def integer(number: int) -> bytes:
    """Return what pushes a whole number."""
    return op('BININT' if abs(number) < 2**31 else 'LONG1', number)


def _content(argument: Any) -> bytes:
    """Return the content of an argument that begins with its length."""
    if isinstance(argument, str):
        return argument.encode('utf-8', 'surrogatepass')
    if isinstance(argument, int):
        return argument.to_bytes(argument.bit_length() // 8 + 1, 'little', signed=True)
    return bytes(argument)


def argument(name: str, rng: random.Random) -> Any:
    """Return a random argument that an opcode may have."""
    opcode = OPCODES[name]
    if opcode.arg is None:
        return None
    kind = opcode.arg.name
    if name in ('GLOBAL', 'INST'):
        return name_of(rng)
    if kind.startswith('float'):
        return rng.choice(FLOATS)
    if kind.startswith(('long', 'decimal')):
        return rng.choice(INTEGERS)
    if name.startswith(('BINGET', 'BINPUT', 'LONG_BIN')) or name in ('GET', 'PUT'):
        return rng.randrange(12) if rng.random() < 0.95 else rng.choice(INTEGERS)
    if name == 'PROTO':
        return rng.choice((0, 1, 2, 3, 4, 5, 5, 6, 255))
    if kind in _NUMBERS:
        return rng.choice(INTEGERS)
    if kind.startswith('byte'):
        return rng.randbytes(rng.choice((0, 1, 4, 8, 12, 24, 64)))
    return rng.choice(TEXTS)


def name_of(rng: random.Random) -> tuple[str, str]:
    """Return the module and the name of something, rarely of something hostile."""
    return rng.choice(ADMITTED if rng.random() < 0.93 else HOSTILE_NAMES)


def random_op(rng: random.Random) -> bytes:
    """Return any opcode but STOP, with an argument."""
    name = rng.choice(_NAMES)
    return op(name, argument(name, rng))


_NAMES = tuple(name for name in OPCODES if name != 'STOP')


def parts(content: bytes) -> list[bytes]:
    """Return the opcodes of a program, each with its argument.

    The last part is what follows STOP, or an opcode that cannot be read.
    """
    begins = []
    with suppress(ValueError):
        for _, _, place in pickletools.genops(content):
            begins.append(place)
    begins = begins or [0]
    ends = [*begins[1:], len(content)]
    return [content[begin:end] for begin, end in zip(begins, ends, strict=True)]


_BY_CODE = {opcode.code.encode('latin-1'): opcode.name for opcode in OPCODES.values()}


def changed_ops(
    ops: Sequence[bytes], rng: random.Random, others: Sequence[bytes] = ()
) -> bytes:
    """Return the program of opcodes, of which one to eight are changed.

    Args:
        ops: What :func:`parts` returns.
        rng: Decides.
        others: Opcodes of another program, a stretch of which may be put in.
    """
    made = list(ops)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        place = rng.randrange(max(len(made), 1))
        span = slice(place, place + rng.choice((1, 1, 1, 2, 5)))
        kind = rng.choice(_CHANGES)
        if kind == 'drop':
            del made[span]
        elif kind == 'double':
            made[place:place] = made[span]
        elif kind == 'swap':
            other = rng.randrange(max(len(made), 1))
            made[place : place + 1], made[other : other + 1] = (
                made[other : other + 1], made[place : place + 1],
            )  # fmt: skip
        elif kind == 'insert':
            made.insert(place, random_op(rng))
        elif kind == 'number':
            made[place : place + 1] = [integer(rng.choice(INTEGERS))]
        elif kind == 'splice' and others:
            begin = rng.randrange(len(others))
            made[place:place] = others[begin : begin + rng.randint(1, 20)]
        elif kind == 'argument' and place < len(made):
            name = _BY_CODE[made[place][:1]]
            made[place] = op(name, argument(name, rng))
    return b''.join(made)


_CHANGES = ('drop', 'double', 'swap', 'insert', 'number', 'splice', 'argument')
