"""A model goes to a machine without PyTorch, and labels recordings there."""

import json
import os
import subprocess
import sys

import pytest

from tests.clips import write_video
from tests.small_data import PATH

# As on a machine where none of these is installed.
OTHER = """
import sys
for name in ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmaction'):
    sys.modules[name] = None
from mmskelseg_io.jobs import main
main()
"""


def run_there(*words):
    """Run a command there, in this folder, and return what it prints."""
    own = {**os.environ, 'PYTHONPATH': PATH}
    command = [sys.executable, '-c', OTHER, *words]
    done = subprocess.run(command, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures('networks')
def test_exported_model_labels_where_there_is_no_pytorch(
    run_tool, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run_tool('mmskelseg', 'convert', 'precog', 'data', '--layout', 'body12')
    run_tool('mmskelseg', 'export', 'precog', 'mine.onnx')
    words = ['data/annotations.pkl', 'mine.onnx', '--split', 'test']
    said = run_there('segment', *words, '--formats', 'csv', '--out', 'there')
    assert 'back_fist' in said
    assert len([*(tmp_path / 'there').glob('*segments.csv')]) > 1

    # What a camera sees is labelled as it happens, here what it has recorded.
    run_tool('mmskelseg', 'export', 'precog', 'live.onnx', '--streaming')
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    write_video('seen.mp4', [60, 200] * 30, 10, (128, 128))
    said = run_there('live', 'seen.mp4', 'live.onnx', '--events', '--every-frame')
    events = [json.loads(line) for line in said.splitlines() if line[:1] == '{']
    assert [one['event'] for one in events] == ['begin', 'end'] * (len(events) // 2)
    assert events[-1]['end'] == pytest.approx(6, abs=0.1)
