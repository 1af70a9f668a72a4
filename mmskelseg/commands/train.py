"""Trains a segmentor.

    %(prog)s configs/skelseg/uwiom_joint_limb.py

Missing features are computed first. Logs, checkpoints and the scores on the test videos
are written to work_dirs/<name of the config>. The last epoch is the result. A stopped
run can be continued with --resume, with exactly the same result.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import command, seed
from mmskelseg.runtime.messages.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='continue from this checkpoint, or without a name from the last one in '
        'the work folder',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='train in mixed precision: bfloat16, or float16 on older GPUs',
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate during training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the total batch size',
    )
    parser.add_argument(
        '--seed',
        type=seed,
        help='random seed (default: 0); a resumed run keeps its seed',
    )
    parser.add_argument(
        '--diff-rank-seed', action='store_true', help='give each process its own seed'
    )
    parser.add_argument(
        '--deterministic',
        action='store_true',
        help='use deterministic algorithms on a GPU (slower)',
    )
    add_config_arguments(parser)


def _merge_args(cfg: Config, args: argparse.Namespace) -> None:
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        from mmengine.device import get_device

        from mmskelseg.utils.precision import has_bfloat16

        if has_bfloat16(get_device()):
            cfg.optim_wrapper.type = 'BFloat16OptimWrapper'
        elif get_device() == 'cuda':
            cfg.optim_wrapper.type = 'AmpOptimWrapper'
        else:
            raise UserError(
                '--amp needs a GPU, or a processor that supports bfloat16, but there '
                'is neither; leave it out.'
            )
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    # Options that were not given leave the config as it is.
    options = ('diff_rank_seed', 'deterministic')
    given = {name: True for name in options if getattr(args, name)}
    if args.seed is not None:
        given['seed'] = args.seed
    cfg.randomness = {'seed': 0, **cfg.get('randomness', {}), **given}


def _check_work_dir(cfg: Config) -> None:
    """Raise an error if the folder contains checkpoints of another kind of model.

    Configs of different models may have the same name, and then share a work folder.
    """
    from mmengine.config import Config

    from mmskelseg.fileio.checkpoints import reduce_config_text

    folder = Path(cfg.work_dir)
    kept = folder / Path(cfg.filename).name
    if not (folder / 'last_checkpoint').is_file() or not kept.is_file():
        return
    # The folder may be from somebody else, so its config is read as data.
    try:
        text = reduce_config_text(kept.read_text('utf-8'))
    except ValueError:
        return
    then, now = map(_kinds, (Config.fromstring(text, '.py'), cfg))
    if then != now:
        raise UserError(
            f'{folder}: contains the training of another model, with the branches '
            f'{then} instead of {now}; name another folder with --work-dir, or remove '
            'this one.'
        )


def _kinds(cfg: Config) -> dict[str, str]:
    """Return the kind of each branch of the model, and the frames that it may see."""
    kinds = {}
    for name, branch in cfg.model.get('branches', {}).items():
        kinds[name] = branch.type
        if branch.get('causal'):
            kinds[name] += f' with lookahead={branch.get("lookahead", 0)}'
    return kinds


def _run(args: argparse.Namespace) -> None:
    from mmengine.runner import Runner

    from mmskelseg.engine.config_checks import building
    from mmskelseg.models.branch_checkpoints import (
        check_branches_are_trained,
    )
    from mmskelseg.utils.dist import init_distributed

    cfg = load_config(args)
    with building(args.config):
        _merge_args(cfg, args)
        _check_work_dir(cfg)
        # Checked before features are computed.
        check_branches_are_trained(cfg.model.get('branches', {}))
    with init_distributed(cfg):
        with building(args.config):
            runner = Runner.from_cfg(cfg)
        # The runner builds loaders, optimizer and schedules in this call.
        with building(args.config, lambda: not _has_begun(runner)):
            runner.train()


def _has_begun(runner: Runner) -> bool:
    """Return whether a training has made its first step."""
    loop = runner._train_loop
    # It is a config until it is built.
    return not isinstance(loop, dict) and loop is not None and loop.iter > 0


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished features and checkpoints are kept; add --resume to continue.',
)
