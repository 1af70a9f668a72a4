"""Training, testing and resuming as a user does, on a small annotation file."""

import json

import pytest
import torch
from mmengine.fileio import load

from mmskelseg.checkpoints.reading import load_checkpoint
from tests.errors import assert_names
from tests.small_data import TOY

# Nearly every test here starts a tool, which together take minutes.
pytestmark = pytest.mark.slow


@pytest.fixture
def options(small_options):
    """The toy config on the small data, with a small model, for four epochs."""
    return [
        *small_options,
        'train_cfg.max_epochs=4',
        'train_cfg.val_interval=4',
        'default_hooks.checkpoint.interval=1',
        'default_hooks.checkpoint.max_keep_ckpts=-1',
    ]


def train(run_tool, options, *flags, **kwargs):
    return run_tool('tools/train.py', TOY, *flags, '--cfg-options', *options, **kwargs)


def weights(path):
    return load_checkpoint(path)['state_dict']


def test_train_then_test_on_small_data(run_tool, tmp_path, options):
    done = train(run_tool, options, '--seed', 5)
    # The terminal has the lines of the epochs, and the log file all of MMEngine's.
    lines = [line for line in done.stdout.splitlines() if line.startswith('Epoch ')]
    assert len(lines) == 4
    assert 'left' in lines[0]
    assert 'F1@10' in lines[3]
    assert 'optim_wrapper' not in done.stdout
    work_dir = tmp_path / 'work_dirs' / 'toy_joint_limb'
    assert (work_dir / 'last_checkpoint').read_text().endswith('epoch_4.pth')
    done = run_tool(
        'tools/test.py', TOY, work_dir / 'epoch_4.pth', '--dump', 'predictions.pkl',
        '--cfg-options', *options,
    )  # fmt: skip
    assert 'class_2' in done.stdout
    assert 'optim_wrapper' not in done.stdout
    for log in work_dir.glob('*/*.log'):
        assert 'optim_wrapper' in log.read_text()
    metrics = json.loads((work_dir / 'metrics.json').read_text())
    assert 0 <= metrics['seg/acc'] <= 100
    assert list(metrics['per_video']) == ['video_2']
    assert metrics['seed'] == 5
    assert list(metrics['per_class']) == ['class_0', 'class_1', 'class_2']
    assert (work_dir / 'confusion_matrix.png').stat().st_size > 1000
    assert (work_dir / 'timelines' / 'video_2.png').stat().st_size > 1000
    assert any(work_dir.rglob('events.out.tfevents*'))
    (prediction,) = load(tmp_path / 'predictions.pkl')
    assert prediction['pred_score'].shape == (3, 50)
    accuracy = (prediction['pred_label'] == prediction['gt_label']).float().mean()
    assert metrics['seg/acc'] == pytest.approx(100 * accuracy.item())
    assert metrics['checkpoint'] == str(work_dir / 'epoch_4.pth')
    assert 'members' not in metrics


def test_resume_without_a_checkpoint_says_that_it_begins_anew(
    run_tool, tmp_path, options
):
    work_dir = tmp_path / 'killed'
    work_dir.mkdir()
    (work_dir / 'last_checkpoint').touch()
    options = [*options, 'train_cfg.max_epochs=1']
    done = train(run_tool, options, '--work-dir', work_dir, '--resume')
    said = done.stdout + done.stderr
    assert f'--resume: {work_dir} has no checkpoint' in said
    assert 'continued after' not in said
    assert (work_dir / 'epoch_1.pth').is_file()


def test_train_runs_under_mmaction2s_own_script(run_tool, tmp_path, options):
    import mmaction

    script = f'{mmaction.__path__[0]}/.mim/tools/train.py'
    run_tool(script, TOY, '--cfg-options', *options)
    assert (tmp_path / 'work_dirs' / 'toy_joint_limb' / 'epoch_4.pth').exists()


def test_extract_features_ahead_of_training(run_tool, small_data, options):
    run_tool('tools/extract_features.py', TOY, '--cfg-options', *options)
    files = sorted(small_data.parent.glob('features/*/*.npy'))
    assert len(files) == 3
    times = [file.stat().st_mtime_ns for file in files]
    done = train(run_tool, options)
    assert 'Making heatmap features' not in done.stdout + done.stderr
    assert [file.stat().st_mtime_ns for file in files] == times


def test_train_says_how_to_make_missing_data(call_tool):
    error = call_tool('tools/train.py', TOY, code=1).stderr
    assert 'error: data/toy/annotations.pkl: there is no such folder' in error
    assert 'mmskelseg convert toy data/toy' in error
    error = call_tool('tools/train.py', 'no.py', code=1).stderr
    assert error.endswith('error: no.py: there is no such config.\n')


@pytest.mark.parametrize(
    ('option', 'name'),
    [
        ('model.num_classes=4', 'model.num_classes is 4'),
        ('val_evaluator.num_classes=4', 'num_classes of SegmentationMetric is 4'),
    ],
)
def test_train_refuses_another_number_of_classes(
    run_tool, tmp_path, options, option, name
):
    error = train(run_tool, [*options, option], code=1).stderr.strip().splitlines()[-1]
    assert error.endswith(f'has 3 classes, but {name}; set it to 3.')
    assert not list(tmp_path.rglob('epoch_*.pth'))


def test_test_refuses_a_checkpoint_of_another_model(run_tool, tmp_path, options):
    """MMEngine would continue with random weights, and score them."""
    torch.save({'state_dict': {'foo': torch.zeros(1)}}, tmp_path / 'other.pth')
    done = run_tool(
        'tools/test.py', TOY, 'other.pth', '--cfg-options', *options, code=1
    )
    error = done.stderr.strip().splitlines()[-1]
    assert_names(error, 'error: other.pth: ', '(foo)')
    assert not list(tmp_path.rglob('metrics.json'))


def test_train_refuses_the_folder_of_another_model(run_tool, tmp_path, options):
    """Otherwise, checkpoints of configs with one name would mix."""
    folder = tmp_path / 'work_dirs' / 'toy_joint_limb'
    folder.mkdir(parents=True)
    (folder / 'last_checkpoint').write_text('epoch_1.pth')
    (folder / TOY.name).write_text(
        "model = dict(branches=dict(pose3d=dict(type='MSGCN')))"
    )
    done = train(run_tool, options, code=1)
    assert 'toy_joint_limb: contains the training of another model' in done.stderr
    assert "{'pose3d': 'MSGCN'} instead of {'heatmap': 'MSTCNPlusPlus'}" in done.stderr
    (folder / TOY.name).write_text(
        'model = dict(branches=dict(heatmap=dict('
        "type='MSTCNPlusPlus', causal=True, lookahead=5)))"
    )
    done = train(run_tool, options, code=1)
    assert "{'heatmap': 'MSTCNPlusPlus with lookahead=5'} instead of" in done.stderr
