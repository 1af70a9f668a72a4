"""Checks of options against their annotations.

The signature says which values an option takes, such as ``channels: Count`` or
``form: Literal['reference', 'printed']``. :func:`checked` makes a class or a function
check its arguments against it; the decorators that register a part apply it.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from math import inf
from numbers import Integral, Real
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from mmskelseg_io.messages.errors import UserError, shown

Checked = TypeVar('Checked', bound=Callable)


@dataclass(frozen=True)
class Where:
    """A condition in an annotation, with words for the values that meet it."""

    words: str
    holds: Callable[[Any], bool]


Count = Annotated[int, Where('a whole number from 1', lambda n: n >= 1)]
CountOrZero = Annotated[int, Where('a whole number from 0', lambda n: n >= 0)]
Positive = Annotated[float, Where('a finite number above 0', lambda x: 0 < x < inf)]
Factor = Annotated[float, Where('a finite number from 0', lambda x: 0 <= x < inf)]
Fraction = Annotated[
    float, Where('a number from 0 to 1 (50 % is 0.5)', lambda x: 0 <= x <= 1)
]
Angle = Annotated[float, Where('an angle from 0 to 180', lambda x: 0 <= x <= 180)]
Interval = Annotated[
    Sequence[float],
    Where(
        'two finite numbers above 0, the lower one first',
        lambda pair: len(pair) == 2 and 0 < pair[0] <= pair[1] < inf,
    ),
]
Axis = Literal[0, 1, 2]

_SIMPLE: dict[object, tuple[type, str]] = {
    bool: (bool, 'True or False'),
    int: (Integral, 'a whole number'),
    float: (Real, 'a number'),
    str: (str, 'a string'),
    type(None): (type(None), 'None'),
}


class Option:
    """The help of an option of a command, and other keywords of ``add_argument``.

    They override those that follow from its type. ``flag`` is its name in commands, by
    default ``--name-of-the-field``, or '' for an argument; ``group`` is the title of a
    group of options. A ``type`` raises UserError for an invalid text.
    """

    def __init__(
        self, help: str, flag: str | None = None, group: str = '', **settings: Any
    ) -> None:
        self.help = help
        self.flag = flag
        self.group = group
        self.settings = settings


def option(help: str, default: object = MISSING, **settings: Any) -> Any:
    """Return a field of a dataclass that is an :class:`Option` of commands as well."""
    metadata = {'option': Option(help, **settings)}
    return field(default=default, metadata=metadata)


def argument(help: str, default: object = MISSING, **settings: Any) -> Any:
    """Return a field that is an argument of commands, without a flag."""
    return option(help, default, flag='', **settings)


def grouped(title: str = '', default: object = MISSING) -> Any:
    """Return a field that is a dataclass of options, in a group of this title."""
    return option('', default, group=title)


def like(owner: type, name: str, *, group: str = '', default: object = MISSING) -> Any:
    """Return a field with the default and the option of a field of another dataclass.

    ``default`` is its default, if it differs there, and ``group`` the title of its
    group.
    """
    (one,) = (one for one in fields(owner) if one.name == name)
    old = one.metadata['option']
    known = Option(old.help, old.flag, group, **old.settings)
    default = one.default if default is MISSING else default
    return field(default=default, metadata={'option': known})


def checked(part: Checked) -> Checked:
    """Decorate a class or a function so that it checks its arguments.

    A class checks them when it is built, as do those that inherit its constructor. A
    value that does not fit its annotation raises a UserError with the name of the class
    or function, the argument, the value, and what is allowed. Annotations that
    :func:`fits` does not know, and constructors of other packages, are not checked.

    >>> @checked
    ... def filtered(frames: Count): ...
    >>> filtered(0)
    Traceback (most recent call last):
    mmskelseg_io.messages.errors.UserError: filtered: frames=0, but must be a ...
    """
    if not inspect.isclass(part):
        return _checking(part, lambda *_: part.__name__)
    init = part.__init__
    package = str(getattr(init, '__module__', '')).partition('.')[0]
    if package == part.__module__.partition('.')[0] and not hasattr(init, '_checks'):

        def owner(self: object, *_: object) -> str:
            # A subclass that checks its own arguments decides what it passes on.
            outer = type(self).__init__
            inner = outer is not wrapped and hasattr(outer, '_checks')
            return '' if inner else type(self).__name__

        wrapped = _checking(init, owner)
        part.__init__ = wrapped  # type: ignore[method-assign]
    return part


def _checking(function: Callable, owner: Callable[..., str]) -> Any:
    """Return a function that checks its arguments, unless its owner has no name."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if name := owner(*args):
            given: Mapping[str, object] = {}
            # A call with unknown arguments fails by itself.
            with suppress(TypeError):
                given = signature.bind_partial(*args, **kwargs).arguments
            for problem in misfits(hints_of(function), given):
                raise UserError(f'{name}: {problem}')
        return function(*args, **kwargs)

    call._checks = True  # type: ignore[attr-defined]
    return call


