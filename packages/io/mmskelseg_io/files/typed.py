"""Reading JSON as typed classes, whose annotations say what a file must have."""

import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from math import isfinite
from typing import (
    Annotated,
    Any,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

from mmskelseg_io.files.inputs import RATES, is_rate
from mmskelseg_io.files.parsing import FilePath, read_json
from mmskelseg_io.messages.errors import CONTROL, MOST_LETTERS, UserError, shown
from mmskelseg_io.messages.options import Where, expected, fits, hints_of

Content = TypeVar('Content')
#: A class, or a type such as ``dict[str, int]``.
Kind: TypeAlias = Callable[..., Content]
#: A text that can be shown on a line.
Name = Annotated[
    str,
    Where(
        f'a text without control characters, of up to {MOST_LETTERS} letters',
        lambda text: len(text) <= MOST_LETTERS and not CONTROL.search(text),
    ),
]
#: Frames per second.
Rate = Annotated[float, Where(RATES, is_rate)]
#: A number of an image, a track or another thing, which may be its name.
Id = int | str


def called(key: str, default: object = MISSING) -> Any:
    """Return a field of a dataclass for a key that cannot be its name in Python."""
    return field(default=default, metadata={'key': key})


def read_typed(
    path: FilePath, kind: Kind[Content], tool: str, remedy: str, *, unique: bool = False
) -> Content:
    """Return the content of a JSON file; see read_json and :func:`typed`."""
    return typed(read_json(path, tool, unique=unique), kind, path, remedy)


def typed(
    value: object, kind: Kind[Content], place: FilePath, remedy: str, at: str = ''
) -> Content:
    """Return a value of a JSON file as a class, after checking all that it states.

    That is a dataclass or a typed dict, or what such a class may have: lists, dicts,
    tuples, unions, ``Any``, and what :func:`~mmskelseg_io.messages.options.fits` knows.
    Numbers are finite. Other keys than those of a class are ignored. A key with a
    default may be missing or null, and one that may be null may be missing.

    Messages name ``place``, the file or a place in it, the path ``at`` of the value
    within it, and the ``remedy``.

    >>> typed({'a': [1, 2]}, dict[str, list[int]], 'x.json', 'export again')
    {'a': [1, 2]}
    >>> typed({'a': [1, '2']}, dict[str, list[int]], 'x', 'no')
    Traceback (most recent call last):
    mmskelseg_io.messages.errors.UserError: x: a[1] is '2', expected a whole number; no.
    """
    return _Reader(str(place), remedy).read(value, kind, at)


@dataclass(frozen=True)
class _Reader:
    place: str
    remedy: str

    def read(self, value: Any, hint: Any, at: str) -> Any:
        """Return a value as its annotation says."""
        base, args = _parts(hint)
        if not _looks(value, hint):
            raise self._fault(value, hint, at)
        if base is Union:
            return self.read(value, next(h for h in args if _looks(value, h)), at)
        if base is Annotated:
            found = self.read(value, args[0], at)
            if not all(one.holds(found) for one in args[1:]):
                raise self._fault(value, hint, at)
            return found
        if base is list:
            return [self.read(v, args[0], f'{at}[{i}]') for i, v in enumerate(value)]
        if base is tuple and args[1:] == (...,):
            return tuple(self.read(value, list[args[0]], at))  # type: ignore[valid-type]
        if base is tuple:
            each = enumerate(zip(value, args, strict=True))
            return tuple(self.read(v, h, f'{at}[{i}]') for i, (v, h) in each)
        if base is dict:
            for key in value:
                self.read(key, args[0], f'a key of {at or "the file"}')
            return {k: self.read(v, args[1], _below(at, k)) for k, v in value.items()}
        if is_dataclass(base) or is_typeddict(base):
            return base(**self._fields(value, base, at))
        return value

    def _fields(self, value: dict[str, Any], kind: Any, at: str) -> dict[str, Any]:
        found = {}
        for key, name, hint, is_needed in _fields_of(kind):
            if value.get(key) is not None or (is_needed and key in value):
                found[name] = self.read(value[key], hint, _below(at, key))
            elif is_needed and _looks(None, hint):
                found[name] = None
            elif is_needed:
                raise UserError(
                    f'{self.place}: {at or "the file"} lacks {key}; {self.remedy}.'
                )
        return found

    def _fault(self, value: object, hint: object, at: str) -> UserError:
        return UserError(
            f'{self.place}: {at or "the file"} is {shown(value)}, expected '
            f'{expected(hint)}; {self.remedy}.'
        )


@cache
def _parts(hint: object) -> tuple[Any, tuple[Any, ...]]:
    """Return what an annotation is, and what is in its brackets."""
    base = get_origin(hint)
    return Union if base is types.UnionType else base or hint, get_args(hint)


def _looks(value: Any, hint: object) -> bool:
    """Return whether a value fits an annotation, whatever is within it."""
    base, args = _parts(hint)
    # The check of options takes longer.
    if base is Any or (type(value) is base and base is not float):
        return True
    if base is Annotated:
        return _looks(value, args[0])
    if base is Union:
        return any(_looks(value, one) for one in args)
    if base is list:
        return isinstance(value, list)
    if base is tuple:
        return isinstance(value, list) and (args[-1] is ... or len(value) == len(args))
    if base is dict or is_dataclass(base) or is_typeddict(base):
        return isinstance(value, dict)
    return fits(value, hint) and (base is not float or isfinite(value))


@cache
def _fields_of(kind: Any) -> list[tuple[str, str, object, bool]]:
    """Return key, name, annotation of each field, and whether it has no default."""
    hints = hints_of(kind)
    if not is_dataclass(kind):
        needed = kind.__required_keys__
        return [(name, name, hint, name in needed) for name, hint in hints.items()]
    each = [(one.metadata.get('key', one.name), one) for one in fields(kind)]
    return [
        (key, one.name, hints[one.name], one.default is one.default_factory is MISSING)
        for key, one in each
    ]


def _below(at: str, key: object) -> str:
    """Return the path of a value by its key in an object."""
    path = f'{at}.{key}' if at else str(key)
    return path if len(path) < 100 else f'{path[:97]}...'
