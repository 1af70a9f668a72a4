"""What the command-line tools have in common."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, DictAction

if TYPE_CHECKING:
    from mmskelseg.apis.pose_estimators import PoseEstimator

_PACKAGE = str(Path(__file__).parent)


class SettingsAction(DictAction):
    """Reads ``key=value ...`` as a dict; anything else is argparse's error."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Sequence[str] | str | None,
        option_string: str | None = None,
    ) -> None:
        """Add the settings to those of the namespace."""
        for value in values or ():
            if value.find('=') < 1:
                raise argparse.ArgumentError(
                    self,
                    f'{value!r} is not of the form key=value, for example '
                    'model.num_classes=5.',
                )
            try:
                super().__call__(parser, namespace, [value], option_string)
            except AssertionError as error:
                raise argparse.ArgumentError(
                    self,
                    f'{value!r} has a bracket that is not closed; write lists as in '
                    'key="[(a,b),(c,d)]" (quoted, without spaces).',
                ) from error


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that MMAction2's scripts share."""
    parser.add_argument('--work-dir', help='folder for logs, checkpoints and scores')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        help='settings that replace those of the config, as key=value, for example '
        'train_cfg.max_epochs=10 model.num_classes=5 or key="[(a,b),(c,d)]" (quoted, '
        'without spaces)',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def load_config(args: argparse.Namespace) -> Config:
    """Return the config that the arguments name, with launcher, options and folder.

    The folder is that of the command line, else of the config, else
    ``work_dirs/<name of the config>``.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if not Path(args.config).is_file():
        raise FileNotFoundError(f'{args.config}: there is no such config file.')
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(args.config).stem))
    return cfg


def add_pose_estimator_arguments(parser: argparse._ActionsContainer) -> None:
    """Add the flags that name what estimates poses."""
    parser.add_argument(
        '--pose-estimator',
        default='mediapipe',
        metavar='NAME',
        help='what estimates poses: mediapipe, topdown or topdown:NETWORK (MMDetection '
        'and MMPose), mmpose:ALIAS, rtmlib (default: %(default)s)',
    )
    parser.add_argument(
        '--pose-options',
        nargs='+',
        action=SettingsAction,
        metavar='KEY=VALUE',
        help='options of the estimator',
    )


def pose_estimator(args: argparse.Namespace) -> str | PoseEstimator:
    """Return what the flags name, as ``SkelSegInferencer`` takes it.

    A name alone is not looked up, since poses may never have to be estimated.
    """
    from mmskelseg.apis.pose_estimators import build_pose_estimator

    if args.pose_options is None:
        return args.pose_estimator
    return build_pose_estimator(args.pose_estimator, **args.pose_options)


@contextmanager
def user_errors() -> Iterator[None]:
    """End the program with one sentence for an error that this package explains.

    Errors from elsewhere keep their traceback, since no one foresaw them. With
    ``SKELSEG_TRACEBACK=1`` all do.
    """
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        sentence = explanation(error)
        if os.environ.get('SKELSEG_TRACEBACK') or sentence is None:
            raise
        sys.exit(f'error: {sentence}')


def explanation(error: BaseException) -> str | None:
    """Return this package's own sentence on an error, or None where there is none."""
    # MMEngine's registries raise an error of their own around ours.
    cause: BaseException | None = error
    while cause is not None and not _explained(cause):
        cause = cause.__cause__ or cause.__context__
    return None if cause is None else str(cause)


def _explained(error: BaseException) -> bool:
    """Return whether this package raised the error itself."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE)
