"""Reports of scores: a table in the log, a JSON file and the confusion matrix."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import mmaction
import mmengine
import numpy as np
import torch
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mmskelseg
from mmskelseg.checkpoints.reading import seed_of
from mmskelseg.engine.hooks.fit_statistics_hook import bare_model
from mmskelseg.engine.results import TestScores
from mmskelseg.evaluation.metrics import RiskMetric, SegmentationMetric
from mmskelseg.models.segmentors.ensemble import ActionSegmentorEnsemble
from mmskelseg.registry import HOOKS
from mmskelseg_behaviour.functional.report import Report, format_members, format_report
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import config_name
from mmskelseg_runtime.drawing.charts import draw_confusion
from mmskelseg_runtime.drawing.images import save_png


@HOOKS.register_module()
class SegReportHook(Hook):
    """A hook that reports scores of :class:`~mmskelseg.evaluation.SegmentationMetric`.

    After a test, and after the last validation of a training, it logs a table of the
    scores and one of the classes. It writes all scores, including those of RiskMetric,
    to ``metrics.json`` in the work folder.
    After a test, it also draws ``confusion_matrix.png``, and reports the members of an
    ensemble. Only the main process reports.
    """

    trained_seed: int | None = None

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: Mapping[str, object]
    ) -> None:
        """Store the seed of the training that the tested weights are from."""
        self.trained_seed = seed_of(checkpoint)

    def after_train(self, runner: Runner) -> None:
        """Report the last validation of a training."""
        self.trained_seed = runner.seed
        loop = runner.val_loop
        if loop is None:
            return
        trained = runner.train_loop
        is_due = getattr(trained, 'val_begin', 1) <= trained.max_epochs
        # Only the main process has a report, but all processes must validate together.
        reported = [_with_report(loop.evaluator.metrics) is not None]
        broadcast_object_list(reported)
        if is_due and not reported[0]:
            # A run that was stopped during its last validation and resumed has no epoch
            # left, so the validation is repeated.
            loop.run()
        self._report(runner, loop.evaluator)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Report a test and draw its confusion matrix."""
        report = self._report(runner, runner.test_loop.evaluator)
        if report is not None:
            path = Path(runner.work_dir, 'confusion_matrix.png')
            counts, classes = np.array(report['confusion']), list(report['per_class'])
            title = 'Frames by true and predicted class'
            save_png(draw_confusion(counts, classes, title), path)
            runner.logger.info(f'Confusion matrix: {path}')

    def _report(self, runner: Runner, evaluator: Evaluator) -> Report | None:
        """Log, write and return the report of the first metric that has one."""
        metric, scores = _with_report(evaluator.metrics), scores_of(evaluator.metrics)
        report = metric and metric.report
        if report is None or scores is None or not is_main_process():
            return None
        path = Path(runner.work_dir, 'metrics.json')
        model = bare_model(runner)
        members: list[dict[str, object]] = []
        names: list[str] = []
        if isinstance(model, ActionSegmentorEnsemble):
            names = model.checkpoints
            files = zip(names, model.seeds, strict=True)
            members = [{'checkpoint': file, 'seed': seed} for file, seed in files]
        provenance = {'seed': self.trained_seed, **_provenance(runner)}
        write_scores(path, scores, provenance, members)
        runner.logger.info(f'\n{format_report(report)}')
        if members:
            runner.logger.info(f'\n{format_members(report, names)}')
        runner.logger.info(f'All scores, by video and class: {path}')
        return report


def _with_report(metrics: Sequence[BaseMetric]) -> SegmentationMetric | None:
    kinds = (m for m in metrics if isinstance(m, SegmentationMetric))
    return next((metric for metric in kinds if metric.report), None)


def write_scores(
    path: Path,
    found: TestScores,
    provenance: Mapping[str, object],
    members: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write ``metrics.json``.

    Args:
        path: The file.
        found: The scores.
        provenance: Seed, checkpoint and config of the scores.
        members: The same of each member of an ensemble.
    """
    content = {**vars(found), **provenance}
    del content['scores'], content['members']
    content['versions'] = {
        'torch': torch.__version__,
        'mmengine': mmengine.__version__,
        'mmaction2': mmaction.__version__,
        'mmskelseg': mmskelseg.__version__,
    }
    if members:
        pairs = zip(members, found.members, strict=True)
        content['members'] = [{**who, **scores} for who, scores in pairs]
    text = json.dumps({**found.scores, **content}, indent=2, allow_nan=False)
    atomic_write_text(path, text)


def scores_of(metrics: Sequence[BaseMetric]) -> TestScores | None:
    """Return the scores of a test, or None without a report on segments.

    Of a distributed test, only the main process has one.
    """
    metric = _with_report(metrics)
    if metric is None or metric.report is None:
        return None
    report, scores = metric.report, {}
    per_video: dict[str, dict[str, float]] = {name: {} for name in report['per_video']}
    for one in metrics:
        if isinstance(one, SegmentationMetric | RiskMetric) and one.report:
            for name, value in one.report['metrics'].items():
                scores[f'{one.prefix}/{name}'] = value
            for name in per_video:
                per_video[name].update(one.report['per_video'][name])
    return TestScores(
        scores,
        per_video,
        report['per_class'],
        [*report['per_class']],
        report['confusion'],
        {**report['conventions']},
        [
            {f'{metric.prefix}/{name}': value for name, value in one.items()}
            for one in report.get('members', ())
        ],
    )


def _provenance(runner: Runner) -> dict[str, str | None]:
    """Return the checkpoint and the config of the scores."""
    # A training has saved its weights; a test has loaded them.
    checkpoint = runner.message_hub.get_info('last_ckpt') or runner.cfg.get('load_from')
    return {
        'checkpoint': checkpoint and str(checkpoint),
        'config': runner.cfg.filename and config_name(runner.cfg.filename),
    }
