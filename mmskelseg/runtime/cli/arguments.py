"""Options that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmskelseg.runtime.cli.command_line import whole_from
from mmskelseg.runtime.cli.declared import add_fields, add_option
from mmskelseg.runtime.cli.settings import SettingsAction
from mmskelseg.runtime.files.configs import find_config
from mmskelseg.runtime.files.inputs import regular_file
from mmskelseg.runtime.files.work_folders import checkpoint_file, find_latest_checkpoint
from mmskelseg.runtime.inputs import OF_NEW_VIDEOS, PoseInput
from mmskelseg.runtime.messages.errors import MissingFileError, UserError
from mmskelseg.runtime.messages.options import Option
from mmskelseg.runtime.poses.estimators import PoseEstimator, build_pose_estimator
from mmskelseg.runtime.segmenting.model_zoo import check_zoo


def add_model(parser: argparse._ActionsContainer) -> None:
    """Add --model, which replaces CONFIG and CHECKPOINT."""
    parser.add_argument(
        '--model',
        metavar='NAME',
        help='a model that comes with the package, such as precog, instead of CONFIG '
        'and CHECKPOINT; docs/model_zoo.md lists them',
    )


def add_ensemble(parser: argparse._ActionsContainer) -> None:
    """Add --ensemble, for checkpoints that are averaged with the first one."""
    parser.add_argument(
        '--ensemble',
        nargs='+',
        default=[],
        metavar='CHECKPOINT',
        help='further checkpoints of the same config, such as other seeds, to average '
        'their probabilities',
    )


#: The exported model in a folder of `mmskelseg fit`.
EXPORTED = 'model.onnx'


def split_model(args: argparse.Namespace) -> None:
    """Take ``config`` and ``checkpoint`` from the end of ``inputs``, unless --model."""
    args.config = args.checkpoint = None
    exported = Path(args.inputs[-1], EXPORTED)
    if len(args.inputs) > 1 and exported.is_file():
        args.inputs[-1] = str(exported)
    if args.model is None:
        if len(args.inputs) > 2 and not _is_model(*args.inputs[-2:]):
            args.checkpoint = args.inputs.pop()
        if len(args.inputs) > 1:
            args.config = args.inputs.pop()


def _is_model(before: str, last: str) -> bool:
    """Return whether the last argument is a whole model, without one before it."""
    if is_checkpoint(last):
        return _is_input(before)
    return is_exported(last) or _is_config(last)


def _is_input(text: str) -> bool:
    """Return whether an argument is an input, not a config or its name.

    A .json before a checkpoint is a config, since MMEngine reads configs as JSON, too.
    """
    others = ('.py', '.json', '.yaml', '.yml', '.pth', '.safetensors', '.onnx')
    if not Path(text).exists() or text.lower().endswith(others):
        return False
    # A folder may have the name of a config, as work folders do.
    return not (Path(text).is_dir() and _is_config(text))


def _is_config(text: str) -> bool:
    """Return whether an argument is the file of a config, or the name of one."""
    if Path(text).suffix.lower() in ('.py', '.json', '.yaml', '.yml'):
        return True
    with suppress(MissingFileError):
        return not Path(text).is_file() and find_config(text).is_file()
    return False


def is_checkpoint(config: str | None) -> bool:
    """Return whether a CONFIG argument is a checkpoint, or a folder that has one."""
    return config is not None and (
        config.lower().endswith(('.pth', '.safetensors'))
        or (Path(config).is_dir() and find_latest_checkpoint(config) is not None)
    )


def named_checkpoint(name: str) -> str:
    """Return the checkpoint that an argument names; say which, if it is a folder."""
    file = checkpoint_file(name)
    if file != name:
        say_checkpoint(file)
    return file


def say_checkpoint(file: str) -> None:
    """Print which checkpoint was found; standard output is for results."""
    print(f'Checkpoint: {file}', file=sys.stderr)


def is_exported(model: str | None) -> bool:
    """Return whether a CONFIG argument is an exported model, judging by its name."""
    return model is not None and model.lower().endswith('.onnx')


def check_model(args: argparse.Namespace, *, exported_only: bool = False) -> None:
    """Raise a UserError if CONFIG, CHECKPOINT and --model do not fit together.

    A checkpoint in place of CONFIG, alone, is used with the config in it. A folder
    becomes its last checkpoint. Without CHECKPOINT, the last one of the config's work
    folder is found when the config is read. With ``exported_only``, nothing but
    exported models can be opened.
    """
    if args.checkpoint is None and is_checkpoint(args.config):
        args.config, args.checkpoint = None, args.config
        if args.cfg_options:
            raise UserError(
                f'{args.checkpoint}: --cfg-options need a CONFIG before it; name the '
                'one in its work folder.'
            )
    if args.model is None and args.config is None and args.checkpoint is None:
        raise UserError(
            'No model is given; after the inputs, name the CONFIG of a training, a '
            'checkpoint (.pth), an exported model (.onnx), or one that comes with the '
            'package (--model).'
        )
    if args.model is None and not is_exported(args.config):
        if exported_only:
            raise UserError(
                f'{args.config or args.checkpoint}: needs PyTorch, which is not '
                'installed; export the model on a machine that has it (mmskelseg '
                'export), and name the .onnx file.'
            )
        if args.checkpoint is not None:
            args.checkpoint = named_checkpoint(args.checkpoint)
        args.ensemble = [named_checkpoint(file) for file in args.ensemble]
        for file in filter(None, (args.checkpoint, *args.ensemble)):
            regular_file(file)
        return
    given = {
        'CONFIG': args.config if args.model is not None else None,
        'CHECKPOINT': args.checkpoint,
        '--ensemble': args.ensemble,
        '--cfg-options': args.cfg_options,
    }
    for flag, value in given.items():
        if value:
            name = args.config if args.model is None else f'--model {args.model}'
            raise UserError(
                f'{name}: takes no {flag}, since the model contains everything; '
                'leave it out, or name the config and checkpoint of the training.'
            )
    if args.model is not None:
        check_zoo(args.model)


ESTIMATOR = Option(
    'pose estimator: mediapipe, topdown or topdown:NETWORK (MMDetection and MMPose), '
    'mmpose:ALIAS, rtmlib or rtmlib:MODE (default: %(default)s)',
    metavar='NAME',
)
ESTIMATOR_OPTIONS = Option(
    'options of the pose estimator, such as device=cuda:0 or weights=FILE',
    metavar='KEY=VALUE',
)


def add_pose_estimator_arguments(place: argparse._ActionsContainer) -> None:
    """Add --pose-estimator and --pose-options."""
    add_option(place, 'pose_estimator', ESTIMATOR, str, 'mediapipe')
    add_option(place, 'pose_options', ESTIMATOR_OPTIONS, Mapping[str, object], None)


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the inputs of a segmenter."""
    group = parser.add_argument_group('poses and other input')
    group.add_argument(
        '--poses',
        nargs='+',
        metavar='FILE',
        help='files with the poses of the videos, in the same order, or a folder of '
        'files with the same names',
    )
    add_pose_estimator_arguments(group)
    add_fields(group, PoseInput, *OF_NEW_VIDEOS, pose_format='--pose-format')
    group.add_argument(
        '--split', help='split of an annotation file, such as test (default: all)'
    )


