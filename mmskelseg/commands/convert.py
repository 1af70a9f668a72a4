"""Converts a data set into an annotation file.

NAME is followed by the arguments of that converter:

    %(prog)s toy data/toy
"""

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from functools import partial
from importlib import import_module
from typing import Any

from mmskelseg.converters import converters
from mmskelseg.converters.options import Converter, Options
from mmskelseg.runtime.cli import chosen
from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.cli.declared import add_fields, add_option, from_options
from mmskelseg.runtime.messages.options import Option, hints_of


def main(argv: Sequence[str], prog: str) -> int | None:
    """Run the converter that the first argument names."""
    name = chosen(converters(), argv, prog, __doc__)
    return converter(name)(argv[1:], f'{prog} {name}')


def converter(
    name: str, room: str = 'mmskelseg.converters'
) -> Callable[..., int | None]:
    """Return the ``main(argv=None, prog=None)`` of a converter in a package."""
    module = import_module(f'{room}.{name}')
    return command(module.__doc__, partial(_add, module.CONVERTER), _run)


def _run(args: argparse.Namespace) -> None:
    values = dict(vars(args))
    declared = values.pop('declared')
    names = inspect.signature(declared.run).parameters
    built: dict[str, object] = {
        name: from_options(item if isinstance(item, type) else type(item), values)
        for options in (declared.options, *declared.groups.values())
        for name, item in options.items()
        if not isinstance(item, str | Option)
    }
    own = {name: values[name] for name in names if name in values}
    declared.run(**{**own, **built})


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
    parser.set_defaults(declared=declared)
    groups: dict[Any, Options] = {parser: declared.options}
    for title, options in declared.groups.items():
        groups[parser.add_argument_group(title)] = options
    hints, known = hints_of(declared.run), inspect.signature(declared.run).parameters
    for group, options in groups.items():
        for flag, item in options.items():
            if not isinstance(item, str | Option):
                add_fields(group, item)
                continue
            given = Option(item) if isinstance(item, str) else item
            option = Option(given.help, flag, **given.settings)
            name = flag.lstrip('-').replace('-', '_')
            default = known[name].default
            if default is inspect.Parameter.empty:
                default = MISSING
            add_option(group, name, option, hints[name], default)
