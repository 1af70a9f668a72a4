"""A package of somebody else's adds formats, an export, a step and a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.structures import Skeleton
from tests.tables import read_table
from tests.test_docs import python_block

POSES = """
import numpy as np
from mmskelseg_io.poses import Poses
from mmskelseg_io.poses.reading import POSE_FORMATS


@POSE_FORMATS.register('dots', {'.dots': None})
def read_dots(path, skeleton=None, unnamed=None):
    joints = np.loadtxt(path).reshape(1, -1, 17, 2)
    score = np.ones(joints.shape[:3], np.float32)
    return Poses(joints.astype(np.float32), score, 'coco17', (480, 640), 25.0)
"""
STEP = """
import numpy as np
from mmskelseg_runtime.decoding import STEPS


def all_the_same(label, score, action):
    return np.full_like(label, action)


STEPS['AllTheSame'] = (all_the_same, ('pred_label', 'pred_score'))
"""
COMMAND = '''"""Says that it runs."""


def main(argv, prog):
    print(prog, *argv)
'''
RUN = 'import sys; from mmskelseg_io.jobs import main; main(sys.argv[1:])'


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a program where the package is installed, as pip would leave it."""
    lib = tmp_path / 'lib'
    for name, text in {
        'dots.py': POSES,
        'audacity.py': python_block('extending.md', "'audacity', {")
        + python_block('extending.md', "'audacity', 'segments.lab'"),
        'steps.py': STEP,
        'words/__init__.py': '',
        'words/say.py': COMMAND,
    }.items():
        (lib / name).parent.mkdir(parents=True, exist_ok=True)
        (lib / name).write_text(text)
    info = lib / 'somebody_elses-1.0.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Name: somebody-elses\nVersion: 1.0\n')
    (info / 'entry_points.txt').write_text(
        '[mmskelseg.commands]\nown = words\n'
        '[mmskelseg.label_formats]\nown = audacity\n'
        '[mmskelseg.pose_formats]\nown = dots\n'
        '[mmskelseg.postprocessing]\nown = steps\n'
    )
    monkeypatch.chdir(tmp_path)

    def run(code, *words):
        env = {**os.environ, 'PYTHONPATH': str(lib)}
        command = [sys.executable, '-c', code, *map(str, words)]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def walk(tmp_path):
    """A file of poses and one of labels of the same recording, in its formats."""
    rng = np.random.default_rng(0)
    joints = len(Skeleton.get('coco17').joints)
    points = rng.normal(240, 40, (1, joints, 2)) + rng.normal(0, 2, (100, joints, 2))
    np.savetxt(tmp_path / 'a.dots', points.reshape(100, -1))
    (tmp_path / 'a.lab').write_text('0.0\t2.0\twalk\n2.0\t4.0\tlift\n')
    return 'a.dots', 'a.lab'


def test_its_formats_are_converted_segmented_and_compared(run, walk, tmp_path):
    poses, labels = walk
    run(RUN, 'convert', 'keypoints', poses, 'data', '--labels', labels)
    data = load_annotations('data/annotations.pkl')
    assert data['metainfo']['skeleton'] == 'coco17'
    # Of 100 frames, 70 to train: 50 walk, then lift.
    assert np.bincount(data['annotations'][0]['label']).tolist() == [20, 50]
    run(RUN, 'segment', poses, 'precog', '--out', 'out', '--formats', 'csv', 'audacity')
    rows = read_table(Path('out/segments.csv'))
    lines = Path('out/segments.lab').read_text().splitlines()
    assert [line.split('\t')[2] for line in lines] == [row['label'] for row in rows]
    Path('b.lab').write_text('0.0\t2.0\twalk\n2.0\t4.0\tlift\n')
    shown = run(RUN, 'agree', labels, 'b.lab')
    assert 'kappa' in shown.lower()


def test_the_studio_reads_its_formats(run, walk, tmp_path):
    Path('mine').mkdir()
    for name in walk:
        Path(name).rename(Path('mine', name))
    code = """
import json, sys
from pathlib import Path
from mmskelseg_studio.folder import open_folder

folder = open_folder(Path('mine'))
(labels,) = folder.labels.values()
print(json.dumps([[*folder.recordings], str(labels).count('walk')]))
"""
    assert json.loads(run(code)) == [['a'], 1]


def test_its_step_and_its_command_run(run):
    code = """
import numpy as np
from mmskelseg_runtime.decoding import run_step
prediction = {'pred_label': np.zeros(4, int), 'pred_score': np.ones((2, 4))}
print(run_step(prediction, {'type': 'AllTheSame', 'action': 1}).tolist())
"""
    assert json.loads(run(code)) == [1, 1, 1, 1]
    assert 'Says that it runs' in run(RUN, '--help')
    assert run(RUN, 'say', 'hello') == 'mmskelseg say hello\n'
