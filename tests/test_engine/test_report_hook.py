import json
from pathlib import Path

import mmengine
import pytest
import torch
from mmengine.config import Config

import mmskelseg
from mmskelseg.engine.hooks.report_hook import scores_of
from mmskelseg.engine.results import TestScores

HOOKS = {'report': {'type': 'SegReportHook'}}


def log_of(runner):
    return '\n'.join(path.read_text() for path in runner_files(runner, '*.log'))


def runner_files(runner, pattern):
    return sorted(Path(runner.work_dir).rglob(pattern))


def test_report_hook_writes_the_scores_of_a_test(make_runner, tmp_path):
    config = tmp_path / 'uwiom_joint.py'
    config.write_text('load_from = None\n')
    runner = make_runner(HOOKS, cfg=Config.fromfile(config))
    scores = runner.test()
    content = json.loads((tmp_path / 'work' / 'metrics.json').read_text())
    assert {key: content[key] for key in scores} == scores
    found = scores_of(runner.test_loop.evaluator.metrics)
    assert found == TestScores.read(tmp_path / 'work' / 'metrics.json')
    assert found.metrics['acc'] == content['seg/acc']
    # 3 of 11 labelled frames belong to the first class.
    assert content['seg/acc'] == pytest.approx(300 / 11)
    assert content['per_video']['day/3']['acc'] == pytest.approx(100 / 3)
    assert content['classes'] == ['walk', 'stand', 'rest']
    assert content['per_class']['rest']['recall'] == 0
    assert content['confusion'] == [[3, 0, 0], [4, 0, 0], [4, 0, 0]]
    assert content['conventions']['average'] == 'pooled'
    assert content['config'] == f'{tmp_path.name}/uwiom_joint.py'
    # No checkpoint was loaded, so there is no training whose seed could be named.
    assert content['seed'] is None
    assert content['versions']['torch'] == torch.__version__
    assert content['versions']['mmengine'] == mmengine.__version__
    assert content['versions']['mmskelseg'] == mmskelseg.__version__


def test_report_hook_prints_tables_and_draws_the_confusion_matrix(make_runner):
    runner = make_runner(HOOKS)
    runner.test()
    log = log_of(runner)
    assert 'Scores of 3 videos in percent' in log
    assert 'standard deviation over videos' in log
    assert 'Acc    27.27  ± 20.79' in log
    # The average precision of a class whose frames all tie is its share of frames.
    assert 'stand  36.36   0.00    0.00         2       4' in log
    for name in ('metrics.json', 'confusion_matrix.png'):
        (path,) = runner_files(runner, name)
        assert str(path) in log


def test_report_hook_reports_the_last_validation_of_a_training(make_runner):
    """Training ends with one report, of its last checkpoint, without a picture."""
    runner = make_runner(HOOKS)
    runner.train()
    (path,) = runner_files(runner, 'metrics.json')
    content = json.loads(path.read_text())
    assert content['seg/acc'] == pytest.approx(300 / 11)
    assert content['checkpoint'].endswith('epoch_2.pth')
    assert log_of(runner).count('Scores of 3 videos') == 1
    assert runner_files(runner, 'confusion_matrix.png') == []


def test_report_hook_names_the_checkpoint_that_a_test_loaded(make_runner, tmp_path):
    weights = tmp_path / 'weights.pth'
    torch.save({'state_dict': {'weight': torch.ones(1)}}, weights)
    config = Config({'load_from': str(weights)})
    make_runner(HOOKS, load_from=str(weights), cfg=config).test()
    content = json.loads((tmp_path / 'work' / 'metrics.json').read_text())
    assert content['checkpoint'] == str(weights)


def test_report_hook_keeps_the_errors_of_risk_as_well(make_runner, tmp_path):
    metrics = [{'type': 'SegmentationMetric', 'num_classes': 3}, {'type': 'RiskMetric'}]
    scores = make_runner(HOOKS, test_evaluator=metrics).test()
    content = json.loads((tmp_path / 'work' / 'metrics.json').read_text())
    assert content['risk/mse'] == scores['risk/mse'] == 4
    assert content['per_video']['day/3'] == {
        'acc': pytest.approx(100 / 3), 'edit': pytest.approx(50),
        'f1@10': pytest.approx(200 / 3), 'f1@25': pytest.approx(200 / 3), 'f1@50': 0,
        'mse': 4, 'mae': 2,
    }  # fmt: skip


def test_report_hook_stays_silent_without_our_metric(make_runner):
    metric = {'type': 'DumpResults', 'out_file_path': 'unused.pkl'}
    runner = make_runner(HOOKS, test_evaluator=metric)
    runner.test_loop.evaluator.metrics.clear()
    runner.test()
    assert scores_of(runner.test_loop.evaluator.metrics) is None
    assert runner_files(runner, 'metrics.json') == []


def test_report_hook_leaves_reporting_to_the_main_process(make_runner, monkeypatch):
    monkeypatch.setattr(
        'mmskelseg.engine.hooks.report_hook.is_main_process', lambda: False
    )
    runner = make_runner(HOOKS)
    runner.test()
    assert runner_files(runner, 'metrics.json') == []
    assert runner_files(runner, '*.png') == []
