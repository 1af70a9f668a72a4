"""The launch scripts, with stand-ins for what they launch."""

import os
import subprocess

import pytest

from tests.small_data import ROOT


@pytest.fixture
def launch(tmp_path):
    """Run a script whose launchers only print their arguments."""
    for name in ('python', 'srun'):
        stand_in = tmp_path / name
        stand_in.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$@"\n')
        stand_in.chmod(0o755)

    def run(script, *args, **env):
        path = f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'
        return subprocess.run(
            ['bash', str(ROOT / 'tools' / script), *args],
            env={**os.environ, 'PATH': path, **env},
            capture_output=True,
            text=True,
        )

    return run


def test_dist_train_starts_a_process_a_gpu(launch):
    """Flags of the training come after the number of GPUs."""
    words = launch('dist_train.sh', 'c.py', '4', '--amp', PORT='1234').stdout.split(
        '\n'
    )
    assert words[:3] == ['python', '-m', 'torch.distributed.run']
    assert '--nproc_per_node=4' in words
    assert '--master_port=1234' in words
    script = words.index(str(ROOT / 'tools' / 'train.py'))
    assert words[script + 1 : -1] == ['c.py', '--launcher', 'pytorch', '--amp']


def test_slurm_train_asks_for_the_gpus(launch):
    """Fewer GPUs than a node has are tasks of one node."""
    done = launch(
        'slurm_train.sh', 'part', 'job', 'c.py', '--seed', '1',
        GPUS='2', SRUN_ARGS='--quiet --exclusive',
    )  # fmt: skip
    words = done.stdout.split('\n')
    assert words[:3] == ['srun', '--partition=part', '--job-name=job']
    assert {'--ntasks=2', '--ntasks-per-node=2', '--gres=gpu:8'} < set(words)
    assert {'--quiet', '--exclusive'} < set(words)
    assert words[-6:-1] == ['c.py', '--launcher', 'slurm', '--seed', '1']


def test_dist_test_starts_a_process_a_gpu(launch):
    """One checkpoint comes before the number of GPUs, others of an ensemble after."""
    done = launch('dist_test.sh', 'c.py', 'c.pth', '3', 'd.pth', '--dump', 'p.pkl')
    words = done.stdout.split('\n')
    assert words[:3] == ['python', '-m', 'torch.distributed.run']
    assert '--nproc_per_node=3' in words
    script = words.index(str(ROOT / 'tools' / 'test.py'))
    assert words[script + 1 : -1] == [
        'c.py', 'c.pth', 'd.pth', '--dump', 'p.pkl', '--launcher', 'pytorch',
    ]  # fmt: skip


def test_slurm_test_asks_for_the_gpus(launch):
    """More GPUs than a node has are tasks of several."""
    done = launch(
        'slurm_test.sh', 'part', 'job', 'c.py', 'c.pth', '--show-dir', 'd',
        GPUS='16', CPUS_PER_TASK='2',
    )  # fmt: skip
    words = done.stdout.split('\n')
    assert words[:3] == ['srun', '--partition=part', '--job-name=job']
    assert {'--ntasks=16', '--ntasks-per-node=8', '--cpus-per-task=2'} < set(words)
    script = words.index(str(ROOT / 'tools' / 'test.py'))
    assert words[script + 1 : -1] == [
        'c.py', 'c.pth', '--show-dir', 'd', '--launcher', 'slurm',
    ]  # fmt: skip


@pytest.mark.parametrize(
    'script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh']
)
def test_launch_script_without_arguments_says_how_it_is_called(launch, script):
    """The usage goes to standard error, with status 2."""
    done = launch(script)
    assert done.returncode == 2
    assert f'tools/{script} ' in done.stderr
    assert 'set -' not in done.stderr
