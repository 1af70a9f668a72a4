"""Command lines: a parser, the ``main`` of each command, and types of options."""

import argparse
import logging
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import inf

from mmskelseg.utils.choices import EACH, POLICIES
from mmskelseg.utils.errors import shown, user_errors
from mmskelseg.utils.stopping import stoppable

# Of what is counted or numbered; it fits every library below.
_LARGEST = 2**31 - 1
# Of a command that writes a single file, or several that need each other.
_KEPT = 'files that it had finished are whole; the same command begins anew.'


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
    kept: str = _KEPT,
) -> Callable[..., int | None]:
    """Return the ``main(argv, prog)`` of a command.

    It runs with the arguments that it reads, and returns the exit status; errors of
    users end it with a sentence, as do Ctrl+C and SIGTERM, with ``kept``: what is left
    then, and how to go on.
    """

    def main(argv: Sequence[str] | None = None, prog: str | None = None) -> int | None:
        parser = command_parser(description, prog, epilog)
        add_arguments(parser)
        args = parser.parse_args(argv)
        # A full disk would otherwise give a traceback for each line of a log.
        logging.raiseExceptions = False
        with stoppable(kept), user_errors():
            return run(args)

    return main


def add_person(parser: argparse._ActionsContainer, *, each: bool = False) -> None:
    """Add --person, for ``choose_person`` of the poses, or also for ``each``."""
    extra = (
        'everybody at once' + ', each on their own' * each + ', or the one of a name'
    )
    parser.add_argument(
        '--person',
        default='track',
        metavar='|'.join((*POLICIES, *[EACH] * each, 'NAME')),
        help='which of several people: the longest track, the largest box, the highest '
        f'score, {extra} (default: %(default)s)',
    )


def add_line_minutes(parser: argparse._ActionsContainer) -> None:
    """Add --line-minutes, which ``draw_timelines`` takes."""
    parser.add_argument(
        '--line-minutes',
        type=positive,
        metavar='M',
        help='minutes in a line of a timeline, after which it goes on in the next '
        '(default: one line up to 10 minutes, else lines of 5 or, for hours, more)',
    )


def pickle_name(text: str) -> str:
    """Return the name of a pickle file as a ``type`` of argparse."""
    if not text.endswith(('.pkl', '.pickle')):
        raise argparse.ArgumentTypeError(f'{text}: must end in .pkl or .pickle')
    return text


def whole_from(least: int, most: int = _LARGEST) -> Callable[[str], int]:
    """Return a ``type`` of argparse: a whole number within bounds.

    >>> whole_from(1)('7')
    7
    """

    def whole_number(text: str) -> int:
        digits = text.strip().lstrip('+-')
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 20
        value = int(text) if is_number else None
        if value is None or not least <= value <= most:
            limit = f'from {least}' if most == _LARGEST else f'from {least} to {most}'
            raise argparse.ArgumentTypeError(
                f'{shown(text)} is not a whole number {limit}'
            )
        return value

    return whole_number


def number_from(least: float, most: float = inf) -> Callable[[str], float]:
    """Return a ``type`` of argparse: a finite number within bounds.

    >>> number_from(0, 1)('0.5')
    0.5
    """

    def real_number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = inf
        if not least <= value <= most or value == inf:
            limit = f'from {least:g}' + ('' if most == inf else f' to {most:g}')
            raise argparse.ArgumentTypeError(f'{shown(text)} is not a number {limit}')
        return value

    return real_number


def positive(text: str) -> float:
    """Return a number above 0 as a ``type`` of argparse."""
    value = number_from(0)(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f'{shown(text)} is not above 0')
    return value


# From 0, of which seeds have 32 bits.
whole = whole_from(0)
seed = whole_from(0, 2**32 - 1)


def device(text: str) -> str:
    """Return the name of a device that is here as a ``type`` of argparse."""
    if find_spec('torch') is None:
        # An exported model runs without it, and says itself where it can.
        return text
    # Exported models do without it.
    if find_spec('torch') is None:
        return text
    # It takes seconds to import, and is needed only where a device is named.
    from mmskelseg.utils.devices import check_device

    try:
        check_device(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
