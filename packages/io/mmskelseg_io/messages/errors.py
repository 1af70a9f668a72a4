"""Errors that a user can act on."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import islice
from numbers import Number
from typing import Concatenate, ParamSpec, TypeVar

AnyPath = TypeVar('AnyPath', bound=str | os.PathLike)
Options = ParamSpec('Options')
Result = TypeVar('Result')
# Remedies for errors of the operating system; other errors are reported without one.
_REMEDIES = {
    errno.ENOSPC: 'make room on the disk',
    errno.EDQUOT: 'make room on the disk',
    errno.EFBIG: 'make room on the disk, or raise the limit for a file',
    errno.EACCES: 'name another, or change its permissions',
    errno.EPERM: 'name another, or change its permissions',
    errno.EROFS: 'name another, on a writable disk',
    errno.EEXIST: 'name another, or remove what is there',
    errno.ENOTDIR: 'part of the path is a file; name another',
    errno.EISDIR: 'it is a folder; name a file',
    errno.ENAMETOOLONG: 'use a shorter name',
    errno.ELOOP: 'its links lead in a circle; name another',
    errno.EIO: 'check whether the disk is intact',
}

#: Errors that unexpected content of a file may cause.
OF_CONTENT = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError
)  # fmt: skip
# The message of Python before 3.13 for links that lead in a circle.
_LOOP = 'Symlink loop from '
# The most characters of a message.
_LONGEST = 900
#: The most letters of a text, such as a remark, and of the name of a class.
MOST_LETTERS, MOST_OF_CLASS = 100_000, 1000
# Control characters, which terminals obey; line ends; surrogates, which cannot be
# written to a file; and what XML cannot hold. No name and no message may have them.
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]')


class UserError(ValueError):
    """An input, an option or a file is wrong.

    The message is one sentence that says what is wrong, where, and what to do. Commands
    print that sentence; any other exception keeps its traceback, since it is
    unexpected. As a message may quote long text or control characters from a file, it
    is shortened in the middle and kept on one line.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_readable(a) if isinstance(a, str) else a for a in args))


def _readable(text: str) -> str:
    """Return a text on one line, with very long words and its middle shortened."""
    text = re.sub(r'\S{400,}', lambda word: f'{word[0][:250]}...{word[0][-50:]}', text)
    if len(text) > _LONGEST:
        text = f'{text[: _LONGEST - 300]} ... {text[-295:]}'
    return escaped(text)


def escaped(text: str) -> str:
    r"""Return a text with its control characters as Python writes them.

    >>> escaped('a\x1b[31m')
    'a\\x1b[31m'
    """
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def check_name(name: str, what: str, most: int = MOST_LETTERS) -> None:
    """Raise a UserError if a name, that of ``what``, cannot be printed.

    It has at most so many letters.
    """
    if len(name) > most:
        raise UserError(
            f'{what} has {len(name)} letters ({shown(name, 40)}), but at most {most} '
            'can be shown; shorten it.'
        )
    if CONTROL.search(name):
        wanted = 'a name without control characters'
        raise UserError(unlike(what, name, wanted, 'rename it'))


def unlike(what: str, value: object, expected: str, remedy: str = '') -> str:
    """Return the sentence that a value is not as expected, and what to do.

    >>> unlike('fps', 0, 'a number above 0', 'correct it')
    'fps is 0, expected a number above 0; correct it.'
    """
    end = f'; {remedy}' if remedy else ''
    return f'{what} is {shown(value)}, expected {expected}{end}.'


def misfit(
    place: str | os.PathLike, what: str, value: object, expected: str, remedy: str = ''
) -> UserError:
    """Return the error that a value at a place in a file is not as expected."""
    return UserError(f'{place}: {unlike(what, value, expected, remedy)}')


class MissingFileError(UserError, FileNotFoundError):
    """A file or folder does not exist."""


class UnavailableError(UserError, OSError, RuntimeError):
    """A package, a download or a resource of the system is not available."""


@contextmanager
def reading(
    path: str | os.PathLike,
    *others: type[Exception],
    remedy: str = 'export or copy it again',
) -> Iterator[None]:
    """Turn errors about the content of a file within the block into a UserError.

    Readers check what they read, and say what is wrong. This catches content that no
    check covers, and ``others``, further errors of a library; with
    ``SKELSEG_TRACEBACK=1``, commands show the traceback.
    """
    expected: tuple[type[Exception], ...] = (*OF_CONTENT, *others)
    try:
        yield
    except UserError:
        raise
    except expected as error:
        raise UserError(
            f'{os.fspath(path)}: something in it is missing or damaged '
            f'({shown(error, 120) or type(error).__name__}); {remedy}.'
        ) from error


