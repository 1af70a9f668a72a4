"""Converts a data set into an annotation file.

NAME is followed by the arguments of that converter:

    %(prog)s toy data/toy
"""

import argparse
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, get_args, get_type_hints

from mmskelseg.converters import CONVERTERS
from mmskelseg.converters.options import OF_TYPES, Converter, Option, Options
from mmskelseg.runtime.cli import chosen
from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.messages.errors import UserError


def main(argv: Sequence[str], prog: str) -> int | None:
    """Run the converter that the first argument names."""
    name = chosen(CONVERTERS, argv, prog, __doc__)
    return converter(name)(argv[1:], f'{prog} {name}')


def converter(
    name: str, room: str = 'mmskelseg.converters'
) -> Callable[..., int | None]:
    """Return the ``main(argv=None, prog=None)`` of a converter in a package."""
    module = import_module(f'{room}.{name}')
    return command(module.__doc__, partial(_add, module.CONVERTER), _run)


def _run(args: argparse.Namespace) -> None:
    values = dict(vars(args))
    values.pop('run')(**values)


def _add(declared: Converter, parser: argparse.ArgumentParser) -> None:
    script = 'python tools/dataset_converters/' if '.py' in parser.prog else ''
    parser.description = declared.description or parser.description
    parser.epilog = declared.examples.replace('%(prog)s', f'{script}{parser.prog}')
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = declared.usage
    if declared.parts:
        names = '|'.join(declared.parts)
        subparsers = parser.add_subparsers(required=True, metavar=names)
        for name, part in declared.parts.items():
            _add(part, subparsers.add_parser(name, help=part.summary))
        return
    assert declared.run is not None
    parser.set_defaults(run=declared.run)
    known = declared.takes or declared.run
    groups: dict[Any, Options] = {parser: declared.options}
    for title, options in declared.groups.items():
        groups[parser.add_argument_group(title)] = options
    for group, options in groups.items():
        for name, item in options.items():
            if callable(item):
                item(group)
            else:
                option = Option(item) if isinstance(item, str) else item
                _add_option(group, name, option, known)


def _add_option(
    place: argparse._ActionsContainer, flag: str, option: Option, known: Any
) -> None:
    """Add an option with its type and default in the signature of a function."""
    name = flag.lstrip('-').replace('-', '_')
    default = inspect.signature(known).parameters[name].default
    hint = get_type_hints(known)[name]
    # `Path` and `Path | None` are equal here.
    by_type = [OF_TYPES[kind] for kind in (hint, *get_args(hint)) if kind in OF_TYPES]
    settings = {**(by_type[0] if by_type else {}), **option.settings}
    if 'type' in settings:
        settings['type'] = partial(_read, settings['type'])
    if default is False:
        settings['action'] = 'store_true'
    elif default is not inspect.Parameter.empty:
        settings['default'] = default
        if flag[0] != '-':
            settings['nargs'] = '?'
    elif flag[0] == '-':
        settings['required'] = True
    place.add_argument(flag, help=option.help, **settings)


def _read(read: Callable[[str], Any], text: str) -> Any:
    """Read a value as a ``type`` of argparse, which shows user errors."""
    try:
        return read(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
