"""What pytest does with all tests and doctests."""

import gc
from importlib import metadata
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from traceback import walk_tb

import pytest
from packaging.requirements import Requirement

# Imports and collected tests stay: looking for garbage there takes a third of the time.
gc.disable()
pytest_plugins = ['tests.base_fixtures']
# A package below the plugin is also tested alone, where PyTorch is not installed.
if find_spec('mmskelseg') is not None:
    pytest_plugins += ['tests.browser', 'tests.fixtures']


def _is_ours(one: metadata.Distribution) -> bool:
    return one.name.partition('-')[0] == 'mmskelseg'


def _optional() -> set[str]:
    """Return the packages that only extras require."""
    lines = (one.requires or () for one in metadata.distributions() if _is_ours(one))
    found = [Requirement(line) for line in chain.from_iterable(lines)]
    needed = {one.name for one in found if not one.marker}
    return {one.name for one in found if one.marker} - needed


def _missing_extra(error: BaseException | None, path: Path) -> str:
    """Return the optional package that a module itself imports in vain, or ''."""
    while error and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__
    if not error or error.name not in _optional():
        return ''
    *_, (frame, _) = walk_tb(error.__traceback__)
    return error.name if Path(frame.f_code.co_filename) == path else ''


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Skip a module, or its doctests, if it needs an extra that is not installed."""
    report = yield
    if report.failed:
        name = _missing_extra(report.call.excinfo.value, collector.path)
        if name:
            report.outcome = 'skipped'
            report.longrepr = str(collector.path), 0, f'{name} is not installed'
    return report


def pytest_collection_finish():
    """Look for garbage from now on, and only in what tests make."""
    gc.freeze()
    gc.enable()
