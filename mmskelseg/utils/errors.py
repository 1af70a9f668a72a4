"""Errors that a user can act on."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])


class UserError(ValueError):
    """An input, an option or a file is at fault.

    Its message is one sentence that says what is wrong, where, and what to do. Commands
    print that sentence; any other exception keeps its traceback, since nobody foresaw
    it.
    """


class MissingFileError(UserError, FileNotFoundError):
    """A file or folder does not exist."""


@contextmanager
def user_errors() -> Iterator[None]:
    """End the program with one sentence for an error that this package explains.

    Errors from elsewhere keep their traceback, since no one foresaw them. With
    ``SKELSEG_TRACEBACK=1`` all do.
    """
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        sentence = explanation(error)
        if os.environ.get('SKELSEG_TRACEBACK') or sentence is None:
            raise
        sys.exit(f'error: {sentence}')


def explanation(error: BaseException) -> str | None:
    """Return this package's own sentence on an error, or None where there is none."""
    # MMEngine's registries raise an error of their own around ours.
    cause: BaseException | None = error
    while cause is not None and not _explained(cause):
        cause = cause.__cause__ or cause.__context__
    return None if cause is None else str(cause)


def _explained(error: BaseException) -> bool:
    """Return whether this package raised the error itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE)
