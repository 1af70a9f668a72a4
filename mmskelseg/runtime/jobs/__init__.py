"""Jobs: typed inputs, events and results, and the command lines made from them."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module

from mmskelseg.runtime.jobs.command_line import command_parser
from mmskelseg.runtime.jobs.stopping import stoppable
from mmskelseg.version import __version__

# Each command has a module of the same name with main(argv, prog), imported when used.
COMMANDS = {
    'segment': 'Segments videos or skeletons',
    'live': 'Labels the people in front of a camera live',
    'poses': 'Estimates the poses in videos',
}
# Files in tools/ and demo/ with other names.
TOOLS = {'demo': 'segment', 'extract-poses': 'poses'}
_ABOUT = 'Action segmentation from skeletons and video.'


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command of mmskelseg-runtime that the first argument names."""
    words = sys.argv[1:] if argv is None else argv
    names = COMMANDS.keys() | TOOLS.keys()
    if words and words[0][:1] != '-' and words[0] not in names:
        sys.exit(
            f'error: {words[0]} is not part of mmskelseg-runtime, which has '
            f'{", ".join(COMMANDS)}; install mmskelseg instead.'
        )
    dispatch(__name__, COMMANDS, words, TOOLS)


def dispatch(
    package: str,
    commands: Mapping[str, str],
    words: Sequence[str],
    tools: Mapping[str, str] | None = None,
    prog: str = 'mmskelseg',
    about: str | None = _ABOUT,
) -> None:
    """Run the command that the first word names, with the remaining words.

    The ``package`` has a module for each command; ``tools`` are other names. ``about``
    is the first part of the help of the program ``prog``.
    """
    # During imports; each command has its own message.
    with stoppable('nothing was started.'):
        name = chosen(commands, words, prog, about, tools)
        module = import_module(f'{package}.{name.replace("-", "_")}')
        module.main(words[1:], prog=f'{prog} {name}')


def chosen(
    commands: Mapping[str, str],
    argv: Sequence[str],
    prog: str,
    description: str | None,
    aliases: Mapping[str, str] | None = None,
) -> str:
    """Return the command that the first argument names; ``-`` and ``_`` are the same.

    ``commands`` has a line of help for each, below the ``description`` and the usage of
    the program ``prog``; ``aliases`` are other names of commands.
    """
    lines = [f'  {name:16}  {text}' for name, text in commands.items()]
    lines.insert(0, 'names (see NAME --help):')
    parser = command_parser(description, prog, '\n'.join(lines))
    parser.usage = f'{prog} [-h] NAME ...'
    version = f'mmskelseg {__version__}'
    parser.add_argument('--version', action='version', version=version)
    parser.add_argument('name', metavar='NAME', help='what to run')
    asked = parser.parse_args(argv[:1]).name
    names = {name.replace('_', '-'): name for name in commands} | dict(aliases or {})
    name = names.get(asked.replace('_', '-'))
    if name is None:
        near = get_close_matches(asked.replace('_', '-'), names, n=1)
        listed = f'expected one of {", ".join(commands)}.'
        hint = f'did you mean {names[near[0]]!r}?' if near else listed
        parser.error(f'there is no {asked!r}; {hint}')
    return name
