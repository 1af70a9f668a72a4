"""Jobs: typed inputs, events and results, and the command lines made from them."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from mmskelseg_io.entry_points import Command, commands
from mmskelseg_io.jobs.command_line import command_parser
from mmskelseg_io.jobs.stopping import stoppable
from mmskelseg_io.messages.errors import user_errors
from mmskelseg_io.version import __version__

# Files in tools/ and demo/ whose names are OpenMMLab's, and commands of their folders.
_TOOLS = {
    'browse-dataset': 'browse',
    'demo': 'segment',
    'extract-features': 'features',
    'extract-poses': 'poses',
}
_FOLDERS = {'dataset_converters', 'model_converters'}
# What commands are for; those of other packages come last.
_GROUPS = {
    'label': ('poses', 'convert', 'studio', 'browse', 'suggest'),
    'train': ('fit', 'make-config', 'train', 'test'),
    'use': ('segment', 'live', 'export', 'share'),
    'measure': ('agree', 'bouts', 'angles', 'explain'),
    'research': ('cross-validate', 'compare', 'ensemble', 'features'),
}
_ABOUT = 'Action segmentation from skeletons and video.'
_MORE = "`pip install 'mmskelseg[studio]'` installs all commands"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the installed command that the first argument names."""
    words = sys.argv[1:] if argv is None else argv
    known = {name.replace('_', '-'): one for name, one in commands('commands').items()}
    dispatch(known, words, _TOOLS, _GROUPS, about=_ABOUT, more=_MORE)


def script(file: str) -> None:
    """Run the command that a file in tools/ or demo/ has the name of."""
    path = Path(file)
    convert = ['convert'] if path.parent.name in _FOLDERS else []
    main([*convert, path.stem, *sys.argv[1:]])


def dispatch(
    known: Mapping[str, Command],
    words: Sequence[str],
    tools: Mapping[str, str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    prog: str = 'mmskelseg',
    about: str | None = None,
    more: str = '',
) -> None:
    """Run the command that the first word names, with the remaining words.

    Args:
        known: The commands by their names.
        words: The command line.
        tools: Other names of commands.
        groups: The commands of each part of the help.
        prog: The program.
        about: The first part of its help.
        more: What to do for a command that is unknown, as part of a sentence.
    """
    # During imports; each command has its own message.
    with stoppable('nothing was started.'), user_errors():
        lines = {name: one.sentence for name, one in known.items()}
        name = chosen(lines, words, prog, about, tools, groups, more)
        known[name].main([*words[1:]], prog=f'{prog} {name}')


def chosen(
    commands: Mapping[str, str],
    argv: Sequence[str],
    prog: str,
    description: str | None,
    aliases: Mapping[str, str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    more: str = '',
) -> str:
    """Return the command that the first argument names; ``-`` and ``_`` are the same.

    Without arguments, the help is shown. ``commands`` has a line of it for each, below
    the ``description`` and the usage of the program ``prog``; ``aliases`` are other
    names of commands; those in no group come last; ``more`` is what to do for a command
    that is unknown.
    """
    groups = groups or {}
    others = [name for name in commands if name not in chain(*groups.values())]
    lines = []
    for title, members in {**groups, 'other' if groups else 'names': others}.items():
        own = [f'  {one:16}  {commands[one]}' for one in members if one in commands]
        lines += ['', f'{title}:', *own] if own else []
    parser = command_parser(description, prog, '\n'.join(lines[1:]))
    parser.usage = f'{prog} [-h] NAME ...'
    version = f'mmskelseg {__version__}'
    parser.add_argument('--version', action='version', version=version)
    parser.add_argument('name', metavar='NAME', help='see NAME --help')
    asked = parser.parse_args(argv[:1] or ['--help']).name
    names = {name.replace('_', '-'): name for name in commands} | dict(aliases or {})
    name = names.get(asked.replace('_', '-'))
    if name is None:
        near = get_close_matches(asked.replace('_', '-'), names, n=1)
        listed = f'expected one of {", ".join(commands)}'
        hint = f'did you mean {names[near[0]]!r}?' if near else f'{listed}.'
        parser.error(f'there is no {asked!r}; {hint}{more and f" ({more}.)"}')
    return name