def reads_file(
    read: Callable[Concatenate[AnyPath, Options], Result],
) -> Callable[Concatenate[AnyPath, Options], Result]:
    """Run a function of a path, its first argument, in a block of :func:`reading`."""

    @wraps(read)
    def reads(path: AnyPath, *args: Options.args, **kwargs: Options.kwargs) -> Result:
        with reading(path):
            return read(path, *args, **kwargs)

    return reads


@contextmanager
def user_errors() -> Iterator[None]:
    """End the program with the sentence of a :class:`UserError` raised in the block.

    With ``SKELSEG_TRACEBACK=1``, the traceback is shown instead.
    """
    try:
        yield
    except BrokenPipeError:
        # The reader of the output, such as `head`, has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + 13)
    except Exception as error:
        sentence = explanation(error)
        if os.environ.get('SKELSEG_TRACEBACK') or sentence is None:
            raise
        sys.exit(f'error: {sentence}')


def explanation(error: BaseException) -> str | None:
    """Return the sentence that explains an error to users; None for unexpected errors.

    It explains :class:`UserError`, errors of the system, and a lack of memory.
    """
    error = unwrapped(error)
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        return system_fault(error)
    if isinstance(error, RuntimeError) and str(error).startswith(_LOOP):
        path = str(error).removeprefix(_LOOP).strip("'")
        return system_fault(OSError(errno.ELOOP, os.strerror(errno.ELOOP), path))
    # On a GPU it is an error of torch, which is not imported for this.
    if isinstance(error, MemoryError) or type(error).__name__ == 'OutOfMemoryError':
        return (
            f'There is not enough memory ({shown(error) or "it is full"}); use '
            'smaller batches or shorter videos, or close other programs.'
        )
    return None


def unwrapped(error: BaseException) -> BaseException:
    """Return the error of a part that MMEngine's registries could not build.

    They wrap it in an error of the same type, whose message begins with the class.
    """
    cause = error.__cause__ or error.__context__
    if cause is not None and str(error).startswith('class `'):
        return unwrapped(cause)
    return error


def system_fault(error: OSError, path: str | os.PathLike | None = None) -> str:
    """Return a sentence about an error of the system: the file, reason and remedy.

    ``path`` is the file, if the error names none or a temporary one.
    """
    place = path if path is not None else error.filename
    reason = error.strerror or str(error) or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0)
    text = reason if place is None else f'{os.fsdecode(place)}: {reason}'
    return f'{text}; {remedy}.' if remedy else f'{text.rstrip(".")}.'


def is_of_disk(error: OSError) -> bool:
    """Return whether a file or folder could not be created or written."""
    return error.errno in _REMEDIES


def shown(value: object, most: int = 60) -> str:
    """Return a value for a message: the text of an error, else ``repr``, shortened.

    Values from files may be very long, deeply nested, or too large for Python to print.

    >>> shown('a' * 100, 10), shown([[1, (2,)], 3]), shown({'a': 1})
    ("'aaaaaa...", '[[1, (2,)], 3]', "{'a': 1}")
    """
    text = str(value) if isinstance(value, BaseException) else _brief(value, 4)
    # An address in memory says nothing, and differs each time.
    text = re.sub(r' at 0x[0-9a-f]+', '', ' '.join(text.split()))
    return text if len(text) <= most else f'{text[: most - 3]}...'


def _brief(value: object, depth: int) -> str:
    if isinstance(value, list | tuple | set | frozenset | dict):
        first, last = ('[', ']') if isinstance(value, list) else ('{', '}')
        if isinstance(value, tuple):
            first, last = '(', ')'
        if depth == 0:
            return f'{first}...{last}'
        parts = [_brief(item, depth - 1) for item in islice(value, 8)]
        if isinstance(value, dict):
            items = [_brief(item, depth - 1) for item in islice(value.values(), 8)]
            parts = [f'{key}: {item}' for key, item in zip(parts, items, strict=True)]
        more = ', ...' if len(value) > 8 else ''
        if isinstance(value, tuple) and len(value) == 1:
            more = ','
        return f'{first}{", ".join(parts)}{more}{last}'
    if isinstance(value, str | bytes):
        return repr(value[:200])
    if isinstance(value, Number) and hasattr(value, 'item'):
        # NumPy's, without its type.
        value = value.item()
    if isinstance(value, slice):
        return f'slice{_brief((value.start, value.stop, value.step), depth)}'
    kind, shape = (getattr(value, key, None) for key in ('dtype', 'shape'))
    # Objects in an array may be nested without end.
    if kind is not None and (shape or getattr(kind, 'hasobject', False)):
        return f'an array of {kind} with shape {shape}'
    if isinstance(value, int) and abs(value) >= 10**30:
        return f'a number of over {int(value.bit_length() * 0.30103)} digits'
    return repr(value)
