import importlib
from pathlib import Path

import pytest

from tests.small_data import ROOT


@pytest.fixture
def tool(monkeypatch, request):
    """The script of `benchmarks/studies` that a test module names as TOOL, imported."""
    monkeypatch.syspath_prepend(str(ROOT / 'benchmarks' / 'studies'))
    return importlib.import_module(Path(request.module.TOOL).stem)
