"""One module for each command: arguments, and calls into the rest."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

from mmskelseg.utils.command_line import command_parser
from mmskelseg.utils.stopping import stoppable

# A module of the same name has main(argv, prog); it is imported when it is asked for.
COMMANDS = {
    'train': 'train a segmentor',
    'test': 'score a trained segmentor, or several as an ensemble',
    'ensemble': 'score the mean of what several models predict',
    'segment': 'segment videos or skeletons',
    'suggest': 'rank what to label next, as drafts for a labelling tool',
    'export': 'write a trained model as an ONNX file, which runs without PyTorch',
    'live': 'label what a camera sees while it runs',
    'app': 'segment videos on a web page',
    'poses': 'estimate the poses in videos',
    'make-config': 'write a config for a data set of your own',
    'features': 'make features ahead of training',
    'fit-decoder': 'count transitions and durations into a checkpoint',
    'convert': 'convert a data set into an annotation file',
    'browse': 'show what an annotation file holds, and what is suspicious',
    'cross-validate': 'train and test on every fold, with every seed',
    'compare': 'compare cross-validations, and say what is more than chance',
    'doctor': 'show what is installed, and what is missing',
    'convert-model': 'convert a checkpoint of reference code, or publish one',
}
# Files in tools/ and demo/ whose names differ.
TOOLS = {
    'demo': 'segment',
    'browse-dataset': 'browse',
    'extract-features': 'features',
    'extract-poses': 'poses',
}


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command that the first argument names."""
    words = sys.argv[1:] if argv is None else argv
    about = 'Action segmentation from skeletons and video.'
    # Of the distribution mmskelseg-runtime, some.
    commands = {
        name: text
        for name, text in COMMANDS.items()
        if find_spec(f'{__name__}.{name.replace("-", "_")}') is not None
    }
    if words and words[0] in COMMANDS.keys() - commands.keys():
        sys.exit(
            f'error: {words[0]} comes with mmskelseg, not with mmskelseg-runtime; '
            'install that in its place.'
        )
    # While modules are imported; each command says what it keeps.
    with stoppable('nothing was begun.'):
        return dispatch(__name__, commands, words, 'mmskelseg', about, TOOLS)


def dispatch(
    room: str,
    commands: Mapping[str, str],
    argv: Sequence[str],
    prog: str,
    description: str | None,
    aliases: Mapping[str, str] | None = None,
) -> int | None:
    """Run the module that the first argument names, with the arguments that follow.

    Args:
        room: The package of the modules.
        commands: A line of help for each module. In names, ``-`` and ``_`` are alike.
        argv: The arguments.
        prog: What the usage calls the program.
        description: What ``--help`` shows above the names.
        aliases: Other names of commands.
    """
    lines = [f'  {name:16}  {text}' for name, text in commands.items()]
    lines.insert(0, 'names, each with a --help of its own:')
    parser = command_parser(description, prog, '\n'.join(lines))
    parser.usage = f'{prog} [-h] NAME ...'
    parser.add_argument('name', metavar='NAME', help='what to run')
    asked = parser.parse_args(argv[:1]).name
    names = {name.replace('_', '-'): name for name in commands} | dict(aliases or {})
    name = names.get(asked.replace('_', '-'))
    if name is None:
        near = get_close_matches(asked.replace('_', '-'), names, n=1, cutoff=0)
        parser.error(f'there is no {asked!r}; did you mean {names[near[0]]!r}?')
    module = import_module(f'{room}.{name.replace("-", "_")}')
    return module.main(argv[1:], prog=f'{prog} {name}')
