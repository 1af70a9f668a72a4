"""Tests with the options of their jobs."""

from dataclasses import replace
from pathlib import Path

from mmengine.config import Config

from mmskelseg.engine.config_checks import building, check_checkpoint
from mmskelseg.engine.dist import init_distributed
from mmskelseg.engine.hooks.report_hook import scores_of, write_scores
from mmskelseg.engine.jobs import Ensemble, Test
from mmskelseg.engine.loading import config_of, last_checkpoint
from mmskelseg.engine.results import TestScores
from mmskelseg.engine.terminal import build_runner
from mmskelseg.evaluation.ensembles import average_dumps
from mmskelseg.evaluation.metrics import (
    DumpPredictions,
    SegmentationMetric,
    report_of,
)
from mmskelseg.models.segmentors.ensemble import ActionSegmentorEnsemble
from mmskelseg_behaviour.functional.report import format_members, format_report
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.commands.models import named_checkpoint


def _merge_options(cfg: Config, job: Test) -> None:
    one, *others = job.checkpoints
    cfg.load_from = None if others else one
    cfg.resume = False
    visualization = cfg.default_hooks.get('visualization')
    if visualization is not None:
        visualization.setdefault('wait_time', 2)
        options = {
            'show': job.show or None, 'wait_time': job.wait_time,
            'interval': job.interval, 'out_dir': job.show_dir,
        }  # fmt: skip
        # Options that were not given leave the config as it is.
        visualization.update({k: v for k, v in options.items() if v is not None})
    elif job.show or job.show_dir is not None:
        raise UserError(
            f'{job.source}: --show and --show-dir need a hook with the name '
            '`visualization` in default_hooks; add it, or leave them out.'
        )


def test(job: Test, events: Events) -> TestScores | None:
    """Test the checkpoints of a job, with its options, and return the scores."""
    cfg = config_of(job)
    files = [named_checkpoint(name) for name in job.checkpoints]
    files = files or [last_checkpoint(cfg, job.source, job.work_dir)]
    job = replace(job, checkpoints=files)
    for file in files:
        check_checkpoint(file)
    with building(job.source):
        _merge_options(cfg, job)
    with init_distributed(cfg, events):
        with building(job.source):
            runner = build_runner(cfg, job.verbose)
            _ = runner.test_loop  # Builds it.
        # The ensemble is not part of the config, since the runner writes the config to
        # the work folder, where others use it to train or segment.
        if len(job.checkpoints) > 1:
            ensemble = ActionSegmentorEnsemble(cfg.model, job.checkpoints)
            wrapper = cfg.get('model_wrapper_cfg')
            runner.model = runner.wrap_model(wrapper, ensemble)
        if job.dump is not None:
            evaluator = runner.test_loop.evaluator
            dump = DumpPredictions(job.dump)
            dump.dataset_meta = evaluator.dataset_meta
            evaluator.metrics.append(dump)
        runner.test()
        return scores_of(runner.test_loop.evaluator.metrics)


def test_dumps(job: Ensemble, events: Events) -> None:
    """Score the mean of dumped predictions with the options of a job.

    Raises:
        UserError: If there is a single file, or weights do not fit.
    """
    if len(job.dumps) < 2:
        raise UserError(f'{job.dumps[0]}: an ensemble needs at least two files.')
    if job.weights is not None and len(job.weights) != len(job.dumps):
        raise UserError(
            f'--weights: {len(job.weights)} for {len(job.dumps)} files; give one '
            'for each.'
        )
    if job.weights is not None and sum(job.weights) == 0:
        raise UserError('--weights: all are 0; at least one must be larger.')
    samples = average_dumps(job.dumps, job.weights)
    metric = SegmentationMetric(
        len(samples[0]['pred_score']),
        job.background,
        average=job.average,
        scores=job.scores,
        absent=job.absent,
        last_frame=not job.skip_last_frame,
    )
    report = report_of(metric, samples)
    scores = scores_of([metric])
    assert scores is not None, 'since the metric has a report'
    weights = job.weights or [1.0] * len(job.dumps)
    names = ', '.join(Path(file).stem for file in job.dumps)
    path = Path(job.work_dir, 'metrics.json')
    write_scores(
        path,
        scores,
        {'seed': None, 'checkpoint': None, 'config': f'ensemble of {names}'},
        [
            {'dump': file, 'weight': weight}
            for file, weight in zip(job.dumps, weights, strict=True)
        ],
    )
    members = format_members(report, job.dumps)
    events.note(f'{format_report(report)}\n\n{members}\n')
    events.note(f'All scores, by video and class: {path}')
    if job.dump is not None:
        dump = DumpPredictions(job.dump)
        dump.process(None, samples)
        dump.compute_metrics(dump.results)
