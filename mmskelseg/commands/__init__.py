"""One module for each command: arguments, and calls into the rest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module

from mmskelseg.commands.arguments import command_parser

# Each module has main(argv, prog) and is imported only when its command is asked for.
COMMANDS = {
    'train': ('mmskelseg.commands.train', 'train a segmentor'),
    'test': ('mmskelseg.commands.test', 'score a trained segmentor'),
    'segment': ('mmskelseg.commands.segment', 'segment videos or skeletons'),
    'app': ('mmskelseg.commands.app', 'segment videos on a web page'),
    'poses': ('mmskelseg.commands.poses', 'estimate the poses in videos'),
    'features': ('mmskelseg.commands.features', 'make features ahead of training'),
    'convert': ('mmskelseg.commands.convert', 'convert a data set'),
    'browse': ('mmskelseg.commands.browse', 'show and check an annotation file'),
    'cross-validate': (
        'mmskelseg.commands.cross_validate',
        'train and test on every fold, with every seed',
    ),
    'doctor': ('mmskelseg.commands.doctor', 'check what is installed'),
    'convert-model': (
        'mmskelseg.commands.convert_model',
        'convert a checkpoint of reference code',
    ),
}
# File names of tools that differ from their commands.
TOOLS = {
    'demo': 'segment',
    'browse-dataset': 'browse',
    'extract-features': 'features',
    'extract-poses': 'poses',
}


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command that the first argument names."""
    return dispatch(
        COMMANDS,
        'Action segmentation from skeletons and video.',
        sys.argv[1:] if argv is None else argv,
        'mmskelseg',
        TOOLS,
    )


def dispatch(
    commands: Mapping[str, tuple[str, str]],
    description: str | None,
    argv: Sequence[str],
    prog: str,
    aliases: Mapping[str, str] | None = None,
) -> int | None:
    """Run the module that the first argument names, with those that follow.

    Args:
        commands: Module and one line of help for each name; hyphens and underscores in
            names are alike.
        description: What ``--help`` shows above them.
        argv: The arguments.
        prog: What the usage calls the program.
        aliases: Other names of commands.
    """
    width = max(map(len, commands))
    lines = [f'  {name:{width}}  {text}' for name, (_, text) in commands.items()]
    lines.insert(0, 'names, each with a --help of its own:')
    parser = command_parser(description, prog, '\n'.join(lines))
    parser.usage = f'{prog} [-h] NAME ...'
    parser.add_argument('name', metavar='NAME', help=argparse.SUPPRESS)
    asked = parser.parse_args(argv[:1]).name
    names = {name.replace('_', '-'): name for name in commands} | dict(aliases or {})
    name = names.get(asked.replace('_', '-'))
    if name is None:
        near = get_close_matches(asked.replace('_', '-'), names, n=1, cutoff=0)
        parser.error(f'there is no {asked!r}; did you mean {names[near[0]]!r}?')
    module = import_module(commands[name][0])
    return module.main(argv[1:], prog=f'{prog} {name}')
