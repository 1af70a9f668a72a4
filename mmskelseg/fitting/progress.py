"""What a fit says while it works: how much time has passed, and how much is left."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

# A line is printed at least so often, in seconds.
_PAUSE = 20.0
# The plan's speeds count as much as what so many seconds have shown.
_TRUST = 120.0


@contextmanager
def every_pause(say: Callable[[], None]) -> Iterator[None]:
    """Call a function from time to time, in another thread, during a block."""
    ended = threading.Event()

    def lines() -> None:
        while not ended.wait(_PAUSE):
            say()

    thread = threading.Thread(target=lines, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Progress:
    """Prints lines with the time left.

    Args:
        began: When the fit began, by :func:`time.monotonic`.
        stages: How many seconds each stage of the work takes by the plan.
    """

    def __init__(self, began: float, stages: Sequence[float]) -> None:
        self._began, self._first = began, monotonic()
        self._stages, self._later = stages, 0.0
        # Planned seconds of what earlier stages, and this one, had to do.
        self._done = self._stage = 0.0
        self._left: Callable[[], float] = lambda: 0.0

    @contextmanager
    def stage(
        self, number: int, left: Callable[[], float], text: Callable[[], str]
    ) -> Iterator[None]:
        """Print a line from time to time, while a block does the work of a stage.

        Args:
            number: Which of the stages it is.
            left: Returns how many seconds the rest of the stage takes by the plan.
            text: Returns what the line says.
        """
        self._done += self._stage
        self._later = sum(self._stages[number + 1 :])
        self._left, self._stage = left, left()
        with every_pause(lambda: self.say(text())):
            yield

    def say(self, text: str) -> None:
        """Print a line with the time."""
        now = monotonic()
        passed, left = (
            timedelta(seconds=round(seconds))
            for seconds in (now - self._began, self.seconds_left(now))
        )
        print(f'{passed} passed, about {left} left  {text}', flush=True)

    def seconds_left(self, now: float) -> float:
        """Return the time left, if work goes on as fast as until now."""
        left = self._left()
        done = self._done + self._stage - left
        pace = (_TRUST + now - self._first) / (_TRUST + done)
        return pace * (left + self._later)
