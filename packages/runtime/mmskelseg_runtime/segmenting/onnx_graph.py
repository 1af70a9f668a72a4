"""Checks of the graph in an ONNX file, without the package ``onnx``.

A file may only use operators from a fixed list. The sizes of their inputs and outputs
bound their running time. Loops, branches, functions, random numbers, texts, and weights
in other files are refused.
"""

from collections.abc import Iterator

from mmskelseg_io.messages.errors import UserError, shown

# The operators that a file may use, of ONNX's own domain: those of our exports, and
# those of the image encoders of torchvision and timm. `NonZero` is not among them,
# since it takes memory that ONNX Runtime does not count.
_OPERATORS = """
Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast CastLike Ceil Celu
Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos CumSum DepthToSpace Div
Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor GRU Gather GatherElements
GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual
GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN
LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
LpNormalization MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not Or PRelu Pad Pow
RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round
ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Size Slice Softmax Softplus
Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh ThresholdedRelu Tile TopK
Transpose Trilu Unsqueeze Where
"""
_OWN = frozenset(_OPERATORS.split())
# Operators that move a window over a tensor, and its largest number of values. ONNX
# Runtime cannot be stopped within an operator, and a huge window would take days.
_WINDOWED = {'AveragePool', 'Conv', 'ConvTranspose', 'MaxPool'}
_LARGEST_WINDOW = 4096
# The most fields of a file; networks of a thousand layers have some 50,000.
_MOST_FIELDS = 5_000_000
# By the kind of a message and the number of a field in it: what the field holds.
_PARTS: dict[str, dict[int, str]] = {
    'model': {7: 'graph', 20: 'code for training', 25: 'functions'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse weights'},
    'node': {4: 'operator', 5: 'attribute', 7: 'domain'},
    'attribute': {
        5: 'tensor', 6: 'graphs in an operator', 10: 'tensor',
        11: 'graphs in an operator', 22: 'sparse weights', 23: 'sparse weights',
    },
    'tensor': {13: 'weights in another file'},
}  # fmt: skip


def check_graph(content: bytes, name: str) -> None:
    """Raise a UserError unless the graph in a file could be one of our exports."""
    todo, count = [('model', 0, len(content))], 0
    while todo:
        kind, at, end = todo.pop()
        texts = {'operator': '', 'domain': ''}
        attributes = []
        try:
            for number, begin, stop in _fields(content, at, end):
                count += 1
                part = _PARTS[kind].get(number)
                if part == 'attribute':
                    attributes.append((begin, stop))
                if part in _PARTS:
                    todo.append((part, begin, stop))
                elif part in texts:
                    # As in all readers, the last one counts.
                    texts[part] = content[begin:stop].decode()
                elif part is not None:
                    raise _refused(name, part)
            if texts['operator'] in _WINDOWED:
                windows = [_window(content, *place) for place in attributes]
                if not any(windows) or max(windows) > _LARGEST_WINDOW:
                    what = f'a window of {max(windows, default=0)} values'
                    raise _refused(name, f'{what} in {texts["operator"]}')
            if count > _MOST_FIELDS:
                raise ValueError(f'over {_MOST_FIELDS} parts')
        except (IndexError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(
                f'{name}: cannot be read as an ONNX file ({shown(error)}); it may be '
                'cut short or be another kind of file; copy it or export the model '
                'again.'
            ) from None
        operator, domain = texts.values()
        if kind == 'node' and (operator not in _OWN or domain not in ('', 'ai.onnx')):
            where = f' of the domain {shown(domain)}' if domain else ''
            raise _refused(name, f'the operator {shown(operator)}{where}')


def _refused(name: str, part: str) -> UserError:
    return UserError(
        f'{name}: its graph has {part}, but an exported model is one graph of '
        'operators that compute tensors from tensors; remove that from the model, and '
        'export it again.'
    )


def _window(content: bytes, at: int, end: int) -> int:
    """Return how many values an attribute gives to a window; 0 for another one."""
    name, values = b'', 1
    for number, begin, stop in _fields(content, at, end):
        if number == 1:
            name = content[begin:stop]
        while number == 8 and begin < stop:
            size, begin = _varint(content, begin)
            values *= size
    return values if name == b'kernel_shape' else 0


def _fields(content: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, begin and end of each field of a message.

    An IndexError means that the file is cut short, a ValueError another kind of file.
    """
    while at < end:
        tag, at = _varint(content, at)
        kind, begin = tag & 7, at
        # Other readers would truncate a larger tag to 32 bits, and find another field.
        if not 8 <= tag < 1 << 32 or kind not in (0, 1, 2, 5):
            raise ValueError(f'the tag {tag}')
        if kind == 2:
            size, begin = _varint(content, at)
            at = begin + size
        elif kind == 0:
            _, at = _varint(content, at)
        else:
            at += 8 if kind == 1 else 4
        if at > end:
            raise ValueError('it ends too early')
        yield tag >> 3, begin, at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = content[at]
    if value < 128:
        return value, at + 1
    value &= 127
    for shift in range(7, 70, 7):
        at += 1
        byte = content[at]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at + 1
    raise ValueError('a number of over ten bytes')
