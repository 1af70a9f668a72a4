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


TORCHRUN = ['python', '-m', 'torch.distributed.run']
SRUN = ['srun', '--partition=part', '--job-name=job']


@pytest.mark.parametrize(('script', 'args', 'env', 'start', 'named', 'end'), [
    # Flags of the training come after the number of GPUs.
    ('dist_train.sh', 'c.py 4 --amp', {'PORT': '1234'}, TORCHRUN,
     '--nproc_per_node=4 --master_port=1234', 'train.py c.py --launcher pytorch --amp'),
    # One checkpoint comes before the number of GPUs, others of an ensemble after.
    ('dist_test.sh', 'c.py c.pth 3 d.pth --dump p.pkl', {}, TORCHRUN,
     '--nproc_per_node=3',
     'test.py c.py c.pth d.pth --dump p.pkl --launcher pytorch'),
    # Fewer GPUs than a node has are tasks of one node.
    ('slurm_train.sh', 'part job c.py --seed 1',
     {'GPUS': '2', 'SRUN_ARGS': '--quiet --exclusive'}, SRUN,
     '--ntasks=2 --ntasks-per-node=2 --gres=gpu:8 --quiet --exclusive',
     'train.py c.py --launcher slurm --seed 1'),
    # More GPUs than a node has are tasks of several.
    ('slurm_test.sh', 'part job c.py c.pth --show-dir d',
     {'GPUS': '16', 'CPUS_PER_TASK': '2'}, SRUN,
     '--ntasks=16 --ntasks-per-node=8 --cpus-per-task=2',
     'test.py c.py c.pth --show-dir d --launcher slurm'),
])  # fmt: skip
def test_launch_script_starts_the_tool(launch, script, args, env, start, named, end):
    words = launch(script, *args.split(), **env).stdout.split('\n')[:-1]
    assert words[:3] == start
    assert {*named.split()} < {*words}
    tool, *rest = end.split()
    assert words[-1 - len(rest) :] == [str(ROOT / 'tools' / tool), *rest]


@pytest.mark.parametrize(
    'script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh']
)
def test_launch_script_without_arguments_says_how_it_is_called(launch, script):
    """The usage goes to standard error, with status 2."""
    done = launch(script)
    assert done.returncode == 2
    assert f'tools/{script} ' in done.stderr
    assert 'set -' not in done.stderr
