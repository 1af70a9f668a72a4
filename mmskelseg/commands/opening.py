"""Configs, devices and trained models that arguments name; it imports PyTorch."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.engine.config_checks import building, check_config, read_config
from mmskelseg.runtime.cli.arguments import pose_estimator
from mmskelseg.runtime.files.configs import find_config
from mmskelseg.runtime.files.inputs import check_local
from mmskelseg.utils.devices import check_device


def available(device: str) -> str:
    """Return the name of a device, which must be available, for argparse."""
    try:
        check_device(device)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return device


def load_config(args: argparse.Namespace) -> Config:
    """Return the config of the arguments, with launcher, options and work folder.

    The work folder is that of the command line, or else that of the config, or else
    ``work_dirs/<name of the config>``.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(find_config(args.config), args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(cfg.filename).stem))
    check_config(cfg, args.config)
    check_local(cfg.work_dir)
    return cfg


def _checked_config(args: argparse.Namespace) -> Config:
    """Return the config of the arguments with their settings."""
    config = read_config(find_config(args.config), args.cfg_options)
    check_config(config, args.config)
    return config


def model_config(args: argparse.Namespace) -> Config | None:
    """Return the checked config of a trained model, with the settings of options.

    None stands for the config in the checkpoint.
    """
    return None if args.config is None else _checked_config(args)


def inferencer(
    args: argparse.Namespace, *, show_progress: bool = True
) -> SkelSegInferencer:
    """Return the trained model that ``split_model`` found, on its device."""
    if args.model is not None:
        return SkelSegInferencer(
            args.model,
            None,
            args.device,
            pose_estimator=pose_estimator(args),
            show_progress=show_progress,
        )
    config = model_config(args)
    estimator = pose_estimator(args)
    with building(args.config or args.checkpoint):
        return SkelSegInferencer(
            config,
            [args.checkpoint, *args.ensemble],
            args.device,
            pose_estimator=estimator,
            show_progress=show_progress,
        )


def stream(args: argparse.Namespace) -> SkelSegStream:
    """Return the stream of a trained causal model."""
    if args.model is not None:
        return SkelSegStream(args.model, fps=args.fps)
    config = model_config(args)
    with building(args.config or args.checkpoint):
        return SkelSegStream(config, [args.checkpoint, *args.ensemble], fps=args.fps)
