"""The first minutes with a clone: a model, its pictures and scores, and the tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmskelseg_io.files.annotations import load_annotations, save_annotations
from tests.small_data import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which('make'), reason='make is not installed'),
    pytest.mark.skipif(not (ROOT / '.git').exists(), reason='this is no clone'),
]
VENV = Path(sys.prefix)
# What takes minutes: the installation, which this Python has, and most of the training.
SHORTER = (
    f'VENV={VENV}',
    *('-o', f'{VENV}/.lite', '-o', f'{VENV}/.test', '-o', f'{VENV}/.browser'),
    'DEMO_OPTIONS=model.members=1 train_cfg.max_epochs=2',
    'PROCESSES=0',
)


def make(clone, *words):
    """Run make in a clone, and return what it prints."""
    # Not what a make that runs these tests tells its own.
    env = {name: value for name, value in os.environ.items() if 'MAKE' not in name}
    env |= {'PYTHONPATH': str(clone), 'MMSKELSEG_TEST_BROWSER': 'none'}
    done = subprocess.run(
        ['make', *SHORTER, *words], cwd=clone, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_clone_shows_a_model_and_passes_its_tests(tmp_path):
    clone = tmp_path / 'mmskelseg'
    subprocess.run(['git', 'clone', '-q', str(ROOT), str(clone)], check=True)
    readme = (clone / 'README.md').read_text()
    assert '`make demo`' in readme
    assert '`make test`' in readme

    # It learns from all and draws all test videos, of which a few will do here.
    make(clone, 'data/precog/annotations.pkl')
    data = load_annotations(clone / 'data/precog/annotations.pkl')
    data['split']['train'] = data['split']['train'][::4]
    data['split']['test'] = data['split']['test'][:2]
    save_annotations(data, clone / 'data/precog/annotations.pkl')

    # Its last lines say where to look.
    printed = make(clone, 'demo')
    places = dict(line.split(':') for line in printed.splitlines()[-5:-1])
    for place in places.values():
        assert (clone / place.strip()).exists()
    videos = clone / places['Skeletons with their labels'].strip()
    assert list(videos.glob('*overlay.mp4'))
    scores = json.loads((clone / places['Scores'].strip()).read_text())
    assert 10 < scores['seg/acc'] <= 100

    # Once trained, it is not trained again.
    assert 'tools/train.py' not in make(clone, '-n', 'demo')
    last = make(clone, 'test', 'TESTS=tests/test_evaluation/test_segments.py')
    assert ' passed in ' in last.splitlines()[-1]
