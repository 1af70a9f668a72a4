"""Options of commands that are declared elsewhere: as the fields of dataclasses."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from mmskelseg_io.jobs.command_line import (
    image_size,
    number_from,
    positive,
    whole,
    whole_from,
)
from mmskelseg_io.jobs.settings import SettingsAction
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count, Fraction, Option, Positive, hints_of

Kind = TypeVar('Kind')
#: What the parser makes of an option by its annotation.
OF_TYPES: dict[object, dict[str, Any]] = {
    Path: {'type': Path},
    int: {'type': whole, 'metavar': 'N'},
    Count: {'type': whole_from(1), 'metavar': 'N'},
    float: {'type': positive},
    Positive: {'type': positive},
    Fraction: {'type': number_from(0, 1)},
    tuple[int, int]: {'type': image_size, 'metavar': 'WxH'},
}


def add_option(
    place: argparse._ActionsContainer,
    name: str,
    option: Option,
    hint: object,
    default: object = MISSING,
) -> None:
    """Add an option with what follows from its annotation and its default.

    Its value gets the name; a name without a flag is that of an argument.
    """
    # `Path`, `Path | None` and `Sequence[Path]` are equal here.
    kinds = [
        hint,
        *get_args(hint),
        *(k for one in get_args(hint) for k in get_args(one)),
    ]
    settings = {**next((OF_TYPES[kind] for kind in kinds if kind in OF_TYPES), {})}
    origins = [get_origin(kind) or kind for kind in kinds]
    if Literal in origins:
        settings['choices'] = get_args(kinds[origins.index(Literal)])
    if Mapping in origins and 'type' not in option.settings:
        settings = {'nargs': '+', 'action': SettingsAction}
    flag = f'--{name.replace("_", "-")}' if option.flag is None else option.flag or name
    is_flag = flag[0] == '-'
    if Sequence in origins and 'action' not in option.settings:
        settings['nargs'] = '+' if is_flag or default is MISSING else '*'
    elif not is_flag and default is not MISSING:
        settings['nargs'] = '?'
    settings |= option.settings
    if callable(settings.get('choices')):
        # What has registered itself until now.
        settings['choices'] = settings['choices']()
    if 'type' in settings:
        settings['type'] = partial(_read, settings['type'])
    if default is False:
        settings['action'] = 'store_true'
    elif default is not MISSING:
        settings['default'] = None if default == () else default
    elif is_flag:
        settings['required'] = True
    if is_flag:
        settings['dest'] = name
    flags = [flag, flag.replace('_', '-')] if is_flag and '_' in flag else [flag]
    place.add_argument(*flags, help=option.help, **settings)


def _read(read: Callable[[str], Any], text: str) -> Any:
    """Read a value as a ``type`` of argparse, which shows user errors."""
    try:
        return read(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_fields(place: argparse._ActionsContainer, owner: Any) -> None:
    """Add the options that are fields of a dataclass.

    Args:
        place: The parser, or a group of it.
        owner: The dataclass, or an instance with other defaults.
    """
    kind = owner if isinstance(owner, type) else type(owner)
    hints, places = hints_of(kind), {'': place}
    for one in _own_first(kind):
        option = one.metadata['option']
        if option.group not in places:
            places[option.group] = place.add_argument_group(option.group)
        # The attribute of a class may be the default of a class that it inherits from.
        default = one.default if owner is kind else getattr(owner, one.name)
        where, hint = places[option.group], hints[one.name]
        if is_dataclass(hint):
            add_fields(where, hint if default is MISSING else default)
        else:
            add_option(where, one.name, option, hint, default)


def _own_first(kind: type) -> list[Field[Any]]:
    """Return the fields of a dataclass: arguments, its own options, inherited ones."""
    known = {one.name: one for one in fields(kind) if 'option' in one.metadata}
    hints = [vars(base).get('__annotations__', {}) for base in kind.__mro__]
    names = dict.fromkeys(name for own in hints for name in own if name in known)
    arguments = [f for f in known.values() if f.metadata['option'].flag == '']
    return arguments + [known[n] for n in names if known[n] not in arguments]


def from_options(kind: type[Kind], values: Mapping[str, object]) -> Kind:
    """Return a dataclass with the values of options."""
    given: dict[str, Any] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        hint: Any = hints_of(kind).get(one.name)  # type: ignore[arg-type]
        is_several = 'option' in one.metadata and is_dataclass(hint)
        value = from_options(hint, values) if is_several else values.get(one.name)
        if value is not None:
            given[one.name] = value
    return kind(**given)
