"""How much time is left of a fit."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from mmskelseg.automl.planning import after
from mmskelseg_io.jobs.events import Events

# Progress is reported at least every so many seconds.
_PAUSE = 20.0
# The planned speeds count as much as those measured over this many seconds.
_TRUST = 120.0


@contextmanager
def every_pause(report: Callable[[], object]) -> Iterator[None]:
    """Call a function from time to time, in another thread, during a block."""
    ended = threading.Event()

    def lines() -> None:
        while not ended.wait(_PAUSE):
            report()

    thread = threading.Thread(target=lines, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Progress:
    """Reports how far the stages of the work are, with the time left.

    Args:
        events: Where progress is reported.
        times: How many seconds each stage of the work takes by the plan.
    """

    def __init__(self, events: Events, times: Mapping[str, float]) -> None:
        self.events, self._first = events, monotonic()
        self.times, self._later = times, 0.0
        # Planned seconds of what earlier stages, and this one, had to do.
        self._done = self._stage = 0.0
        self._left: Callable[[], float] = lambda: 0.0
        self._report: Callable[[], object] = lambda: None

    @contextmanager
    def stage(
        self,
        name: str,
        left: Callable[[], float],
        count: Callable[[], tuple[int, int]] = lambda: (0, 1),
    ) -> Iterator[None]:
        """Report from time to time, while a block does the work of a stage.

        Args:
            name: Which of the stages it is.
            left: Returns how many seconds the rest of the stage takes by the plan.
            count: Returns how many of its steps are finished, and how many there are.
        """
        self._done += self._stage
        self._later = after(name, self.times)
        self._left, self._stage = left, left()
        self._report = lambda: self.events.progress(
            name, *count(), self.seconds_left(monotonic())
        )
        self._report()
        with every_pause(self._report):
            yield

    def finished(self, text: str) -> None:
        """Report the result of a step, and how far the work is."""
        self.events.note(text)
        self._report()

    def seconds_left(self, now: float) -> float:
        """Return the time left, if work goes on as fast as until now."""
        return self.pace(now) * (self._left() + self._later)

    def pace(self, now: float) -> float:
        """Return how many times as long as planned the work has taken until now."""
        # A training that was stopped may go back a little.
        done = max(self._done + self._stage - self._left(), 0.0)
        return (_TRUST + now - self._first) / (_TRUST + done)
