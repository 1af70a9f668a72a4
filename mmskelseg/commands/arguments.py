"""Options of commands that use PyTorch, and functions that open what they name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mmskelseg.runtime.cli.arguments import SettingsAction
from mmskelseg.runtime.cli.command_line import whole

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmskelseg.apis import SkelSegInferencer, SkelSegStream


def _opening() -> Any:
    """Return the module that opens what arguments name; its imports take seconds."""
    from mmskelseg.commands import opening

    return opening


def device(text: str) -> str:
    """Return the name of an available device, as a ``type`` of argparse."""
    return text if text == 'cpu' else _opening().available(text)


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


def load_config(args: argparse.Namespace) -> Config:
    """Return the config of the arguments, with launcher, options and work folder."""
    return _opening().load_config(args)


def last_checkpoint(cfg: Config, args: argparse.Namespace) -> str:
    """Return and print the last checkpoint of a config's training."""
    return _opening().last_checkpoint(cfg, args)


def model_config(args: argparse.Namespace) -> Config | None:
    """Return the checked config of a trained model; None: the one in the checkpoint."""
    return _opening().model_config(args)


def load_inferencer(
    args: argparse.Namespace, *, show_progress: bool = True
) -> SkelSegInferencer:
    """Return the trained model that ``split_model`` found, on its device."""
    return _opening().inferencer(args, show_progress=show_progress)


def open_segmenter(
    args: argparse.Namespace,
) -> Callable[..., Iterator[dict[str, list]]]:
    """Return the ``stream`` of a trained model, which yields predictions of inputs."""
    return partial(load_inferencer(args).stream, batch_size=args.batch_size)


def open_stream(args: argparse.Namespace) -> SkelSegStream:
    """Return the stream of a trained causal model."""
    return _opening().stream(args)
