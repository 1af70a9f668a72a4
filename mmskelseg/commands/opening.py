"""Opens configs, devices and models that arguments name; it imports PyTorch."""

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import Config

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.engine.config_checks import building, check_config, read_config
from mmskelseg.runtime.cli.arguments import pose_estimator, say_checkpoint
from mmskelseg.runtime.files.configs import find_config
from mmskelseg.runtime.files.inputs import check_local
from mmskelseg.runtime.files.work_folders import find_latest_checkpoint
from mmskelseg.runtime.messages.errors import MissingFileError
from mmskelseg.trained.predictor import check_device


def device(name: str) -> str:
    """Return the name of a device, which must be available, for argparse."""
    try:
        check_device(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def load_config(args: argparse.Namespace) -> Config:
    """Return the config of the arguments, with launcher, options and work folder.

    The work folder is that of the command line, or else that of the config, or else
    ``work_dirs/<name of the config>``.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(find_config(args.config), args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = _work_folder(cfg) if args.work_dir is None else args.work_dir
    check_config(cfg, args.config)
    if sys.platform == 'darwin':
        # Forks that use Apple's libraries may crash.
        cfg.merge_from_dict({'env_cfg.mp_cfg.mp_start_method': 'spawn'})
    check_local(cfg.work_dir)
    return cfg


def _work_folder(cfg: Config) -> str:
    return cfg.get('work_dir') or str(Path('work_dirs', Path(cfg.filename).stem))


def last_checkpoint(cfg: Config, args: argparse.Namespace) -> str:
    """Return and print the last checkpoint of a config's training.

    The copy of a config in a work folder belongs to that folder, even if the folder was
    moved.
    """
    own, named = Path(cfg.filename).parent, getattr(args, 'work_dir', None)
    is_copy = (own / 'last_checkpoint').is_file()
    folder = named or (str(own) if is_copy else _work_folder(cfg))
    file = find_latest_checkpoint(folder)
    if file is None:
        raise MissingFileError(
            f'{args.config}: has no checkpoint in {folder} yet; run `mmskelseg train '
            f'{args.config}` first, or name a checkpoint after the config.'
        )
    say_checkpoint(file)
    return file


def model_config(args: argparse.Namespace) -> Config | None:
    """Return the checked config of a trained model, with the settings of options.

    None stands for the config in the checkpoint. Without a checkpoint, the arguments
    get the last one of the config's training.
    """
    if args.config is None:
        return None
    config = read_config(find_config(args.config), args.cfg_options)
    check_config(config, args.config)
    if args.checkpoint is None:
        args.checkpoint = last_checkpoint(config, args)
    return config


def load_inferencer(
    args: argparse.Namespace, *, show_progress: bool = True
) -> SkelSegInferencer:
    """Return a trained model, on its device."""
    model = model_config(args) if args.model is None else args.model
    checkpoints = None if args.model else [args.checkpoint, *args.ensemble]
    estimator = pose_estimator(args)
    with building(args.model or args.config or args.checkpoint):
        return SkelSegInferencer(
            model,
            checkpoints,
            args.device,
            pose_estimator=estimator,
            show_progress=show_progress,
        )


def open_stream(args: argparse.Namespace) -> SkelSegStream:
    """Return the stream of a trained causal model."""
    config = model_config(args)
    with building(args.config or args.checkpoint):
        return SkelSegStream(config, [args.checkpoint, *args.ensemble], fps=args.fps)
