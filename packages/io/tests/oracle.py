"""What must hold for any input: a clear error or a valid result, within bounds.

Within a time and an amount of memory, with no half-written file left, and with no code
of the input run: a canary that hostile inputs try to touch stays as it is.
"""

import io
import os
import re
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from mmskelseg_io.messages.errors import UserError

SECONDS = 20
# A busy machine takes so many times as long.
_BUSY = 10
# On top of what the process has, which holds torch.
BYTES = 3 << 29
# Without the paths, which may be long.
LONGEST = 1000
# How argparse ends a program.
MISUSE = 2
CANARY = Path('/tmp/mmskelseg_canary')


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple]:
        return self.reduced


class Hang(BaseException):
    """The time is over."""


@contextmanager
def bounded_memory(more: int) -> Iterator[None]:
    """Let a block take so many bytes more than the process has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextmanager
def _bounded_time() -> Iterator[None]:
    def end(*_: Any) -> None:
        raise Hang

    # Of its own work, and of a clock, for what waits.
    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, SECONDS),
        signal.SIGALRM: (signal.ITIMER_REAL, SECONDS * _BUSY),
    }
    before = {number: signal.signal(number, end) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def judge(
    read: Callable[[Path], Any],
    path: Path,
    check: Callable[[Any], object] = lambda value: None,
    names: tuple[str, ...] = (),
) -> Any:
    """Return what a function makes of a path, or the error that it gave.

    Args:
        read: Reads the input; the current folder may be written.
        path: The input.
        check: Raises an error for a result that cannot be.
        names: Any of them in the message says which input is at fault; by default the
            name of the path.

    Raises:
        AssertionError: If anything is amiss.
    """
    CANARY.unlink(missing_ok=True)
    before = _files(path.parent)
    try:
        with _bounded_time(), bounded_memory(BYTES):
            value = read(path)
    except UserError as error:
        value = error
        check_sentence(str(error), names or (path.name,))
    except Hang:
        raise AssertionError(f'{path}: over {SECONDS} seconds') from None
    except MemoryError as error:
        raise AssertionError(f'{path}: over {BYTES >> 20} MiB') from error
    except Exception as error:
        raise AssertionError(f'{path}: {type(error).__name__}: {error}') from error
    else:
        check(value)
    assert not CANARY.exists(), f'{path}: its code was run'
    stray = [name for name in _files(path.parent) - before if '.part' in name]
    assert not stray, f'{path}: left {stray}'
    return value


def check_sentence(text: str, names: tuple[str, ...]) -> None:
    """Raise an AssertionError if the message of a UserError is no clear sentence."""
    assert any(name in text for name in names), f'names none of {names}: {text}'
    assert '\n' not in text, f'several lines: {text}'
    assert text.endswith(('.', '?')), f'no sentence: {text}'
    assert 'object at 0x' not in text, f'an address: {text}'
    rest = re.sub(r'(/[\w.~%+=@-]*)+', '', text)
    assert len(rest) <= LONGEST, f'{len(rest)} characters: {text[:2000]}'


def _files(folder: Path) -> set[str]:
    found = set()
    for top, _, names in os.walk(folder):
        found |= {os.path.join(top, name) for name in names}
    return found


def run_command(main: Callable[..., Any], *argv: Any) -> None:
    """Run a command in this process, and raise the UserError that ended it.

    Raises:
        UserError: With the sentence that the program ended with, or argparse's.
    """
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            ended = main([str(word) for word in argv], prog='command')
    except SystemExit as end:
        ended = end.code
    if ended == MISUSE:
        raise UserError(f'{told.getvalue().splitlines()[-1]}.')
    if isinstance(ended, str):
        assert ended.startswith('error: '), ended
        raise UserError(ended.removeprefix('error: '))
    assert ended in (0, None), f'status {ended}'
