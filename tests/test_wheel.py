"""The wheel, installed without a clone: every step of a user's work by `mmskelseg`."""

import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests import test_install
from tests.tables import read_table

source, wheel = test_install.source, test_install.wheel
wheels = test_install.wheels
CONFIG = 'skelseg/toy_joint_limb'
QUICK = '--cfg-options train_cfg.max_epochs=1 model.branches.heatmap.channels=8'
# Commands one after another, which import PyTorch once.
STEPS = """
import sys
from mmskelseg_io.jobs import main

for line in sys.argv[1:]:
    try:
        main(line.split())
    except SystemExit as end:
        assert not end.code, f'{line}: {end.code}'
"""


@pytest.fixture(scope='module')
def python(wheels, tmp_path_factory):
    """The Python of an environment of the wheels, and of the dependencies of ours."""
    folder = tmp_path_factory.mktemp('wheel')
    venv.create(folder / 'venv', with_pip=False)
    python = folder / 'venv' / ('Scripts' if os.name == 'nt' else 'bin') / 'python'
    pip = [sys.executable, '-m', 'pip', '--python', str(python), '--quiet']
    install = ['install', '--no-deps', '--no-index', *map(str, wheels.values())]
    subprocess.run([*pip, *install], check=True)
    # Only now, since pip would take an mmskelseg of ours for installed. Editable
    # installs do not come along: .pth files of these folders are not read.
    packages = Path(run(python, '-c', 'import site; print(site.getsitepackages()[0])'))
    others = '\n'.join(site.getsitepackages())
    (packages / 'dependencies.pth').write_text(f'{others}\n')
    # What stands in for distutils, which MMEngine imports, from Python 3.12 on.
    for folder in site.getsitepackages():
        for hook in Path(folder).glob('distutils-precedence.pth'):
            (packages / hook.name).write_text(hook.read_text())
    return python


def run(program, *args, cwd=None):
    """Return what a program prints, without what tells it of this repository."""
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(
        [str(program), *map(str, args)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_wheel_is_all_that_a_user_needs(python, tmp_path):
    """From the toy data to segments, in an empty folder."""
    where = run(
        python, '-c', 'import mmskelseg; print(mmskelseg.__file__)', cwd=tmp_path
    )
    package = Path(where).parent
    assert python.parents[1] in package.parents

    toy, trained = 'data/toy/annotations.pkl', 'work_dirs/toy_joint_limb/epoch_1.pth'
    shown = run(
        *(python, '-c', STEPS),
        'convert toy data/toy --videos 3 --seconds 3 --no-videos',
        f'browse {toy} --no-pictures',
        f'features {CONFIG}',
        f'train {CONFIG} {QUICK}',
        f'test {CONFIG} {trained} {QUICK}',
        f'segment {toy} {CONFIG} {trained} --split test --formats csv timeline '
        f'--out out {QUICK}',
        f'make-config {toy} mine.py',
        'train mine.py --cfg-options train_cfg.max_epochs=1',
        f'cross-validate {CONFIG} --folds fold1 --work-dir folds {QUICK}',
        cwd=tmp_path,
    )
    assert 'Acc' in shown
    for name in ('toy_joint_limb', 'mine'):
        assert (tmp_path / 'work_dirs' / name / 'metrics.json').is_file()
    assert 'Acc' in (tmp_path / 'folds/cross_validation.md').read_text()
    assert read_table(tmp_path / 'out/segments.csv')
    command, tools = python.with_name('mmskelseg'), package / '.mim' / 'tools'
    assert 'To fix' not in run(command, 'doctor', cwd=tmp_path)
    assert run(python, tools / 'train.py', '--help', cwd=tmp_path).startswith('usage: ')
