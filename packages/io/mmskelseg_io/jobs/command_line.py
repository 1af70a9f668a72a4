"""Command lines: the parser, and types of options."""

import argparse
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from math import nan
from typing import Any

from mmskelseg_io.messages.errors import shown

# The largest number of an option; every library that gets it can hold it.
_LARGEST = 2**31 - 1


def command_parser(
    description: str | None, prog: str | None, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Return a parser that shows its texts unchanged, except for ``%(prog)s``."""
    return argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def pickle_name(text: str) -> str:
    """Return the name of a pickle file as a ``type`` of argparse."""
    if not text.endswith(('.pkl', '.pickle')):
        raise argparse.ArgumentTypeError(f'{text}: must end in .pkl or .pickle')
    return text


def regular_expression(text: str) -> re.Pattern[str]:
    """Return a regular expression as a ``type`` of argparse."""
    try:
        # Python warns of an expression whose meaning is to change.
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            return re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise argparse.ArgumentTypeError(
            f'{shown(text)} is not a regular expression: {shown(error, 100)}'
        ) from None


def image_size(text: str) -> tuple[int, int]:
    """Return height and width as a ``type`` of argparse, from width and height.

    >>> image_size('640x480')
    (480, 640)
    """
    found = re.fullmatch(r'([1-9][0-9]{0,4})x([1-9][0-9]{0,4})', text.lower())
    if not found:
        raise argparse.ArgumentTypeError(f'{shown(text)} is not a size such as 640x480')
    return int(found[2]), int(found[1])


def number_from(
    least: float, most: float = _LARGEST, kind: Callable[[str], Any] = float
) -> Callable[[str], Any]:
    """Return a ``type`` of argparse: a number within bounds.

    >>> number_from(0, 1)('0.5')
    0.5
    """
    what = 'whole number' if kind is int else 'number'
    limit = f'from {least:g}' + f' to {most:.10g}' * (most != _LARGEST)

    def number(text: str) -> Any:
        value = nan
        # Python also takes 1_000, and digits of other scripts.
        with suppress(ValueError):
            value = kind(text) if text.isascii() and '_' not in text else nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f'{shown(text)} is not a {what} {limit}')
        return value

    return number


def whole_from(least: int, most: int = _LARGEST) -> Callable[[str], int]:
    """Return a ``type`` of argparse: a whole number within bounds.

    >>> whole_from(1)('7')
    7
    """
    return number_from(least, most, int)


def positive(text: str) -> float:
    """Return a number above 0 as a ``type`` of argparse."""
    value = number_from(0)(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f'{shown(text)} is not above 0')
    return value


# Whole numbers from 0; seeds have 32 bits.
whole = whole_from(0)
seed = whole_from(0, 2**32 - 1)
