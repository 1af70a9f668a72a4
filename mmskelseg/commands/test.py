"""Scores a trained segmentor.

    %(prog)s configs/skelseg/toy_joint_limb.py \\
        work_dirs/toy_joint_limb/epoch_30.pth

Several checkpoints, such as of different seeds, form an ensemble, which averages their
probabilities; the scores of each checkpoint are reported as well.

The overall scores and those of each class are printed. The work folder then contains
metrics.json, the confusion matrix, and a timeline of each test video.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import (
    command,
    number_from,
    pickle_name,
    whole_from,
)
from mmskelseg.runtime.messages.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument(
        'checkpoints',
        metavar='CHECKPOINT',
        nargs='+',
        help='checkpoint file; several form an ensemble',
    )
    parser.add_argument(
        '--dump', type=pickle_name, help='pickle file for the predictions'
    )
    parser.add_argument('--show-dir', help='folder for the timelines')
    parser.add_argument(
        '--show', action='store_true', help='show the timelines in a window'
    )
    parser.add_argument(
        '--interval',
        type=whole_from(1),
        help='draw every n-th video (default: as the config says, else every video)',
    )
    parser.add_argument(
        '--wait-time',
        type=number_from(0),
        help='seconds until a window closes (default: as the config says, else 2)',
    )
    add_config_arguments(parser)


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


def _run(args: argparse.Namespace) -> None:
    from mmengine.runner import Runner

    from mmskelseg.engine.config_checks import building
    from mmskelseg.evaluation import DumpPredictions
    from mmskelseg.models import ActionSegmentorEnsemble
    from mmskelseg.utils.dist import init_distributed

    cfg = load_config(args)
    with building(args.config):
        _merge_args(cfg, args)
    with init_distributed(cfg):
        with building(args.config):
            runner = Runner.from_cfg(cfg)
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


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished features are kept, and scores are unchanged; run the same command '
    'again.',
)
