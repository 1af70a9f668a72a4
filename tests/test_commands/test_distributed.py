"""Training, testing and extraction by two processes on CPUs, and by one, compared."""

import json
import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from mmengine.fileio import load

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg_io.files.annotations import save_annotations
from tests.small_data import ROOT, small_annotations
from tests.tool_server import CAPTURED, run_python

# Each test starts two processes.
pytestmark = pytest.mark.slow

# All losses there are: of two branches, of their fusion, and of the risk, weighed. A
# step with a learning rate of 1 and no momentum is the gradient.
FUSION = """
_base_ = '{root}/configs/skelseg/toy_joint_limb.py'

dataset = dict(
    ann_file='data/annotations.pkl',
    features=dict(
        pose2d=dict(render=dict(type='SkeletonCoordinates', dims=2, flatten=True))
    ),
)
loader = dict(num_workers=0, persistent_workers=False, dataset=dataset)
train_dataloader = loader
val_dataloader = loader
test_dataloader = loader

small = dict(num_prediction_layers=3, num_refinement_layers=2, num_refinements=1)
model = dict(
    num_classes=3,
    branches=dict(
        heatmap=dict(channels=8, dropout=0.0, **small),
        pose2d=dict(
            type='MSTCNPlusPlus', in_channels=68, channels=8, dropout=0.0, **small
        ),
    ),
    fusion=dict(neck=dict(type='ConcatFusion')),
    auxiliary=[
        dict(type='RiskHead', reduced_channels=4, channels=4, num_layers=1),
        dict(type='UncertaintyWeighting', losses=['loss_risk']),
    ],
)
metrics = [
    dict(type='SegmentationMetric', num_classes=3),
    dict(type='RiskMetric'),
]
val_evaluator = dict(_delete_=True, **metrics[0])
test_evaluator = metrics
train_cfg = dict(max_epochs=1)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=1.0))

del dataset, loader, small, metrics
"""

# With batch norm and dropout.
GRAPH = """
_base_ = '{root}/configs/stl/uwiom_pose3d.py'

render = dict(type='SkeletonCoordinates', dims=2)
dataset = dict(
    ann_file='data/annotations.pkl',
    features=dict(_delete_=True, pose2d=dict(render=render)),
)
loader = dict(num_workers=0, persistent_workers=False, dataset=dataset)
train_dataloader = loader
val_dataloader = loader
test_dataloader = loader

model = dict(
    num_classes=3,
    branches=dict(
        _delete_=True,
        pose2d=dict(
            type='GCNTCN', in_channels=4, skeleton='coco17', graph_channels=(8, 8),
            stem_channels=32, channels=8, out_channels=8,
        ),
    ),
    auxiliary=[dict(type='RiskHead', reduced_channels=4, channels=4, num_layers=1)],
)
val_evaluator = [
    dict(type='SegmentationMetric', num_classes=3),
    dict(type='RiskMetric'),
]
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=2, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))

del dataset, loader, render
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with configs and annotations: two training videos and three others."""
    data = small_annotations((60, 45, 50, 30, 41))
    for i, video in enumerate(data['annotations']):
        video['risk'] = np.sin(np.arange(video['total_frames']) / (9 + i))
    data['annotations'][0]['label'][20:37] = -1
    names = [video['frame_dir'] for video in data['annotations']]
    data['split'] = {'train': names[:2], 'test': names[2:]}
    save_annotations(data, tmp_path / 'data' / 'annotations.pkl')
    for name, text in (('fusion', FUSION), ('graph', GRAPH)):
        (tmp_path / f'{name}.py').write_text(text.format(root=ROOT))
    return tmp_path


