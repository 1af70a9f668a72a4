"""How converters declare their options to the parser in `commands/convert.py`.

A converter is a function. Its parameters are the options: annotated with an `Option`,
or a dataclass of options. A parameter that is neither is none of the parser's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from mmskelseg.runtime.inputs import VIDEOS
from mmskelseg.runtime.messages.options import Option, Positive, option


@dataclass(frozen=True)
class Converter:
    """A function, or several parts of one converter.

    Attributes:
        run: The function; it gets each option as a keyword.
        groups: Titles of the groups of its dataclasses of options, by their parameters.
        parts: Converters by the word that chooses one, such as `import`.
        summary: For a part, its line in the help of the converter.
        description: For a part, the text above its options; else that of the module.
        examples: Text below the options; ``%(prog)s`` stands for the command.
        usage: The usage, if that of argparse is unclear.
    """

    run: Callable[..., None] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, 'Converter'] = field(default_factory=dict)
    summary: str | None = None
    description: str | None = None
    examples: str = ''
    usage: str | None = None


Out = Annotated[Path, Option('folder for annotations.pkl', '', metavar='OUT')]
Download = Annotated[bool, Option('download the release to SRC first')]
Url = Annotated[str, Option('zip file to download (default: %(default)s)')]
BACKGROUND = 'class that Edit and F1 ignore (default: none)'
FOLDS = (
    'add N folds for cross-validation, fold1 to foldN; each tests every Nth video, '
    'from a different start'
)


@dataclass(frozen=True)
class ReleaseOptions:
    """What releases do not state: their rate, folds, and the files of videos."""

    fps: Positive = option(
        'frames per second of poses and labels (default: %(default)g)'
    )
    folds: int = option(FOLDS, 0)
    videos: Path | None = option(VIDEOS, None, metavar='DIR')


def source(help: str) -> Option:
    """Return the argument SRC."""
    return Option(help, '', metavar='SRC')


def test(metavar: str, default: str) -> Option:
    """Return --test, for ``choose_split``."""
    return Option(f'test videos (default: {default})', metavar=metavar)
