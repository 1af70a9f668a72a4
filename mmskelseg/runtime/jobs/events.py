"""What a job reports while it runs."""

import sys
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any, Protocol, TypeAlias

#: The name of a method of :class:`Events`, and its arguments.
Event: TypeAlias = tuple[str, tuple[Any, ...]]


class Events(Protocol):
    """Where a job reports its progress."""

    def progress(
        self, part: str, done: int, total: int | None, seconds_left: float | None = None
    ) -> None:
        """Tell which part the job is at, and how far it is.

        Args:
            part: What is being done.
            done: Number of steps that are finished.
            total: Number of all steps; None if it is not known.
            seconds_left: About how long the whole job still takes, if that is known.
        """

    def note(self, text: str) -> None:
        """Tell a finding, in one or more lines."""

    def warning(self, text: str) -> None:
        """Tell what may be wrong, in a sentence."""


class PrintedEvents:
    """Prints events: warnings to standard error, others to standard output."""

    def __init__(self) -> None:
        self._began = monotonic()

    def progress(
        self, part: str, done: int, total: int | None, seconds_left: float | None = None
    ) -> None:
        """Print the part, with the time if it is known how much is left."""
        if total is None:
            self.note(f'{part} ...')
            return
        if seconds_left is None:
            self.note(f'[{min(done + 1, total)}/{total}] {part}')
            return
        passed, left = (
            timedelta(seconds=round(seconds))
            for seconds in (monotonic() - self._began, seconds_left)
        )
        self.note(
            f'{passed} passed, about {left} left  {part}: {done} of {total} finished'
        )

    def note(self, text: str) -> None:
        """Print a text at once."""
        print(text, flush=True)

    def warning(self, text: str) -> None:
        """Print a warning."""
        print(f'warning: {text}', file=sys.stderr, flush=True)


class SentEvents(PrintedEvents):
    """Prints events, and also hands them to a function, such as that of a queue."""

    def __init__(self, send: Callable[[Event], object]) -> None:
        super().__init__()
        self._send = send

    def progress(
        self, part: str, done: int, total: int | None, seconds_left: float | None = None
    ) -> None:
        """Print and send how far a job is."""
        super().progress(part, done, total, seconds_left)
        self._send(('progress', (part, done, total, seconds_left)))

    def warning(self, text: str) -> None:
        """Print and send a warning."""
        super().warning(text)
        self._send(('warning', (text,)))
