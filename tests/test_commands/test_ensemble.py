"""Ensembles as a user makes them: of checkpoints, and of dumped predictions."""

import json
import pickle

import pytest
import torch

from mmskelseg.evaluation.predictions import load_samples
from tests.dumped import ONE, OTHER, sample
from tests.small_data import TOY

TEST, TOOL = 'tools/test.py', 'tools/ensemble.py'


@pytest.fixture
def options(small_options):
    """The toy config on the training videos of the small data, with a small model."""
    return [
        '--cfg-options',
        *small_options,
        'test_dataloader.dataset.split=train',
        'test_dataloader.batch_size=2',
    ]


@pytest.fixture
def checkpoints(small_config, checkpoint):
    """Two checkpoints of random weights."""
    return [
        checkpoint(small_config, name=f'seed_{seed}.pth', seed=seed).name
        for seed in (0, 1)
    ]


@pytest.mark.slow
def test_ensembles_of_checkpoints_and_of_their_dumps_agree(
    run_tool, tmp_path, options, checkpoints
):
    work = tmp_path / 'work_dirs' / 'toy_joint_limb'
    alone = []
    for file in checkpoints:
        dump = file.replace('pth', 'pkl')
        run_tool(TEST, TOY, file, '--dump', dump, *options)
        alone.append(json.loads((work / 'metrics.json').read_text()))
    config = (work / TOY.name).read_text()

    done = run_tool(TEST, TOY, *checkpoints, '--dump', 'both.pkl', *options)
    assert 'The ensemble and each of its members, in percent:' in done.stdout
    both = json.loads((work / 'metrics.json').read_text())
    assert both['checkpoint'] is both['seed'] is None
    for member, file, single in zip(both['members'], checkpoints, alone, strict=True):
        assert member['checkpoint'] == file == single['checkpoint']
        for key in ('seg/acc', 'seg/f1@10', 'seg/mAP', 'seg/edit_std'):
            assert member[key] == pytest.approx(single[key])
    names = ('both.pkl', 'seed_0.pkl', 'seed_1.pkl')
    samples, *others = (load_samples(tmp_path / name) for name in names)
    assert list(samples) == ['video_0', 'video_1']
    for name, video in samples.items():
        mean = sum(other[name]['pred_score'] for other in others) / 2
        torch.testing.assert_close(video['pred_score'], mean)
        assert torch.equal(video['pred_label'], mean.argmax(dim=0))
    # A training or a segmentation from the work folder is of one model.
    expected = config.replace(f"'{checkpoints[1]}'", 'None')
    assert (work / TOY.name).read_text() == expected

    done = run_tool(TOOL, 'seed_0.pkl', 'seed_1.pkl', '--dump', 'again.pkl')
    path = tmp_path / 'work_dirs' / 'ensemble' / 'metrics.json'
    again = json.loads(path.read_text())
    for key in ('per_class', 'confusion', 'per_video', 'conventions', 'classes'):
        assert again[key] == both[key]
    assert again['seg/mAP'] == pytest.approx(both['seg/mAP'])
    assert again['members'][1]['dump'] == 'seed_1.pkl'
    assert again['members'][1]['seg/mAP'] == pytest.approx(alone[1]['seg/mAP'])
    assert 'seed_1.pkl' in done.stdout
    assert 'class_2' in done.stdout
    kept = load_samples(tmp_path / 'again.pkl')
    for name, video in kept.items():
        torch.testing.assert_close(video['pred_score'], samples[name]['pred_score'])


@pytest.fixture
def dumps(tmp_path):
    """Two dumps of one video, without the names of its classes."""
    for name, score in (('a', ONE), ('b', OTHER)):
        (tmp_path / f'{name}.pkl').write_bytes(pickle.dumps([sample(score)]))
    return ['a.pkl', 'b.pkl']


def test_ensemble_takes_weights_and_conventions(call_tool, tmp_path, dumps):
    """Without class names, classes are numbers."""
    call_tool(TOOL, *dumps, '--work-dir', 'out', '--background', 0, '--average=video')
    content = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert content['seg/acc'] == 100
    assert content['conventions']['background'] == '0'
    assert content['conventions']['average'] == 'video'
    assert content['config'] == 'ensemble of a, b'
    call_tool(TOOL, *dumps, '--work-dir', 'out', '--weights', 1, 0)
    content = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert content['seg/acc'] == content['members'][0]['seg/acc'] == 50
    assert [member['weight'] for member in content['members']] == [1, 0]


@pytest.mark.parametrize(
    ('flags', 'words'),
    [
        (['a.pkl'], 'a.pkl: an ensemble needs at least two files.'),
        (['a.pkl', 'b.pkl', '--weights', 1], '--weights: 1 for 2 files; give one for'),
        (['a.pkl', 'b.pkl', '--weights', 0, 0], '--weights: all are 0'),
        (['a.pkl', 'c.pkl'], 'c.pkl: there is no such file.'),
        (['a.pkl', 'b.pkl', '--background', 'rest'], "'rest'"),
    ],
)
def test_ensemble_says_what_is_wrong(call_tool, dumps, flags, words):
    error = call_tool(TOOL, *flags, code=1).stderr
    assert error.startswith('error: ')
    assert words in error
