"""Fixtures of the tools' tests."""

import runpy
import sys
from subprocess import CompletedProcess

import pytest

from tests.small_data import ROOT


@pytest.fixture
def call_tool(monkeypatch, capsys):
    """Run a tool in this process, many times faster; return it as if it were its own.

    One test of each tool should still use ``run_tool``.
    """

    def call(tool, *args, code=0):
        path = ROOT / tool
        monkeypatch.syspath_prepend(str(path.parent))
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        ended, message = 0, ''
        try:
            runpy.run_path(str(path), run_name='__main__')
        except SystemExit as end:
            ended = 1 if isinstance(end.code, str) else end.code
            message = f'{end.code}\n' if isinstance(end.code, str) else ''
        shown = capsys.readouterr()
        done = CompletedProcess(sys.argv, ended, shown.out, shown.err + message)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call
