"""A job, and its command."""

import argparse
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import ClassVar, Generic, TypeVar

from mmskelseg.runtime.jobs.command_line import KEPT, command
from mmskelseg.runtime.jobs.declared import add_fields, from_options
from mmskelseg.runtime.jobs.events import Events, PrintedEvents
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.options import hints_of, misfits

Result = TypeVar('Result')


@dataclass(frozen=True, kw_only=True)
class Job(Generic[Result]):
    """Something to do, whose fields are all that it depends on.

    A job can be pickled and run in another process. Its class is a frozen dataclass
    with fields of :mod:`mmskelseg.runtime.messages.options`, from which its command
    line is made; its docstring is the text of ``--help``, in which ``%(prog)s`` stands
    for the command.

    Raises:
        UserError: If a value does not fit the annotation of its field.
    """

    #: What remains if the job is stopped, and how to continue: half a sentence.
    kept: ClassVar[str] = KEPT
    #: The end of the text of ``--help``.
    examples: ClassVar[str | None] = None
    #: The usage, for jobs whose options may come between arguments.
    usage: ClassVar[str | None] = None
    #: The function that does it, ``module:name``, given the job and its events. Its
    #: module is imported when the job runs, since --help should not wait for PyTorch.
    does: ClassVar[str]

    def __post_init__(self) -> None:
        kind: Callable = type(self)
        for problem in misfits(hints_of(kind), vars(self)):
            raise UserError(f'{type(self).__name__}: {problem}')

    def run(self, events: Events) -> Result:
        """Do it, and return the result."""
        module, _, name = self.does.partition(':')
        return getattr(import_module(module), name)(self, events)

    @classmethod
    def main(
        cls, argv: Sequence[str] | None = None, prog: str | None = None
    ) -> int | None:
        """Run the job that words of the command line describe.

        What it returns is not printed, and the exit status is 0.
        """
        add, run = partial(_add_fields, cls), partial(_run, cls)
        main = command(inspect.getdoc(cls), add, run, cls.examples, cls.kept)
        return main(argv, prog)


def _add_fields(kind: type[Job], parser: argparse.ArgumentParser) -> None:
    if kind.usage:
        parser.usage = kind.usage
    add_fields(parser, kind)


def _run(kind: type[Job], args: argparse.Namespace) -> None:
    from_options(kind, vars(args)).run(PrintedEvents())
