"""Builds mmskelseg-runtime: the folder ../mmskelseg/runtime, and what starts it."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGE = Path(__file__).resolve().parent.parent / 'mmskelseg'
FILES = ('__init__.py', '__main__.py', 'py.typed', 'version.py')


class CopyRuntime(build_py):
    """Copies only the runtime into the built package."""

    def run(self):
        target = Path(self.build_lib) / PACKAGE.name
        # It may be left from an earlier build.
        shutil.rmtree(target, ignore_errors=True)
        ignore = shutil.ignore_patterns('__pycache__')
        shutil.copytree(PACKAGE / 'runtime', target / 'runtime', ignore=ignore)
        for name in FILES:
            shutil.copy(PACKAGE / name, target)

    def get_source_files(self):
        # They are outside this folder.
        return []


if __name__ == '__main__':
    version = re.search(r"'(.+)'", (PACKAGE / 'version.py').read_text())[1]
    setup(
        version=version,
        packages=[PACKAGE.name],
        package_dir={PACKAGE.name: '../mmskelseg'},
        cmdclass={'build_py': CopyRuntime},
    )
