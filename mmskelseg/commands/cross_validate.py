"""Trains and tests a config on every fold of its annotation file, with every seed.

    %(prog)s configs/skelseg/toy_joint_limb.py --seeds 0 1 2

Each run trains to the last epoch and tests it, in WORK_DIR/<fold>/seed_<n>/. The result
is a table of mean ± standard deviation over folds, over all test videos and over seeds,
in WORK_DIR/cross_validation.md and .json. With several seeds, it includes their
ensemble, which averages their probabilities in each fold. If the command is started
again, it skips finished runs and continues those that were stopped. A run with other
settings in the same folder is an error, so that a table never mixes settings.

A model that starts from trained branches (configs/skelseg/toy_fusion.py) uses those of
the same fold and seed, so cross-validate the branches first, with their own configs:
work_dirs/toy_rgb/epoch_30.pth stands for
work_dirs/toy_rgb/<fold>/seed_<n>/epoch_30.pth.

On a cluster, every run is a separate job (pip install submitit):

    %(prog)s CONFIG --executor slurm \\
        --executor-options slurm_partition=gpu gpus_per_node=1 timeout_min=600

Jobs that start together would each compute missing features, so run `mmskelseg
features` first. Jobs continue when this program is stopped; start it again when they
have ended.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mmskelseg.commands.arguments import add_executor, load_config
from mmskelseg.evaluation.scores import score_texts
from mmskelseg.runtime.cli.arguments import SettingsAction
from mmskelseg.runtime.cli.command_line import command, seed
from mmskelseg.runtime.files.configs import annotation_path
from mmskelseg.runtime.messages.counts import counted

if TYPE_CHECKING:
    from mmskelseg.engine.run_folder import RunFolder


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument(
        '--folds',
        nargs='+',
        help='names of folds (default: all named folds, or else the splits `train` and '
        '`test`, as the fold `default`)',
    )
    parser.add_argument(
        '--seeds', nargs='+', type=seed, default=[0], help='random seeds (default: 0)'
    )
    parser.add_argument('--work-dir', help='folder for all runs and the table')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        help='as for `mmskelseg train`',
    )
    add_executor(parser)
    parser.set_defaults(cfg_options_typed=[], launcher='none', local_rank=0)


def _run(args: argparse.Namespace) -> None:
    from mmskelseg.engine.cross_validation import (
        check_branches,
        choose_folds,
        executed,
        run_folder,
        save,
        settings_of,
    )

    cfg = load_config(args)
    folder = Path(cfg.work_dir)
    chosen = choose_folds(annotation_path(cfg.test_dataloader.dataset), args.folds)
    seeds = list(dict.fromkeys(args.seeds))
    check_branches(cfg, chosen, seeds)
    settings = settings_of(cfg)
    runs = [
        run_folder(cfg, fold, splits, seed, settings, args.cfg_options_typed)
        for fold, splits in chosen.items()
        for seed in seeds
    ]
    for run in runs:
        run.check()
    pending = [run for run in runs if not run.is_finished]
    finished = len(runs) - len(pending)
    print(f'{counted(len(runs), "run")}, {finished} finished before.', flush=True)
    outcomes = executed(pending, folder, args.executor, args.executor_options)
    if failed := follow(outcomes, len(pending), folder):
        sys.exit(
            f'{failed} of {len(pending)} runs failed, so there is no table; the same '
            'command repeats only these runs.'
        )
    summary = save(runs, Path(cfg.filename), args.cfg_options_typed, folder)
    print(f'\n{summary}\n')
    print(f'Kept in {folder / "cross_validation.md"} and .json')


def follow(outcomes: Iterable[tuple[RunFolder, str]], count: int, folder: Path) -> int:
    """Print a line for each run when it ends, and return the number of failures.

    Runs below the folder, which is that of all, are named by their folders there.
    """
    begin = time.monotonic()
    failed = 0
    for done, (run, failure) in enumerate(outcomes, start=1):
        seconds = time.monotonic() - begin
        elapsed = timedelta(seconds=round(seconds))
        left = timedelta(seconds=round(seconds / done * (count - done)))
        group = os.path.relpath(run.path.parent.parent, folder)
        place = f'{run.settings["fold"]}, seed {run.settings["seed"]}'
        place = place if group == '.' else f'{group}, {place}'
        if failure:
            failed += 1
            result = f'FAILED: {failure.removesuffix(".")}; see {run.log}'
        else:
            result = ', '.join(score_texts(run.report()['metrics']))
        print(
            f'[{done}/{count}] {place}: {result} '
            f'({elapsed} elapsed, about {left} left)',
            flush=True,
        )
    return failed


main = command(
    __doc__,
    _add_arguments,
    _run,
    kept='finished runs and saved checkpoints are kept; the same command continues.',
)
