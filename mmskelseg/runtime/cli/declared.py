"""Options of commands that are declared elsewhere: as the fields of dataclasses."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from mmskelseg.runtime.cli.command_line import (
    image_size,
    number_from,
    positive,
    whole,
    whole_from,
)
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.options import (
    Count,
    Fraction,
    Option,
    Positive,
    hints_of,
)

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
    # `Path` and `Path | None` are equal here.
    kinds = (hint, *get_args(hint))
    settings = {**next((OF_TYPES[kind] for kind in kinds if kind in OF_TYPES), {})}
    if get_origin(hint) is Literal:
        settings['choices'] = get_args(hint)
    settings |= option.settings
    if 'type' in settings:
        settings['type'] = partial(_read, settings['type'])
    flag = option.flag or f'--{name.replace("_", "-")}'
    is_flag = flag[0] == '-'
    if default is False:
        settings['action'] = 'store_true'
    elif default is not MISSING:
        settings['default'] = None if default == () else default
        if not is_flag:
            settings['nargs'] = '?'
    elif is_flag:
        settings['required'] = True
    if is_flag:
        settings['dest'] = name
    place.add_argument(flag, help=option.help, **settings)


def _read(read: Callable[[str], Any], text: str) -> Any:
    """Read a value as a ``type`` of argparse, which shows user errors."""
    try:
        return read(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_fields(
    place: argparse._ActionsContainer, owner: Any, *names: str, **flags: str
) -> None:
    """Add the options that are fields of a dataclass.

    Args:
        place: The parser, or a group of it.
        owner: The dataclass, or an instance with other defaults.
        names: The fields; by default all.
        flags: Flags by the name of the field, where they differ.
    """
    hints = hints_of(owner if isinstance(owner, type) else type(owner))
    for one in fields(owner):
        option = one.metadata.get('option')
        if option is not None and (not names or one.name in names):
            default = getattr(owner, one.name, one.default)
            flag = flags.get(one.name, option.flag)
            named = Option(option.help, flag, **option.settings)
            add_option(place, one.name, named, hints[one.name], default)


def from_options(
    kind: type[Kind], values: Mapping[str, object], *names: str, **more: Any
) -> Kind:
    """Return a dataclass with the values of some options, and of more of its fields.

    ``names`` are those of :func:`add_fields`.
    """
    known = names or [one.name for one in fields(kind)]  # type: ignore[arg-type]
    given = {k: values[k] for k in known if values.get(k) is not None}
    return kind(**given, **more)
