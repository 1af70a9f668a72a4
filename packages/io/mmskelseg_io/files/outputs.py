"""What a command may replace: files of commands that nobody has changed since.

A hidden file in a folder of outputs lists what commands have written there.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmskelseg_io.messages.errors import UnavailableError, UserError, system_fault

#: The list, with lines of a command, a file in the folder, and the file's digest.
LIST = '.mmskelseg.jsonl'
# The most bytes of it that are read; a line has about 100.
_LONGEST = 1 << 26


class Outputs:
    """What one run of a command reads and writes.

    Args:
        command: Its name.
        places: Files and folders to write. In a folder, the command chooses the names
            of files; a file that the user has named may be replaced.
        inputs: Paths that may be those of inputs.
    """

    def __init__(
        self, command: str, places: Iterable[Path], inputs: Iterable[Path]
    ) -> None:
        self.command = command
        self.places = [Path(os.path.abspath(place)) for place in places]
        # By the identity of a file, which is the same under each of its names.
        self._inputs: dict[tuple[int, int], Path] = {}
        self._lists: dict[Path, dict[str, dict[str, set[str]]]] = {}
        self._written: set[Path] = set()
        for path in inputs:
            self.protect(path)

    def protect(self, path: Path) -> None:
        """Take a file for an input, which must not be overwritten."""
        with suppress(OSError, ValueError):
            if path.is_file() and os.path.abspath(path) not in map(str, self.places):
                status = path.stat()
                self._inputs[status.st_dev, status.st_ino] = path

    def claim(self, path: Path) -> None:
        """Check that a file may be written.

        Raises:
            UserError: If it is an input, or somebody else's.
        """
        if not os.path.lexists(path):
            return
        if given := self._input_at(path):
            raise UserError(
                f'{path}: is an input ({given}), so it is not overwritten; choose '
                'another place for what is written.'
            )
        path = Path(os.path.abspath(path))
        folder = self._folder_of(path)
        if folder and not self._writers(folder, path):
            raise UserError(
                f'{path}: was not written by mmskelseg, or was changed since, so it '
                'is not replaced; move it, or write into another folder.'
            )

    def record(self, path: Path, content: Path) -> None:
        """List a file that is about to get the content of another one."""
        path = Path(os.path.abspath(path))
        folder = self._folder_of(path)
        if folder is None:
            return
        self._written.add(path)
        name, digest = path.relative_to(folder).as_posix(), _digest(content)
        known = self._listed(folder).setdefault(name, {}).setdefault(digest, set())
        if self.command not in known:
            known.add(self.command)
            # Windows hides no name, but this is no matter.
            with (folder / LIST).open('a', encoding='utf-8') as file:
                file.write(f'{json.dumps([self.command, name, digest])}\n')

    def outdated(self) -> list[Path]:
        """Return unchanged files of the command that this run has not written."""
        paths = {
            Path(os.path.abspath(folder / name)): folder
            for folder in self.places
            for name in self._listed(folder)
        }
        return sorted(
            path
            for path, folder in paths.items()
            if path not in self._written
            and self.command in self._writers(folder, path)
            and self._input_at(path) is None
        )

    def _input_at(self, path: Path) -> Path | None:
        with suppress(OSError):
            status = path.stat()
            return self._inputs.get((status.st_dev, status.st_ino))
        return None

    def _folder_of(self, path: Path) -> Path | None:
        """Return the folder of outputs with a file, None if the user has named it."""
        return next((place for place in self.places if place in path.parents), None)

    def _writers(self, folder: Path, path: Path) -> set[str]:
        """Return the commands that have written a file as it is now."""
        # A list from elsewhere may lead out of the folder, also through a link.
        if path.is_symlink() or folder.resolve() not in path.resolve().parents:
            return set()
        known = self._listed(folder).get(path.relative_to(folder).as_posix())
        return known.get(_digest(path), set()) if known and path.is_file() else set()

    def _listed(self, folder: Path) -> dict[str, dict[str, set[str]]]:
        """Return who has written the files in a folder, by their names and digests."""
        if folder not in self._lists:
            found: dict[str, dict[str, set[str]]] = {}
            self._lists[folder] = found
            for command, name, digest in _lines(folder / LIST):
                found.setdefault(name, {}).setdefault(digest, set()).add(command)
        return self._lists[folder]


def _lines(path: Path) -> Iterator[list[str]]:
    """Yield the lines of a list, without damaged ones."""
    if path.is_symlink() or not path.is_file():
        return
    with path.open(encoding='utf-8', errors='replace') as file:
        for line in file.read(_LONGEST).splitlines():
            with suppress(ValueError, RecursionError):
                row = json.loads(line)
                if isinstance(row, list) and [*map(type, row)] == [str] * 3:
                    yield row


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open('rb') as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


# Those of the run in this process; a run may start another one.
_current: list[Outputs] = []


@contextmanager
def written_by(outputs: Outputs) -> Iterator[None]:
    """Let rules hold for all files that are written in the block."""
    _current.append(outputs)
    try:
        yield
    finally:
        _current.pop()


def protect(path: Path) -> None:
    """Take a file for an input of the current run, which must not be overwritten."""
    for outputs in _current[-1:]:
        outputs.protect(path)


def claim(path: Path) -> None:
    """Check that the current run may write a file; see :meth:`Outputs.claim`."""
    for outputs in _current[-1:]:
        outputs.claim(path)


def record(path: Path, content: Path) -> None:
    """List a file that is about to get the content of another one.

    Raises:
        UnavailableError: If the list cannot be written.
    """
    for outputs in _current[-1:]:
        try:
            outputs.record(path, content)
        except OSError as error:
            raise UnavailableError(system_fault(error, path)) from error
