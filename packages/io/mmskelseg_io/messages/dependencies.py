"""Required packages, and checks of the installed versions."""

import re
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from mmskelseg_io.messages.errors import UnavailableError


class DependencyError(UnavailableError):
    """A package is missing or its version is unsuitable.

    This is not an ImportError, because MMEngine swallows those while it looks for the
    parts that a config names, and then reports that the parts do not exist.
    """


def is_installed(package: str) -> bool:
    """Return whether a package is installed, and not just a folder on the path."""
    return package in metadata.packages_distributions()


@dataclass(frozen=True)
class Dependency:
    """A package and its supported versions.

    Args:
        name: Name of the distribution, for ``pip install``.
        at_least: The first supported version.
        below: The first version that is no longer supported.
        module: Name of the module, if it differs.
        others: Distributions of the same module that take precedence over ``name``.
        label: Name in messages when none of them is installed.
    """

    name: str
    at_least: str
    below: str = ''
    module: str = ''
    others: tuple[str, ...] = ()
    label: str = ''

    @property
    def needed(self) -> str:
        """The supported versions, such as ``>=2.0.0,<2.2.0``."""
        return f'>={self.at_least}' + (f',<{self.below}' if self.below else '')

    def found(self) -> tuple[str, str]:
        """Return the name and version of the installed distribution.

        The version of a source checkout is read from its version file. Both are empty
        if the package is missing.
        """
        for name in (*self.others, self.name):
            try:
                return name, metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return (self.name, version) if (version := self._source_version()) else ('', '')

    def _source_version(self) -> str:
        spec = find_spec(self.module or self.name)
        for folder in (spec and spec.submodule_search_locations) or ():
            file = Path(folder, 'version.py')
            text = file.read_text('utf-8') if file.is_file() else ''
            if match := re.search(r"""__version__ = ['"]([^'"]+)""", text):
                return match[1]
        return ''

    def problem(self) -> str:
        """Return the problem and the command that fixes it; empty if there is none."""
        name, version = self.found()
        install = f'pip install "{self.name}{self.needed}"'
        if not version:
            return (
                f'{self.label or self.name} is not installed, but mmskelseg needs '
                f'{self.needed}: run `{install}`.'
            )
        if self._suits(version):
            return ''
        if name != self.name:
            install = f'pip uninstall -y {name} && {install}'
        return (
            f'{name} {version} is installed, but mmskelseg needs {self.needed}: run '
            f'`{install}`.'
        )

    def _suits(self, version: str) -> bool:
        try:
            from packaging.specifiers import SpecifierSet
            from packaging.version import Version
        except ModuleNotFoundError:
            return True  # Its absence is reported separately.
        # A nightly build of 2.4 counts as 2.4.
        return Version(version).base_version in SpecifierSet(self.needed)


def import_optional(module: str, purpose: str) -> ModuleType:
    """Import an optional package; ``purpose`` is what needs it, for the message.

    Raises:
        DependencyError: If it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition('.')[0]:
            raise
        raise DependencyError(
            f'{purpose} needs {error.name}, which is not installed; run pip install '
            f'{error.name}.'
        ) from None