@pytest.fixture
def run_two(folder):
    """Run a tool by two processes, which are told their places as by a launcher."""

    def run(tool, *args, launcher='pytorch', code=0):
        command = [str(ROOT / tool), *map(str, args), '--launcher', launcher]
        env = {**os.environ, 'MASTER_PORT': str(free_port())}
        env |= {'WORLD_SIZE': '2', 'SLURM_NTASKS': '2', 'MASTER_ADDR': '127.0.0.1'}
        names = ('RANK', 'LOCAL_RANK', 'SLURM_PROCID', 'SLURM_LOCALID')
        places = [env | dict.fromkeys(names, rank) for rank in '01']
        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run_python, command, folder, e, 300) for e in places]
        for done in (each.result() for each in runs):
            assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def free_port():
    """Return a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def weights(path):
    return load_checkpoint(path)['state_dict']


@pytest.mark.usefixtures('quick_runs')
def test_step_of_two_processes_is_that_of_one_with_the_same_videos(
    folder, run_tool, run_two
):
    """By torchrun and by Slurm: one video each, of different lengths, to 1e-6."""
    start = ('--cfg-options', 'optim_wrapper.optimizer.lr=0')
    run_tool('tools/train.py', 'fusion.py', '--work-dir', 'start', *start)
    both = ('--cfg-options', 'train_dataloader.batch_size=2')
    run_tool('tools/train.py', 'fusion.py', '--work-dir', 'one', *both)
    script = ROOT / 'tools' / 'dist_train.sh'
    done = subprocess.run(
        ['bash', str(script), 'fusion.py', '2', '--work-dir', 'two'],
        cwd=folder,
        env={**os.environ, 'PYTHON': sys.executable, 'PORT': str(free_port())},
        timeout=300,
        **CAPTURED,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'There is no GPU: 2 processes run on CPUs' in done.stdout + done.stderr
    train = ('tools/train.py', 'fusion.py', '--work-dir', 'slurm')
    run_two(*train, launcher='slurm')
    before, one, two, slurm = (
        weights(folder / name / 'epoch_1.pth')
        for name in ('start', 'one', 'two', 'slurm')
    )
    for name, expected in one.items():
        assert not torch.equal(expected, before[name]), f'{name}: no gradient'
        torch.testing.assert_close(two[name], expected, rtol=0, atol=1e-6)
        torch.testing.assert_close(slurm[name], two[name], rtol=0, atol=0)


def test_two_processes_make_the_features_of_one(folder, run_tool, run_two):
    """The files are equal, though each process makes a part of them."""
    run_tool('tools/extract_features.py', 'fusion.py')
    shutil.move(folder / 'data' / 'features', folder / 'one')
    run_two('tools/extract_features.py', 'fusion.py')
    made, expected = (
        {file.relative_to(root): file.read_bytes() for file in root.glob('*/*')}
        for root in (folder / 'data' / 'features', folder / 'one')
    )
    # Of two modalities: five videos and the settings.
    assert len(expected) == 2 * (5 + 1)
    assert made == expected


def test_two_processes_score_three_videos_as_one_does(folder, run_tool, run_two):
    """Each video is counted once, with its picture and its prediction."""
    run_tool('tools/train.py', 'fusion.py', '--work-dir', 'trained')
    checkpoint = 'trained/epoch_1.pth'
    flags = ('--dump', 'one.pkl', '--work-dir', 'one')
    run_tool('tools/test.py', 'fusion.py', checkpoint, *flags)
    flags = ('--dump', 'two.pkl', '--work-dir', 'two')
    run_two('tools/test.py', 'fusion.py', checkpoint, *flags)
    one, two = (
        json.loads((folder / name / 'metrics.json').read_text())
        for name in ('one', 'two')
    )
    assert list(one['per_video']) == ['video_2', 'video_3', 'video_4']
    assert one['risk/mse'] > 0
    assert two == one
    one, two = (load(folder / name) for name in ('one.pkl', 'two.pkl'))
    for a, b in zip(one, two, strict=True):
        assert a['frame_dir'] == b['frame_dir']
        assert torch.equal(a['pred_score'], b['pred_score'])
        assert torch.equal(a['pred_risk'], b['pred_risk'])
    for name in ('one', 'two'):
        drawn = sorted(file.name for file in (folder / name / 'timelines').iterdir())
        assert drawn == ['video_2.png', 'video_3.png', 'video_4.png']
        assert (folder / name / 'confusion_matrix.png').is_file()


def test_training_by_two_processes_resumes_and_saves_what_it_scores(
    folder, run_tool, run_two
):
    """With dropout, and with batch norms that differ between processes."""
    run_two('tools/train.py', 'graph.py', '--work-dir', 'through')
    shutil.copytree(folder / 'through', folder / 'stopped')
    (folder / 'stopped' / 'epoch_2.pth').unlink()
    (folder / 'stopped' / 'last_checkpoint').write_text('stopped/epoch_1.pth')
    run_two('tools/train.py', 'graph.py', '--work-dir', 'stopped', '--resume')
    expected, resumed, before = (
        weights(folder / file)
        for file in (
            'through/epoch_2.pth',
            'stopped/epoch_2.pth',
            'through/epoch_1.pth',
        )
    )
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
    assert not any(
        torch.equal(expected[name], before[name])
        for name in expected
        if 'running' in name
    )
    trained = json.loads((folder / 'through' / 'metrics.json').read_text())
    run_tool('tools/test.py', 'graph.py', 'through/epoch_2.pth', '--work-dir', 'test')
    tested = json.loads((folder / 'test' / 'metrics.json').read_text())
    assert trained['risk/mse'] == tested['risk/mse'] > 0
    assert trained['per_video'] == tested['per_video']


def test_error_of_a_process_ends_it(run_two):
    """No process waits forever for the others."""
    options = ('--cfg-options', 'model.num_classes=4')
    done = run_two('tools/train.py', 'graph.py', *options, code=1)
    assert 'has 3 classes, but model.num_classes is 4' in done.stderr
