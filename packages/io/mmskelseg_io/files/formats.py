"""Formats of files: readers register themselves, files are recognised by content."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Generic, TypeAlias, TypeVar, cast

from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.outputs import protect
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.errors import UserError, misfit, reading, reads_file

Result = TypeVar('Result')
Read = TypeVar('Read', bound=Callable[..., Any])
#: Returns whether a hint belongs to a format.
IsOwn: TypeAlias = Callable[[Any], bool]
#: Stands for folders among the suffixes.
FOLDER = '/'


class Formats(Generic[Result]):
    """The readers of one kind of file, by the names of their formats.

    Args:
        kind: What the files hold, in a word.
        flag: The command-line option that names a format.
        hints: For each suffix that several formats share, a function that returns hints
            from the file. The first hint that belongs to a format decides.
        table: The columns of a table that anybody can write.
    """

    def __init__(
        self,
        kind: str,
        flag: str,
        hints: Mapping[str, Callable[[Path], Sequence[object]]],
        table: str = '',
    ) -> None:
        self.kind = kind
        self.flag = flag
        self.hints = hints
        self.table = table
        self.readers: dict[str, Callable[..., Result]] = {}
        self.suffixes: dict[str, dict[str, IsOwn | None]] = {}
        self.refused: dict[str, str] = {}
        self.endings: list[str] = []

    @property
    def file_suffixes(self) -> list[str]:
        """The suffixes of files, without that of folders."""
        return [suffix for suffix in self.suffixes if suffix != FOLDER]

    def register(
        self,
        name: str,
        suffixes: Mapping[str, IsOwn | None],
        refused: Mapping[str, str] | None = None,
        ending: str = '',
    ) -> Callable[[Read], Read]:
        """Return a decorator that adds the reader of a format.

        Args:
            name: The format.
            suffixes: The suffixes of its files, in lower case, each with a check of
                hints; None takes the files that no other format recognises.
            refused: What the tool's other files are and what to do, by their suffixes.
            ending: A pattern of what the tool appends to the name of a video.
        """

        def add(read: Read) -> Read:
            self.readers[name] = reads_file(read)
            self.refused.update(refused or {})
            if ending:
                self.endings.append(ending)
            for suffix, is_own in suffixes.items():
                self.suffixes.setdefault(suffix, {})[name] = is_own
            return cast(Read, self.readers[name])

        return add

    def recognise(self, path: FilePath) -> str:
        """Return the format of a file or folder, from its suffix and its content.

        Raises:
            MissingFileError: If it does not exist.
            UserError: If it has none of the formats.
        """
        suffix = suffix_of(path)
        if os.path.isdir(path):
            suffix = FOLDER
        else:
            regular_file(path)
        if suffix in self.refused:
            raise UserError(f'{path}: {self.refused[suffix]}.')
        formats = self.suffixes.get(suffix, {})
        if suffix in self.hints:
            with reading(path):
                for hint in self.hints[suffix](Path(path)):
                    for name, is_own in formats.items():
                        if is_own is not None and is_own(hint):
                            return name
        for name, is_own in formats.items():
            if is_own is None:
                return name
        known = ', '.join(self.readers)
        other = f', or make a table (.csv) of it: {self.table}' if self.table else ''
        raise UserError(
            f'{path}: not in a known format of {self.kind} ({known}); if it is in one '
            f'of them, name that by {self.flag}{other}.'
        )

    def reader(self, path: FilePath, format: str) -> Callable[..., Result]:
        """Return the reader of a format for a file, which is an input from now on."""
        if format not in self.readers:
            expected = f'one of {", ".join(self.readers)}'
            raise misfit(path, f'the format of {self.kind}', format, expected)
        protect(Path(path))
        return self.readers[format]


def options_of(read: Callable[..., object]) -> list[str]:
    """Return the names of a reader's options."""
    return list(signature(read).parameters)[1:]


def suffix_of(path: FilePath) -> str:
    """Return the suffix of a file in lower case, with the one before ``.gz``.

    >>> suffix_of('a.v2.EAF'), suffix_of('old.boris.gz')
    ('.eaf', '.boris.gz')
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return ''.join(suffixes[-2:] if suffixes[-1:] == ['.gz'] else suffixes[-1:])


def import_modules(package: str, folder: Sequence[str]) -> None:
    """Import the modules of a package, so that their readers register themselves."""
    for module in iter_modules(folder):
        if not module.ispkg:
            import_module(f'{package}.{module.name}')
