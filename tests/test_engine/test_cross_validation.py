"""The ensemble of a cross-validation's seeds, of files that runs left."""

import json
import signal
import time

import pytest
import torch
from mmengine.config import Config

from mmskelseg.engine.cross_validation import (
    ensemble_of_seeds,
    run_folder,
    submitted,
)
from mmskelseg.engine.run_folder import RunFolder
from mmskelseg.evaluation.metrics import DumpPredictions
from mmskelseg_io.jobs.processes import Ended
from tests.dumped import ONE, OTHER, sample
from tests.errors import raises_naming
from tests.small_data import PATH
from tests.small_jobs import Act

CLASSES = ['walk', 'stand', 'rest']
CONVENTIONS = {'average': 'video', 'scores': 'prob', 'absent': 'skip'}


def write_run(folder, fold, seed, score, label, **extra):
    """Leave what a test of one video of two frames and three classes writes."""
    path = folder / fold / f'seed_{seed}'
    path.mkdir(parents=True)
    metric = DumpPredictions(str(path / 'predictions.pkl'))
    metric.dataset_meta = {'classes': CLASSES}
    metric.process(None, [{**sample(score, f'video_{fold}', label), **extra}])
    metric.compute_metrics(metric.results)
    content = {
        'seg/acc': 0.0,
        'per_video': {},
        'classes': CLASSES,
        'conventions': {**CONVENTIONS, 'last_frame': True, 'background': 'rest'},
    }
    if extra:
        content['risk/mse'] = 1.0
    (path / 'metrics.json').write_text(json.dumps(content))
    return RunFolder(path, {'fold': fold, 'seed': seed})


@pytest.mark.parametrize('fold', ['P01,P02', ' a', "it's", '[a],b', '1', 'None'])
def test_a_fold_may_have_any_name(tmp_path, fold):
    """The jobs of its run get it as it is, and so the path of a branch."""
    start = {'type': 'Pretrained', 'checkpoint': str(tmp_path / 'a,b' / 'last.pth')}
    model = {'branches': {'pose': {'init_cfg': start}}}
    cfg = Config({'model': model, 'work_dir': str(tmp_path)})
    splits = (f'{fold}/train', f'{fold}/test')
    own = run_folder(cfg, fold, splits, 0, {}).test.config
    for mode, split in (('train', 'train'), ('val', 'test'), ('test', 'test')):
        assert own[f'{mode}_dataloader'].dataset.split == f'{fold}/{split}'
    checkpoint = own.model.branches.pose.init_cfg.checkpoint
    assert checkpoint.startswith(f'{tmp_path}/a,b/')


def test_jobs_end_with_the_program_that_follows_them(tmp_path, monkeypatch):
    """Otherwise the next start would meet runs that are still at work."""
    pytest.importorskip('submitit', reason='submitit is not installed')
    # Jobs on this machine get SIGINT, which programs in the background ignore.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setenv('PYTHONPATH', PATH)
    begun = tmp_path / 'begun'
    long_code = f'import time; open({str(begun)!r}, "w"); time.sleep(60)'
    quick, long = (
        RunFolder(tmp_path / name, {}, Act(code=code))
        for name, code in (('quick', 'pass'), ('long', long_code))
    )
    outcomes = submitted([quick, long], tmp_path, 'local', {})
    assert next(outcomes) == (quick, Ended())
    end = time.monotonic() + 120
    while not begun.exists() and time.monotonic() < end:
        time.sleep(0.05)
    outcomes.close()
    again = RunFolder(long.path, {}, Act(code='pass'))
    busy = 'another process is running it'
    while (ended := again.execute()).failure == busy and time.monotonic() < end:
        time.sleep(0.05)
    assert ended == Ended()


def test_ensemble_of_seeds_averages_within_each_fold(tmp_path):
    """By hand: the mean labels 1, 0; that is right in fold a, half right in b."""
    runs = [
        write_run(tmp_path, fold, seed, score, label)
        for fold, label in (('a', [1, 0]), ('b', [1, 2]))
        for seed, score in ((0, ONE), (7, OTHER))
    ]
    reports = ensemble_of_seeds(runs)
    assert reports['a']['metrics']['acc'] == 100
    assert reports['b']['metrics']['acc'] == 50
    assert list(reports['b']['per_video']) == ['video_b']
    assert not any(name.endswith('_std') for name in reports['a']['metrics'])
    # Segments of `rest`, the background, do not count: one of two predicted is right.
    assert reports['b']['metrics']['f1@10'] == pytest.approx(200 / 3)


def test_ensemble_of_seeds_averages_risk(tmp_path):
    """Where the runs have scored it: (2 - 1)^2 and (4 - 1)^2 with a mean of 3 - 1."""
    runs = [
        write_run(
            tmp_path, 'a', seed, ONE, [1, 0],
            gt_risk=torch.ones(2), pred_risk=torch.full((2,), risk),
        )
        for seed, risk in ((0, 2.0), (1, 4.0))
    ]  # fmt: skip
    report = ensemble_of_seeds(runs)['a']
    assert report['metrics']['mse'] == 4
    assert report['per_video']['video_a']['mae'] == 2


def test_ensemble_of_seeds_names_a_run_without_predictions(tmp_path):
    """And says how it gets them."""
    runs = [write_run(tmp_path, 'a', seed, ONE, [1, 0]) for seed in (0, 1)]
    runs[1].predictions.unlink()
    with raises_naming(FileNotFoundError, runs[1].predictions, 'a/seed_1/metrics.json'):
        ensemble_of_seeds(runs)
