"""The shape that the JSON of a tool must have, checked before it is read.

A shape is a type, or several in a tuple; a list with one shape, that of all its items;
or a dict with the shapes of the keys that matter. A key that ends in ``?`` may be
missing or null, and the key ``...`` stands for all keys of an object.
"""

from collections.abc import Iterator
from typing import Any

Shape = Any
_NAMES = {
    dict: 'an object',
    list: 'a list',
    str: 'a text',
    int: 'a number',
    float: 'a number',
}


def check_shape(value: Any, shape: Shape, place: str, remedy: str) -> None:
    """Make sure that a value of a JSON file has a shape.

    Args:
        value: What was read.
        shape: See above.
        place: The file, and where in it the value is.
        remedy: What to do, for the message.

    Raises:
        ValueError: If something is missing or of another type.

    >>> check_shape({'a': [1, 2]}, {'a': [int], 'b?': str}, 'x.json', 'export again')
    >>> check_shape({'a': [1, '2']}, {'a': [int]}, 'x.json', 'export it again')
    Traceback (most recent call last):
    ValueError: x.json: a[1] is '2', expected a number; export it again.
    """
    for at, problem in _problems(value, shape, ''):
        raise ValueError(f'{place}: {at or "the file"} {problem}; {remedy}.')


def _problems(value: Any, shape: Shape, at: str) -> Iterator[tuple[str, str]]:
    kinds = type(shape) if isinstance(shape, dict | list) else shape
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    # A bool is an int in Python, but not in JSON.
    if not isinstance(value, kinds) or isinstance(value, bool):
        expected = ' or '.join(dict.fromkeys(_NAMES[kind] for kind in kinds))
        yield at, f'is {str(value)[:40]!r}, expected {expected}'
    elif isinstance(shape, list):
        for i, item in enumerate(value):
            yield from _problems(item, shape[0], f'{at}[{i}]')
    elif isinstance(shape, dict):
        for key, inner in shape.items():
            name = key if key is ... else key.removesuffix('?')
            for found in value if key is ... else [name]:
                below = f'{at}.{found}' if at else str(found)
                if value.get(found) is not None:
                    yield from _problems(value[found], inner, below)
                elif key is ... or not key.endswith('?'):
                    yield at, f'lacks {found}'
