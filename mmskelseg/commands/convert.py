"""Converts a data set into an annotation file.

NAME is followed by the arguments of that converter:

    %(prog)s toy data/toy
"""

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, is_dataclass
from functools import partial
from importlib import import_module
from typing import Any, cast, get_args

from mmskelseg.converters import converters
from mmskelseg.converters.options import Converter
from mmskelseg.runtime.jobs import chosen
from mmskelseg.runtime.jobs.command_line import command
from mmskelseg.runtime.jobs.declared import add_fields, add_option, from_options
from mmskelseg.runtime.messages.options import hints_of


def main(argv: Sequence[str], prog: str) -> int | None:
    """Run the converter that the first argument names."""
    name = chosen(converters(), argv, prog, __doc__)
    return converter(name)(argv[1:], f'{prog} {name}')


def converter(
    name: str, package: str = 'mmskelseg.converters'
) -> Callable[..., int | None]:
    """Return the ``main(argv=None, prog=None)`` of a converter in a package."""
    module = import_module(f'{package}.{name}')
    return command(module.__doc__, partial(_add, module.CONVERTER), _run)


def _run(args: argparse.Namespace) -> None:
    values = dict(vars(args))
    run = values.pop('run')
    for name, (hint, _) in _parameters(run).items():
        if is_dataclass(hint):
            values[name] = from_options(cast(type, hint), vars(args))
    run(**{name: values[name] for name in _parameters(run) if name in values})


def _parameters(run: Callable) -> dict[str, tuple[Any, Any]]:
    """Return the annotation and the default of each parameter of a converter."""
    known, hints = inspect.signature(run).parameters, hints_of(run)
    return {name: (hints[name], one.default) for name, one in known.items()}


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
    for name, (hint, default) in _parameters(declared.run).items():
        default = MISSING if default is inspect.Parameter.empty else default
        if is_dataclass(hint):
            title = declared.groups.get(name)
            place = parser.add_argument_group(title) if title else parser
            add_fields(place, hint if default is MISSING else default)
        for option in getattr(hint, '__metadata__', ()):
            add_option(parser, name, option, get_args(hint)[0], default)
