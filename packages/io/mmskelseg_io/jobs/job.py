"""A job, and its command."""

import inspect
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from mmskelseg_io.files.outputs import Outputs, written_by
from mmskelseg_io.jobs.command_line import command_parser
from mmskelseg_io.jobs.declared import add_fields, from_options
from mmskelseg_io.jobs.events import Events, PrintedEvents
from mmskelseg_io.jobs.stopping import stoppable
from mmskelseg_io.messages.errors import UserError, escaped, user_errors
from mmskelseg_io.messages.options import hints_of, misfits

Result = TypeVar('Result')


@dataclass(frozen=True, kw_only=True)
class Job(Generic[Result]):
    """Something to do, whose fields are all that it depends on.

    A job can be pickled and run in another process. Its class is a frozen dataclass
    with fields of :mod:`mmskelseg_io.messages.options`, from which its command
    line is made; its docstring is the text of ``--help``, in which ``%(prog)s`` stands
    for the command.

    Raises:
        UserError: If a value does not fit the annotation of its field.
    """

    #: What remains if the job is stopped, and how to continue: half a sentence.
    kept: ClassVar[str] = (
        'finished files are complete; the same command starts from the beginning.'
    )
    #: The end of the text of ``--help``.
    examples: ClassVar[str | None] = None
    #: The usage, for jobs whose options may come between arguments.
    usage: ClassVar[str | None] = None
    #: The function that does it, ``module:name``, given the job and its events. Its
    #: module is imported when the job runs, since --help should not wait for PyTorch.
    does: ClassVar[str]
    #: The fields that name files and folders to write.
    writes: ClassVar[Sequence[str]] = ('out',)
    #: Whether unchanged files of earlier runs that a run does not write are removed.
    removes_outdated: ClassVar[bool] = False

    def __post_init__(self) -> None:
        kind: Callable = type(self)
        for problem in misfits(hints_of(kind), vars(self)):
            raise UserError(f'{type(self).__name__}: {problem}')

    def run(self, events: Events) -> Result:
        """Do it, and return the result."""
        return function_of(self.does)(self, events)

    def written(self) -> list[Path]:
        """Return the files and folders that it writes."""
        named = (getattr(self, name, None) for name in self.writes)
        return [Path(one) for one in named if one]

    def start(self, events: Events) -> Result:
        """Do it, but overwrite neither inputs nor files of somebody else.

        In folders that it writes, only files are replaced that a job of this class has
        written, and that nobody has changed since.

        Raises:
            UserError: If such a file is in the way.
        """
        inputs = _paths([*vars(self).values()])
        outputs = Outputs(type(self).__name__, self.written(), inputs)
        with written_by(outputs):
            result = self.run(events)
        for path in outputs.outdated() if self.removes_outdated else ():
            path.unlink()
            events.note(escaped(f'{path}: of an earlier run, removed'))
        return result

    @classmethod
    def main(cls, argv: Sequence[str] | None = None, prog: str | None = None) -> None:
        """Run the job that words of the command line describe.

        User errors, Ctrl+C and SIGTERM end the program with a sentence.
        """
        parser = command_parser(inspect.getdoc(cls), prog, cls.examples)
        parser.usage = cls.usage
        add_fields(parser, cls)
        # argparse cannot wrap the usage of a parser with intermixed arguments.
        parse = parser.parse_intermixed_args if cls.usage else parser.parse_args
        values = vars(parse(argv))
        # Otherwise, a full disk would cause a traceback for each line of a log.
        logging.raiseExceptions = False
        if isinstance(sys.stdout, TextIOWrapper):
            # A path may contain bytes that cannot be printed.
            sys.stdout.reconfigure(errors='backslashreplace')
        with stoppable(cls.kept), user_errors():
            from_options(cls, values).start(PrintedEvents())


def _paths(value: object) -> Iterator[Path]:
    """Yield what may be a path in the value of a field."""
    if isinstance(value, str | Path):
        yield Path(value)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _paths(one)
    elif is_dataclass(value):
        yield from _paths([*vars(value).values()])


def function_of(text: str) -> Callable[..., Any]:
    """Import and return the function that ``module:name`` names.

    >>> function_of('math:sqrt')(4)
    2.0
    """
    module, _, name = text.partition(':')
    return getattr(import_module(module), name)
