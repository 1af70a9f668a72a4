"""A package of somebody else's, as pip would leave it."""

import sys
from importlib.metadata import EntryPoints

import pytest

from mmskelseg_io import entry_points

CACHED = (entry_points.installed, entry_points.entry_points, entry_points.commands)


def forget():
    """Look for entry points again."""
    for cached in CACHED:
        cached.cache_clear()


@pytest.fixture
def alone(monkeypatch):
    """Let no package be installed that has what this one may need of others."""
    monkeypatch.setattr(entry_points, 'all_entry_points', lambda: EntryPoints(()))
    forget()
    yield
    monkeypatch.undo()
    forget()


def install(monkeypatch, folder, modules, points):
    """Put modules with entry points on the path; ``points`` are groups with values."""
    for name, text in modules.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, 'utf-8')
        # The test's, if another one of that name was imported.
        dotted = '.'.join(path.relative_to(folder).with_suffix('').parts)
        monkeypatch.delitem(sys.modules, dotted, raising=False)
    info = folder / 'somebody_elses-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text(
        'Metadata-Version: 2.1\nName: somebody-elses\nVersion: 1.0\n'
    )
    lines = (f'[mmskelseg.{group}]\nown = {value}\n' for group, value in points.items())
    (info / 'entry_points.txt').write_text(''.join(lines))
    monkeypatch.syspath_prepend(str(folder))
    forget()
