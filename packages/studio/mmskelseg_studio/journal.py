"""A file of a state and of the steps since, which a step makes longer by a line."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.parsing import decoded, parse_json, text_file
from mmskelseg_io.messages.errors import UnavailableError, system_fault

#: An object of JSON.
Content = Mapping[str, Any]


@dataclass
class Journal:
    """A file whose first line is a state, and each further one a step, all in JSON.

    What was written is on the disk when a method returns, so that even a power cut
    loses nothing; a step that is written only in part is none. ``tool`` is what writes
    such files, for messages.
    """

    path: Path
    tool: str
    # The file as it was written last: what tells that another program changed it.
    _left: tuple[int, ...] | None = field(default=None, repr=False)

    def read(self) -> tuple[Any, list[tuple[str, Any]]]:
        """Return the state, and the place in the file and content of each step.

        Raises:
            UserError: If the file is no text, or a line no JSON.
        """
        content = text_file(self.path).read_bytes()
        first, *rest = content.split(b'\n')
        # A step is whole if its line has an end.
        whole = b'\n'.join([first, *rest[:-1]])
        lines = decoded(whole, str(self.path)).split('\n')
        state = parse_json(lines[0], str(self.path), self.tool)
        steps = []
        for i, line in enumerate(lines[1:], 2):
            place = f'{self.path}: line {i}'
            steps.append((place, parse_json(line, place, self.tool)))
        return state, steps

    def write(self, state: Content) -> None:
        """Write a state, in place of everything."""
        self._left = None
        with atomic_write(self.path) as file:
            file.write(_line(state))
        if os.name != 'nt':
            # The new name of the file must reach the disk, too.
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                # Some disks of networks refuse it.
                with suppress(OSError):
                    os.fsync(folder)
            finally:
                os.close(folder)
        self._left = self._now()

    def append(self, step: Content, state: Callable[[], Content]) -> None:
        """Write a step.

        If the file is not as it was left, or the step before could not be written, the
        state is written anew, so that the step refers to it.

        Raises:
            UnavailableError: If the disk does not take it.
        """
        if self._left is None or self._left != self._now():
            self.write(state())
        self._left = None
        try:
            with self.path.open('ab') as file:
                file.write(_line(step))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UnavailableError(system_fault(error, self.path)) from error
        self._left = self._now()

    def _now(self) -> tuple[int, ...] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _line(content: Content) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(',', ':'))
    return f'{text}\n'.encode()
