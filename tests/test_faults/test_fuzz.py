"""A small share of what `make fuzz` tries."""

import os
import re
import subprocess
import sys

import pytest

from tests.small_data import PATH, ROOT


def test_programs_and_changed_files_end_in_a_value_or_a_clear_error(tmp_path):
    """In a new process, since one with threads must not be forked."""
    pytest.importorskip('h5py', reason='h5py is not installed')
    words = ['--programs', '150', '--mutations', '20', '--findings', tmp_path]
    run = subprocess.run(
        [sys.executable, '-m', 'tests.test_faults.fuzz', *words],
        cwd=ROOT,
        env={**os.environ, 'PYTHONPATH': PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    counts = dict(re.findall(r'^(\S+) +(\d+) inputs', run.stdout, re.MULTILINE))
    total = counts.pop('all')
    assert total == str(sum(map(int, counts.values())))
    assert {k for k, n in counts.items() if n == '150'} == {
        'program-annotations', 'program-dump', 'program-zip', 'program-legacy',
    }  # fmt: skip
    assert {k for k, n in counts.items() if n == '20'} == {
        'annotations', 'dump', 'checkpoint', 'mmengine', 'reference', 'onnx', 'hdf5',
        'safetensors',
    }  # fmt: skip
