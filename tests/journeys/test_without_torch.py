"""A model goes to a machine without PyTorch, and labels recordings there."""

import os
import subprocess
import sys

import pytest

from tests.small_data import ROOT

# As on a machine where none of these is installed.
OTHER = """
import sys
for name in ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmaction'):
    sys.modules[name] = None
from mmskelseg.runtime.jobs import main
main()
"""


def run(*words):
    """Run a program in this folder, and return what it prints."""
    own = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words], env=own, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_exported_model_labels_where_there_is_no_pytorch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run('-m', 'mmskelseg', 'convert', 'precog', 'data', '--layout', 'body12')
    run('-m', 'mmskelseg', 'export', 'precog', 'mine.onnx')
    words = ['data/annotations.pkl', 'mine.onnx', '--split', 'test']
    there = run('-c', OTHER, 'segment', *words, '--formats', 'csv', '--out', 'there')
    assert 'back_fist' in there
    assert len([*(tmp_path / 'there').glob('*segments.csv')]) > 1
