"""Opens configs, devices and models that arguments name; it imports PyTorch."""

import argparse

from mmengine.config import Config

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.engine.config_checks import building, check_config, read_config
from mmskelseg.engine.loading import last_checkpoint
from mmskelseg.runtime.cli.arguments import pose_estimator
from mmskelseg.runtime.files.configs import find_config
from mmskelseg.trained.predictor import check_device


def device(name: str) -> str:
    """Return the name of a device, which must be available, for argparse."""
    try:
        check_device(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


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
        args.checkpoint = last_checkpoint(config, args.config)
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