def input_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of :func:`add_input_options` as keywords of ``stream``."""
    poses = args.poses
    return {
        'poses': poses[0] if poses is not None and len(poses) == 1 else poses,
        'split': args.split,
        **{name: getattr(args, name) for name in OF_NEW_VIDEOS},
    }


def add_device(parser: argparse.ArgumentParser, device: Callable[[str], str]) -> None:
    """Add --device, whose ``type`` is ``device``."""
    parser.add_argument(
        '--device',
        type=device,
        help='device such as cpu or cuda:0 (default: a GPU, if any)',
    )


def add_inference_options(
    parser: argparse.ArgumentParser, device: Callable[[str], str] = str
) -> None:
    """Add the options of a trained model, and the size of its batches.

    ``device`` is the ``type`` of --device; exported models check it themselves.
    """
    add_device(parser, device)
    parser.add_argument(
        '--batch-size',
        type=whole_from(1),
        default=1,
        help='number of videos that the model processes together; more videos need '
        'more memory (default: %(default)s)',
    )
    add_cfg_options(parser)


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add the settings that :func:`model_config` merges into the config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        metavar='KEY=VALUE',
        help='settings that override those of the config, as in training',
    )


def pose_estimator(args: argparse.Namespace) -> str | PoseEstimator:
    """Return the pose estimator of the options, for ``SkelSegInferencer``.

    Without options it is only a name, since it may never be needed.
    """
    if args.pose_options is None:
        return args.pose_estimator
    return built_pose_estimator(args)


def built_pose_estimator(args: argparse.Namespace) -> PoseEstimator:
    """Return the pose estimator of the options, ready to use."""
    return build_pose_estimator(args.pose_estimator, **(args.pose_options or {}))
