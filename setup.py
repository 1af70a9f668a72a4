"""Packages `configs/` and `tools/` as `mmskelseg/.mim`, where MIM looks for them.

In a clone, the packages beside this one are installed with it, not those of an index.
Everything else about the package is stated in pyproject.toml.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.egg_info import egg_info

ROOT = Path(__file__).parent
PACKAGES = ROOT.resolve() / 'packages'


class BuildWithMim(build_py):
    """Copies what MIM needs into the built package, not into the source tree."""

    def run(self):
        super().run()
        if self.editable_mode:
            # MIM reads an editable install's configs through this link.
            link_mim(ROOT / 'mmskelseg' / '.mim')
        else:
            copy_mim(Path(self.build_lib) / 'mmskelseg' / '.mim')


class RequireThoseBeside(egg_info):
    """Requires the packages of a clone by their folders."""

    def finalize_options(self):
        super().finalize_options()
        dist = self.distribution
        if PACKAGES.is_dir() and 'sdist' not in dist.commands:
            required, extras = dist.install_requires, dist.extras_require
            dist.install_requires = [*map(beside, required)]
            dist.extras_require = {k: [*map(beside, v)] for k, v in extras.items()}
            dist.metadata.install_requires = dist.install_requires
            dist.metadata.extras_require = dist.extras_require


def beside(requirement):
    found = re.match(r'mmskelseg-(\w+)(\[.*\])?==', requirement)
    if not found:
        return requirement
    folder = PACKAGES / found[1]
    return f'mmskelseg-{found[1]}{found[2] or ""} @ {folder.as_uri()}'


def copy_mim(mim):
    for name in ('configs', 'tools'):
        shutil.copytree(
            ROOT / name,
            mim / name,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns('__pycache__'),
        )
    shutil.copy(ROOT / 'model-index.yml', mim)


def link_mim(mim):
    mim.mkdir(exist_ok=True)
    try:
        for name in ('configs', 'tools', 'model-index.yml'):
            link = mim / name
            if not link.is_symlink():
                link.symlink_to(Path('..', '..', name))
    except OSError:
        # Windows lets only administrators and developers make links.
        copy_mim(mim)


setup(cmdclass={'build_py': BuildWithMim, 'egg_info': RequireThoseBeside})
