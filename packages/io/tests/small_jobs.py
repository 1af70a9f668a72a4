"""Jobs that do little."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmskelseg_io.jobs.command_line import whole
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument, option


@dataclass(frozen=True, kw_only=True)
class Say(Job[str]):
    """Says some texts.

    %(prog)s TEXT
    """

    texts: Sequence[str] = argument('texts', metavar='TEXT')
    fault: str | None = option('what goes wrong at the end', None)
    seconds: float = option('time that it takes', 0, type=float)
    last: Path | None = option(
        'file that is left at the end, even if it is stopped', None
    )
    loud: bool = option('be loud', False)
    times: Sequence[int] = option('numbers', (1,), type=whole)
    tone: Literal['low', 'high'] = option('the tone', 'low', group='music')

    def run(self, events: Events) -> str:
        """Say them."""
        try:
            for i, text in enumerate(self.texts):
                events.progress(text, i, len(self.texts))
            time.sleep(self.seconds)
        finally:
            if self.last:
                self.last.touch()
        if self.fault:
            raise UserError(self.fault)
        return ' '.join(self.texts)


@dataclass(frozen=True, kw_only=True)
class Act(Job[object]):
    """Stands for another job: it executes code, which may set a `result`."""

    code: str = argument('Python, which may read `checkpoints` and `events`')
    checkpoints: Sequence[str] = option('checkpoints', ())

    def run(self, events: Events) -> object:
        """Execute it."""
        names = {'checkpoints': self.checkpoints, 'events': events, 'result': None}
        exec(self.code, names)
        return names['result']
