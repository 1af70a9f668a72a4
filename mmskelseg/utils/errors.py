"""Errors that a user can act on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(ValueError):
    """An input, an option or a file is at fault.

    Its message is one sentence that says what is wrong, where, and what to do. Commands
    print that sentence; any other exception keeps its traceback, since nobody foresaw
    it.
    """


class MissingFileError(UserError, FileNotFoundError):
    """A file or folder does not exist."""


class UnavailableError(UserError, OSError, RuntimeError):
    """A package, a download or something of the system cannot be had here."""


@contextmanager
def user_errors() -> Iterator[None]:
    """End the program with the sentence of a :class:`UserError`.

    With ``SKELSEG_TRACEBACK=1`` it keeps its traceback.
    """
    try:
        yield
    except Exception as error:
        sentence = explanation(error)
        if os.environ.get('SKELSEG_TRACEBACK') or sentence is None:
            raise
        sys.exit(f'error: {sentence}')


def explanation(error: BaseException) -> str | None:
    """Return the sentence of a :class:`UserError`, or None if an error is another.

    MMEngine's registries raise an error of the same type around ours, whose message
    begins with the class that they could not build.
    """
    cause = error.__cause__ or error.__context__
    if cause is not None and str(error).startswith('class `'):
        return explanation(cause)
    return str(error) if isinstance(error, UserError) else None
