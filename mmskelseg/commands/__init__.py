"""The commands, one module each: their arguments, and calls into other rooms."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

from mmskelseg.utils.command_line import command_parser
from mmskelseg.utils.stopping import stoppable

# Each command has a module of the same name with main(argv, prog), imported when used.
COMMANDS = {
    'train': 'train a segmentor',
    'test': 'score a trained segmentor, or several as an ensemble',
    'ensemble': 'score the mean predictions of several models',
    'segment': 'segment videos or skeletons',
    'suggest': 'rank what to label next, as drafts for a labelling tool',
    'export': 'write a trained model as an ONNX file, which runs without PyTorch',
    'live': 'label the people in front of a camera live',
    'app': 'segment videos on a web page',
    'poses': 'estimate the poses in videos',
    'make-config': 'write a config for your own data set',
    'features': 'compute features ahead of training',
    'fit-decoder': 'add transition and duration statistics to a checkpoint',
    'convert': 'convert a data set into an annotation file',
    'browse': 'summarise an annotation file, and list suspicious content',
    'cross-validate': 'train and test on every fold, with every seed',
    'compare': 'compare cross-validations, and test differences for significance',
    'doctor': 'show which packages are installed, and which are missing',
    'convert-model': 'convert a checkpoint of reference code, or publish one',
}
# Files in tools/ and demo/ with other names.
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
    # The distribution mmskelseg-runtime contains only some of them.
    commands = {
        name: text
        for name, text in COMMANDS.items()
        if find_spec(f'{__name__}.{name.replace("-", "_")}') is not None
    }
    if words and words[0] in COMMANDS.keys() - commands.keys():
        sys.exit(
            f'error: {words[0]} is part of mmskelseg, not of mmskelseg-runtime; '
            'install mmskelseg instead.'
        )
    # For the time of the imports; each command has its own message.
    with stoppable('nothing was started.'):
        return dispatch(__name__, commands, words, 'mmskelseg', about, TOOLS)


def dispatch(
    room: str,
    commands: Mapping[str, str],
    argv: Sequence[str],
    prog: str,
    description: str | None,
    aliases: Mapping[str, str] | None = None,
) -> int | None:
    """Run the module that the first argument names, with the remaining arguments.

    Args:
        room: The package of the modules.
        commands: A line of help for each module. ``-`` and ``_`` in names are
            equivalent.
        argv: The arguments.
        prog: The name of the program in the usage.
        description: The text of ``--help`` above the names.
        aliases: Other names of commands.
    """
    lines = [f'  {name:16}  {text}' for name, text in commands.items()]
    lines.insert(0, 'names (see NAME --help):')
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
