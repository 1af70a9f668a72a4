"""Command lines: a parser and the ``main`` of each command."""

import argparse
from collections.abc import Callable, Sequence

from mmskelseg.utils.choices import POLICIES
from mmskelseg.utils.errors import user_errors


def command_parser(
    description: str | None, prog: str | None, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Return a parser that shows its texts as they are, but for ``%(prog)s``."""
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def command(
    description: str | None,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    run: Callable[[argparse.Namespace], int | None],
    epilog: str | None = None,
) -> Callable[..., int | None]:
    """Return the ``main(argv, prog)`` of a command.

    It runs with the arguments that it reads, and returns the exit status; errors of
    users end it with a sentence.
    """

    def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int | None:
        parser = command_parser(description, prog, epilog)
        add_arguments(parser)
        args = parser.parse_args(argv)
        with user_errors():
            return run(args)

    return main


def add_person(parser: argparse._ActionsContainer) -> None:
    """Add --person, which ``choose_person`` of the poses takes."""
    parser.add_argument(
        '--person',
        default='track',
        metavar='|'.join((*POLICIES, 'NAME')),
        help='which of several people: the longest track, the largest box, the highest '
        'score, everybody, or the one of a name (default: %(default)s)',
    )


def add_line_minutes(parser: argparse._ActionsContainer) -> None:
    """Add --line-minutes, which ``draw_timelines`` takes."""
    parser.add_argument(
        '--line-minutes',
        type=float,
        metavar='M',
        help='minutes in a line of a timeline, after which it goes on in the next '
        '(default: one line up to 10 minutes, else lines of 5 or, for hours, more)',
    )


def pickle_name(text: str) -> str:
    """Return the name of a pickle file as a ``type`` of argparse."""
    if not text.endswith(('.pkl', '.pickle')):
        raise argparse.ArgumentTypeError(f'{text}: must end in .pkl or .pickle')
    return text
