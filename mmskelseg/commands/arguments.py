"""Options of commands that use PyTorch, and functions that open what they name."""

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mmskelseg.runtime.cli.arguments import SettingsAction
from mmskelseg.runtime.cli.command_line import whole


def device(text: str) -> str:
    """Return the name of an available device, as a ``type`` of argparse."""
    return text if text == 'cpu' else _opens('device')(text)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that MMAction2's scripts share."""
    parser.add_argument('--work-dir', help='folder for logs, checkpoints and scores')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        help='settings that override those of the config, as key=value, for example '
        'train_cfg.max_epochs=10 model.num_classes=5 or key="[(a,b),(c,d)]"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='the launcher that started the processes of a distributed run',
    )
    parser.add_argument('--local_rank', '--local-rank', type=whole, default=0)


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add --verbose, for everything that the log file has."""
    parser.add_argument(
        '--verbose',
        action='store_true',
        help='print all that MMEngine writes to the log file: environment, config, '
        'hooks and each step',
    )


def add_executor(parser: argparse.ArgumentParser) -> None:
    """Add --executor and --executor-options, for runs as jobs of submitit."""
    parser.add_argument(
        '--executor',
        choices=['none', 'local', 'slurm'],
        default='none',
        help='execute runs in turn (none), as Slurm jobs (slurm), or all at once as '
        'processes on this machine (local)',
    )
    parser.add_argument(
        '--executor-options',
        nargs='+',
        action=SettingsAction,
        default={},
        help="settings of submitit's AutoExecutor, as key=value",
    )


def _opens(name: str) -> Callable[..., Any]:
    """Return a function of ``opening``, whose imports take seconds and wait for it."""

    def call(*args: Any, **options: Any) -> Any:
        opening = import_module('mmskelseg.commands.opening')
        return getattr(opening, name)(*args, **options)

    return call


load_config = _opens('load_config')
last_checkpoint = _opens('last_checkpoint')
model_config = _opens('model_config')
load_inferencer = _opens('load_inferencer')
open_stream = _opens('open_stream')
