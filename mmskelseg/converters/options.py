"""How converters declare their options to the parser in `commands/convert.py`.

A converter is a function. Its keywords are the options, with their types and defaults;
this module declares what else the parser needs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmskelseg.runtime.cli.command_line import image_size, positive, whole
from mmskelseg.runtime.files.parsing import read_json
from mmskelseg.runtime.messages.counts import listed
from mmskelseg.runtime.messages.errors import UserError, shown
from mmskelseg.runtime.poses.layouts import checked
from mmskelseg.runtime.structures.skeleton import Layout


class Option:
    """The help of an option, and other keywords of argparse's ``add_argument``.

    The keywords override those of ``OF_TYPES`` for the type of the option. A ``type``
    raises UserError for an invalid text.
    """

    def __init__(self, help: str, **settings: Any) -> None:
        self.help = help
        self.settings = settings


# By its name, such as `--fps` or, for an argument, `source`: an option, or its help; or
# a function that adds it, which other commands share.
Options = Mapping[str, str | Option | Callable[[Any], None]]


@dataclass(frozen=True)
class Converter:
    """A function and its options, or several parts of one converter.

    Attributes:
        run: The function; it gets each option as a keyword.
        options: The options outside of groups.
        groups: Options by the title of their group.
        parts: Converters by the word that chooses one, such as `import`.
        summary: For a part, its line in the help of the converter.
        description: For a part, the text above its options; else that of the module.
        examples: Text below the options; ``%(prog)s`` stands for the command.
        usage: The usage, if that of argparse is unclear.
        takes: The callable with the keywords and their defaults, if not ``run``.
    """

    run: Callable[..., None] | None = None
    options: Options = field(default_factory=dict)
    groups: Mapping[str, Options] = field(default_factory=dict)
    parts: Mapping[str, 'Converter'] = field(default_factory=dict)
    summary: str | None = None
    description: str | None = None
    examples: str = ''
    usage: str | None = None
    takes: Callable[..., object] | None = None


def skeleton(text: str) -> Layout:
    """Return a layout: its name, or the content of a JSON file with joints, limbs."""
    if not text.endswith('.json'):
        return text
    layout = read_json(text, 'whatever made it')
    if not isinstance(layout, dict) or not {'joints', 'limbs'} <= layout.keys():
        found = listed([*layout]) if isinstance(layout, dict) else shown(layout)
        raise UserError(f'{text} has {found}, expected joints and limbs ([] if none).')
    return checked(layout, text)


#: What the parser makes of a keyword by its type.
OF_TYPES: dict[object, dict[str, Any]] = {
    Path: {'type': Path},
    int: {'type': whole, 'metavar': 'N'},
    float: {'type': positive},
    tuple[int, int]: {'type': image_size, 'metavar': 'WxH'},
}
OUT = Option('folder for annotations.pkl', metavar='OUT')
BACKGROUND = Option('class that Edit and F1 ignore (default: none)', metavar='NAME')
VIDEOS = Option(
    'folder of the video files, for RGB features; the name of a file is the id of its '
    'video, or the only one that contains this id',
    metavar='DIR',
)
FOLDS = (
    'add N folds for cross-validation, fold1 to foldN; each tests every Nth video, '
    'from a different start'
)
# Options of releases; their functions have a default for --fps.
OF_RELEASES: Options = {
    '--fps': 'frames per second of poses and labels (default: %(default)g)',
    '--folds': FOLDS,
    '--videos': VIDEOS,
}


def source(help: str) -> Option:
    """Return the argument SRC."""
    return Option(help, metavar='SRC')


def test(metavar: str, default: str) -> Option:
    """Return --test, for ``choose_split``."""
    return Option(f'test videos (default: {default})', metavar=metavar)