def misfits(hints: Mapping[str, object], values: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with values that do not fit the annotations of their names.

    >>> list(misfits({'frames': Count}, {'frames': 0, 'other': 0}))
    ['frames=0, but must be a whole number from 1.']
    """
    for name, value in values.items():
        if name in hints and not fits(value, hints[name]):
            yield f'{name}={shown(value)}, but must be {expected(hints[name])}.'


@functools.cache
def hints_of(part: Callable) -> Mapping[str, object]:
    """Return the annotations of a function or of a typed dict, by name.

    Those of ``*args`` and ``**kwargs`` are left out, and all if one is not defined.
    """
    try:
        hints = typing.get_type_hints(part, include_extras=True)
    except (NameError, TypeError):
        return {}
    if not inspect.isclass(part):
        several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        for name, parameter in inspect.signature(part).parameters.items():
            if parameter.kind in several:
                hints.pop(name, None)
    return hints


def fits(value: object, hint: object) -> bool:
    """Return whether a value fits an annotation.

    This checks simple types, ``Literal``, unions, ``Annotated`` with :class:`Where`,
    and sequences with their items; for mappings, only the type. Anything fits other
    annotations. As in configs, lists pass as tuples; NumPy's numbers pass as Python's;
    True is not a number.
    """
    kind, args = get_origin(hint), get_args(hint)
    if kind is Annotated:
        base, *conditions = args
        return fits(value, base) and all(
            one.holds(value) for one in conditions if isinstance(one, Where)
        )
    if kind in (Union, types.UnionType):
        return any(fits(value, one) for one in args)
    if kind is Literal:
        same = (one for one in args if isinstance(value, Hashable) and value == one)
        return any(isinstance(value, bool) == isinstance(one, bool) for one in same)
    if hint in _SIMPLE:
        allowed, _ = _SIMPLE[hint]
        return isinstance(value, allowed) and (hint is bool) == isinstance(value, bool)
    if _is_a(kind, Sequence):
        is_list = hasattr(value, '__getitem__') and hasattr(value, '__len__')
        if not is_list or isinstance(value, str | bytes | Mapping):
            return False
        items = typing.cast(Sequence, value)
        if kind is tuple and args[1:] != (...,):
            return len(items) == len(args) and all(map(fits, items, args))
        return all(fits(item, args[0]) for item in items)
    return not _is_a(kind, Mapping) or isinstance(value, Mapping)


def expected(hint: object) -> str:
    """Return words for the values that fit an annotation.

    >>> expected(Literal['a', 'b'] | Count | None), expected(Sequence[int])
    ("'a', 'b', a whole number from 1 or None", 'a list, each item a whole number')
    """
    *first, last = _choices(hint)
    return f'{", ".join(first)} or {last}' if first else last


def _choices(hint: object) -> list[str]:
    kind, args = get_origin(hint), get_args(hint)
    if kind is Annotated:
        words = [one.words for one in args[1:] if isinstance(one, Where)]
        return words[-1:] or _choices(args[0])
    if kind in (Union, types.UnionType):
        return [words for one in args for words in _choices(one)]
    if kind is Literal:
        return [repr(one) for one in args]
    if hint in _SIMPLE:
        return [_SIMPLE[hint][1]]
    if kind is tuple and args[1:] != (...,):
        return [f'a list of {len(args)}, ({", ".join(map(expected, args))})']
    if _is_a(kind, Sequence):
        each = '' if args[0] is Any else f', each item {expected(args[0])}'
        return [f'a list{each}']
    if _is_a(kind, Mapping) or is_dataclass(hint) or typing.is_typeddict(hint):
        return ['a dict']
    return [inspect.formatannotation(hint).rpartition('.')[2]]


def _is_a(kind: object, base: type) -> bool:
    return inspect.isclass(kind) and issubclass(kind, base)
