"""What a job reports while it runs."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Protocol


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


class SentEvents:
    """Prints events, and hands each to a function as a line of JSON.

    A line has the name of a method of :class:`Events` and its arguments:

        {"event": "progress", "part": "Testing", "done": 1, "total": 4, ...}
    """

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send, self._printed = send, PrintedEvents()

    def progress(
        self, part: str, done: int, total: int | None, seconds_left: float | None = None
    ) -> None:
        """Print and send how far a job is."""
        given = {'part': part, 'done': done, 'total': total}
        self._report('progress', **given, seconds_left=seconds_left)

    def note(self, text: str) -> None:
        """Print and send a text."""
        self._report('note', text=text)

    def warning(self, text: str) -> None:
        """Print and send a warning."""
        self._report('warning', text=text)

    def _report(self, event: str, **given: object) -> None:
        getattr(self._printed, event)(**given)
        self._send(json.dumps({'event': event, **given}).encode())


def report_line(line: bytes, events: Events) -> None:
    """Report the event in a line that :class:`SentEvents` has sent."""
    given = json.loads(line)
    getattr(events, given.pop('event'))(**given)
