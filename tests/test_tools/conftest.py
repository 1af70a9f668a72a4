"""Fixtures of the tools' tests."""

import os
import runpy
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from mmskelseg.engine import run_folder
from tests.small_data import ROOT
from tests.tool_server import IS_POSSIBLE, run_forked


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


@pytest.fixture
def quick_runs(monkeypatch):
    """Fork the trainings and tests of a cross-validation that ``call_tool`` calls."""

    def call(command, log, lock):
        tool, *words = command[command.index('mmskelseg') + 1 :]
        script = str(ROOT / 'tools' / f'{tool}.py')
        environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
        done = run_forked([script, *map(str, words)], Path.cwd(), environment, 300)
        with log.open('a') as file:
            file.write(done.stdout + done.stderr)
        return f'exit status {done.returncode}' if done.returncode else ''

    if IS_POSSIBLE:
        monkeypatch.setattr(run_folder, '_call', call)
