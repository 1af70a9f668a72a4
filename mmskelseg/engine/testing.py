"""Tests with the options of the commands."""

import argparse
from pathlib import Path

from mmengine.config import Config

from mmskelseg.engine.config_checks import building, check_checkpoint
from mmskelseg.engine.dist import init_distributed
from mmskelseg.engine.hooks.report_hook import write_scores
from mmskelseg.engine.terminal import build_runner
from mmskelseg.evaluation import format_members, format_report
from mmskelseg.evaluation.ensembles import average_dumps
from mmskelseg.evaluation.metrics import (
    DumpPredictions,
    SegmentationMetric,
    report_of,
)
from mmskelseg.models.segmentors.ensemble import ActionSegmentorEnsemble
from mmskelseg.runtime.messages.errors import UserError


def _merge_args(cfg: Config, args: argparse.Namespace) -> None:
    one, *others = args.checkpoints
    cfg.load_from = None if others else one
    cfg.resume = False
    visualization = cfg.default_hooks.get('visualization')
    if visualization is not None:
        visualization.setdefault('wait_time', 2)
        options = {
            'show': args.show or None, 'wait_time': args.wait_time,
            'interval': args.interval, 'out_dir': args.show_dir,
        }  # fmt: skip
        # Options that were not given leave the config as it is.
        visualization.update({k: v for k, v in options.items() if v is not None})
    elif args.show or args.show_dir is not None:
        raise UserError(
            f'{args.config}: --show and --show-dir need a hook with the name '
            '`visualization` in default_hooks; add it, or leave them out.'
        )


def test(cfg: Config, args: argparse.Namespace) -> None:
    """Test checkpoints with the options of `mmskelseg test`."""
    for file in args.checkpoints:
        check_checkpoint(file)
    with building(args.config):
        _merge_args(cfg, args)
    with init_distributed(cfg):
        with building(args.config):
            runner = build_runner(cfg, args.verbose)
            _ = runner.test_loop  # Builds it.
        # The ensemble is not part of the config, since the runner writes the config to
        # the work folder, where others use it to train or segment.
        if len(args.checkpoints) > 1:
            ensemble = ActionSegmentorEnsemble(cfg.model, args.checkpoints)
            wrapper = cfg.get('model_wrapper_cfg')
            runner.model = runner.wrap_model(wrapper, ensemble)
        if args.dump is not None:
            evaluator = runner.test_loop.evaluator
            dump = DumpPredictions(args.dump)
            dump.dataset_meta = evaluator.dataset_meta
            evaluator.metrics.append(dump)
        runner.test()


def test_dumps(args: argparse.Namespace) -> None:
    """Score the mean of dumped predictions with the options of `mmskelseg ensemble`."""
    samples = average_dumps(args.dumps, args.weights)
    metric = SegmentationMetric(
        len(samples[0]['pred_score']),
        args.background,
        average=args.average,
        scores=args.scores,
        absent=args.absent,
        last_frame=not args.skip_last_frame,
    )
    report = report_of(metric, samples)
    weights = args.weights or [1.0] * len(args.dumps)
    names = ', '.join(Path(file).stem for file in args.dumps)
    path = Path(args.work_dir, 'metrics.json')
    write_scores(
        path,
        [metric],
        {'seed': None, 'checkpoint': None, 'config': f'ensemble of {names}'},
        [
            {'dump': file, 'weight': weight}
            for file, weight in zip(args.dumps, weights, strict=True)
        ],
    )
    print(f'{format_report(report)}\n')
    print(f'{format_members(report, args.dumps)}\n')
    print(f'All scores, by video and class: {path}')
    if args.dump is not None:
        dump = DumpPredictions(args.dump)
        dump.process(None, samples)
        dump.compute_metrics(dump.results)
