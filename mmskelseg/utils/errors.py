"""Errors that a user can act on."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Of the system, with what to do; all others of it are said as the system says them.
_REMEDIES = {
    errno.ENOSPC: 'make room on the disk',
    errno.EDQUOT: 'make room on the disk',
    errno.EFBIG: 'make room on the disk, or raise the limit for a file',
    errno.EACCES: 'name another, or change its rights',
    errno.EPERM: 'name another, or change its rights',
    errno.EROFS: 'name another, on a disk that can be written',
    errno.EEXIST: 'name another, or remove what is there',
    errno.ENOTDIR: 'part of the path is a file; name another',
    errno.EISDIR: 'it is a folder; name a file',
    errno.ENAMETOOLONG: 'take a shorter name',
    errno.ELOOP: 'its links lead in a circle; name another',
    errno.EIO: 'see whether the disk is sound',
}

# Characters of a message.
_LONGEST = 900
# Characters that end a line, or that no name and no message has.
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')


class UserError(ValueError):
    """An input, an option or a file is at fault.

    Its message is one sentence that says what is wrong, where, and what to do. Commands
    print that sentence; any other exception keeps its traceback, since nobody foresaw
    it. What somebody else's file has may be long, or hold control characters: the
    message is shortened in the middle, and stays a line.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_readable(a) if isinstance(a, str) else a for a in args))


def _readable(text: str) -> str:
    """Return a text in one line, with its longest words and its middle cut short."""
    text = re.sub(r'\S{400,}', lambda word: f'{word[0][:250]}...{word[0][-50:]}', text)
    if len(text) > _LONGEST:
        text = f'{text[: _LONGEST - 300]} ... {text[-295:]}'
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


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
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + 13)
    except Exception as error:
        sentence = explanation(error)
        if os.environ.get('SKELSEG_TRACEBACK') or sentence is None:
            raise
        sys.exit(f'error: {sentence}')


def explanation(error: BaseException) -> str | None:
    """Return the sentence of a :class:`UserError`, or None if an error is another.

    Errors of the system, and a lack of memory, have one as well. MMEngine's registries
    raise an error of the same type around ours, whose message begins with the class
    that they could not build.
    """
    cause = error.__cause__ or error.__context__
    if cause is not None and str(error).startswith('class `'):
        return explanation(cause)
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return system_fault(error)
    # Of a GPU it is torch's, which is not imported for this.
    if isinstance(error, MemoryError) or type(error).__name__ == 'OutOfMemoryError':
        return (
            f'There is not enough memory ({shown(error) or "it is full"}); take '
            'smaller batches or shorter videos, or end other programs.'
        )
    return None


def system_fault(error: OSError, path: str | os.PathLike | None = None) -> str:
    """Return a sentence on an error of the system: what it met, and what to do.

    Args:
        error: What was raised.
        path: What was at work, if the error does not say or names a temporary file.
    """
    place = path if path is not None else error.filename
    reason = error.strerror or str(error) or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0)
    text = reason if place is None else f'{os.fsdecode(place)}: {reason}'
    return f'{text}; {remedy}.' if remedy else f'{text.rstrip(".")}.'


def is_of_disk(error: OSError) -> bool:
    """Return whether a file or folder could not be made or written."""
    return error.errno in _REMEDIES


def shown(value: Any, most: int = 60) -> str:
    """Return a value for a message: of an error its text, of others ``repr``, short.

    Whatever others made may be long, nested without end, or beyond what Python prints.

    >>> shown('a' * 100, 10), shown([[1, [2]], 3]), shown({'a': 1})
    ("'aaaaaa...", '[[1, [2]], 3]', "{'a': 1}")
    """
    text = str(value) if isinstance(value, BaseException) else _brief(value, 4)
    text = ' '.join(text.split())
    return text if len(text) <= most else f'{text[: most - 3]}...'


def _brief(value: Any, depth: int) -> str:
    if isinstance(value, list | tuple | set | frozenset | dict):
        first, last = ('[', ']') if isinstance(value, list) else ('{', '}')
        if isinstance(value, tuple):
            first, last = '(', ')'
        if depth == 0:
            return f'{first}...{last}'
        parts = [_brief(item, depth - 1) for item in list(value)[:8]]
        if isinstance(value, dict):
            items = list(value.values())[:8]
            parts = [
                f'{key}: {_brief(item, depth - 1)}'
                for key, item in zip(parts, items, strict=True)
            ]
        more = ', ...' if len(value) > 8 else ''
        return f'{first}{", ".join(parts)}{more}{last}'
    if isinstance(value, str | bytes):
        return repr(value[:200])
    if isinstance(value, int) and abs(value) >= 10**30:
        return f'a number of over {int(value.bit_length() * 0.30103)} digits'
    return repr(value)
