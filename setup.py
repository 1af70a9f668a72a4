"""Packages `configs/` and `tools/` as `mmskelseg/.mim`, where MIM looks for them.

Everything else about the package is stated in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


class BuildWithMim(build_py):
    """Copies what MIM needs into the built package, not into the source tree."""

    def run(self):
        super().run()
        if self.editable_mode:
            # MIM reads an editable install's configs through this link.
            link_mim(ROOT / 'mmskelseg' / '.mim')
        else:
            copy_mim(Path(self.build_lib) / 'mmskelseg' / '.mim')


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


setup(cmdclass={'build_py': BuildWithMim})
