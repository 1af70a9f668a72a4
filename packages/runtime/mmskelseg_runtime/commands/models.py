"""The trained model that a command names, and the videos that it gets."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mmskelseg_io.entry_points import entry_points, function
from mmskelseg_io.files.inputs import regular_file
from mmskelseg_io.files.work_folders import FITTED, checkpoint_file, config_in
from mmskelseg_io.inputs import OF_NEW_VIDEOS, ObjectInput, PlaceFile, PoseInput
from mmskelseg_io.jobs.job import Job, Result
from mmskelseg_io.messages.errors import MissingFileError, UserError
from mmskelseg_io.messages.options import Count, Positive, grouped, like, option
from mmskelseg_runtime.estimators import PoseEstimator, build_pose_estimator
from mmskelseg_runtime.segmenting.model_zoo import check_zoo, has_exported, is_named

_INPUT = 'poses and other input'


@dataclass(frozen=True)
class PoseEstimation:
    """How the poses in videos are estimated."""

    pose_estimator: str = option(
        'pose estimator: rtmlib or rtmlib:MODE (RTMPose), mediapipe, topdown or '
        'topdown:NETWORK (MMDetection and MMPose), mmpose:ALIAS (default: %(default)s)',
        'rtmlib',
        metavar='NAME',
    )
    pose_options: Mapping[str, object] | None = option(
        'options of the pose estimator, such as device=cuda:0 or weights=FILE',
        None,
        metavar='KEY=VALUE',
    )


@dataclass(frozen=True)
class ClipOptions:
    """How a recogniser of MMAction2 labels recordings."""

    clip_seconds: Positive | None = option(
        'seconds of the clips that a recogniser of MMAction2 gets, which overlap '
        '(default: 2)',
        None,
        metavar='SECONDS',
    )
    label_map: Path | None = option(
        'for a recogniser of MMAction2, a file with the name of a class in each line '
        '(default: those of its training, or numbers)',
        None,
        metavar='FILE',
    )
    #: Height and width of the image in pixels, by default those of MMAction2.
    img_shape: tuple[int, int] = (1080, 1920)


#: How clips are labelled without options.
ANY_CLIPS = ClipOptions()


def refuse_clips(
    model: str, clip_seconds: float | None, label_map: str | os.PathLike | None
) -> None:
    """Raise a UserError if a segmentor gets options of recognisers."""
    if clip_seconds or label_map:
        raise UserError(
            f'{model}: no recogniser of MMAction2, which --clip-seconds and '
            '--label-map are for; leave them out.'
        )


@dataclass(frozen=True)
class NamedModel:
    """A trained model, as it was named.

    Attributes:
        config: Config file or its name, or an exported model; None for the config in
            the checkpoint.
        checkpoint: Checkpoint; None for the last one of the config's training.
        name: In place of both, what stands for a whole model: the folder of a fit or of
            a shared model, or the name of a model of the package or of a hub.
        ensemble: Further checkpoints.
        cfg_options: Settings that override those of the config.
    """

    config: str | None = None
    checkpoint: str | None = None
    name: str | None = None
    ensemble: Sequence[str] = ()
    cfg_options: Mapping[str, object] | None = None

    def __str__(self) -> str:
        return self.name or self.config or self.checkpoint or ''

    def is_exported(self, *, live: bool = False) -> bool:
        """Whether ONNX Runtime can run it; for streams if ``live``."""
        if self.name is None:
            return is_onnx(self.config)
        return is_named(self.name) or has_exported(self.name, live=live)


def find_model(
    model: str,
    checkpoint: str | None = None,
    ensemble: Sequence[str] = (),
    cfg_options: Mapping[str, object] | None = None,
) -> NamedModel:
    """Return the model that MODEL, or CONFIG and CHECKPOINT, name.

    MODEL is the folder of a fit, of a training or of a shared model; a checkpoint, with
    the config in it; an exported model; or the name of a model of the package or of a
    hub. Settings and further checkpoints need the config or the checkpoint of a folder.

    Raises:
        UserError: If they do not fit together.
    """
    more: dict[str, object] = {
        'CHECKPOINT': checkpoint,
        '--ensemble': ensemble,
        '--cfg-options': cfg_options,
    }
    if not any(more.values()) and is_whole(model):
        return NamedModel(name=model)
    if is_onnx(model) or is_name(model):
        for flag, value in more.items():
            if value:
                raise UserError(
                    f'{model}: takes no {flag}, since the model contains everything; '
                    'leave it out, or name the config and checkpoint of the training.'
                )
        return NamedModel(model)
    config: str | None = model
    if checkpoint is None and is_checkpoint(model):
        config, checkpoint = None, model
    if config is None and cfg_options:
        if config_in(model) is None:
            raise UserError(
                f'{model}: --cfg-options need a CONFIG before it; name the one in its '
                'work folder.'
            )
        config = model
    files = [file for file in (checkpoint, *ensemble) if file is not None]
    named = [named_checkpoint(file) for file in files]
    for file in named:
        regular_file(file)
    first = None if checkpoint is None else named.pop(0)
    return NamedModel(config, first, None, named, cfg_options)


@dataclass(frozen=True, kw_only=True)
class ModelJob(Job[Result]):
    """A job with a trained model."""

    #: The function of an installed package that opens models that need PyTorch, given
    #: the job and its model.
    opener: ClassVar[str] = 'open_inferencer'
    model: str | None = option(
        'the model, if it does not follow the inputs, such as precog, which comes with '
        'the package, or one of a hub, hf:USER/NAME (docs/model_zoo.md, docs/share.md)',
        None,
        metavar='NAME',
    )
    ensemble: Sequence[str] = option(
        'further checkpoints of the same config, such as other seeds, to average their '
        'probabilities',
        (),
        metavar='CHECKPOINT',
    )
    cfg_options: Mapping[str, object] | None = option(
        'settings that override those of the config, as in training',
        None,
        metavar='KEY=VALUE',
    )

    @property
    def has_pytorch(self) -> bool:
        """Whether a package is installed that opens models that need PyTorch."""
        return self.opener in entry_points('functions')

    def with_pytorch(self, model: NamedModel, *more: object) -> Any:
        """Return what the function for models that need PyTorch returns."""
        return entry_points('functions')[self.opener].load()(self, model, *more)

    def named_model(self, model: str | None, checkpoint: str | None) -> NamedModel:
        """Return the model that words and the options name; see :func:`find_model`.

        Without CHECKPOINT, the last one of a config's work folder is found when the
        config is read.

        Raises:
            UserError: If they do not fit together.
        """
        if self.model is not None and model is not None:
            raise UserError(
                f'--model {self.model}: names the model, and {model} another one; '
                'leave one of them out.'
            )
        model = self.model or model
        if model is None:
            raise UserError(
                'No model is given; after the inputs, name the folder of a fit or a '
                'training, a checkpoint (.pth), an exported model (.onnx), a model '
                'that comes with the package (precog), or a CONFIG.'
            )
        if self.model is not None and not Path(model).exists():
            check_zoo(model)
        is_exported = is_onnx(model) or is_name(model) or has_exported(model)
        if not (self.has_pytorch or is_exported):
            raise UserError(
                f'{model}: needs PyTorch, which is not installed; export the model on '
                'a machine that has it (mmskelseg export), and name the .onnx file.'
            )
        return find_model(model, checkpoint, self.ensemble, self.cfg_options)


@dataclass(frozen=True, kw_only=True)
class VideosJob(ModelJob[Result]):
    """A job with a trained model, and videos or poses that it gets."""

    inputs: Sequence[str]
    device: str | None = option(
        'device such as cpu or cuda:0 (default: a GPU, if any)', None
    )
    batch_size: Count = option(
        'number of videos that the model processes together; more videos need more '
        'memory (default: %(default)s)',
        1,
    )
    clip_seconds: Positive | None = like(ClipOptions, 'clip_seconds')
    label_map: Path | None = like(ClipOptions, 'label_map')
    poses: Sequence[str] | None = option(
        'files with the poses of the videos, in the same order, or a folder of files '
        'with the same names',
        None,
        group=_INPUT,
        metavar='FILE',
    )
    pose_estimator: str = like(PoseEstimation, 'pose_estimator', group=_INPUT)
    pose_options: Mapping[str, object] | None = like(
        PoseEstimation, 'pose_options', group=_INPUT
    )
    person: str = like(PoseInput, 'person', group=_INPUT)
    fps: Positive | None = like(PoseInput, 'fps', group=_INPUT)
    img_shape: tuple[int, int] | None = like(PoseInput, 'img_shape', group=_INPUT)
    pose_format: str | None = like(PoseInput, 'pose_format', group=_INPUT)
    first_frame: int | None = like(PoseInput, 'first_frame', group=_INPUT)
    joints: Path | None = option(
        'table of the joints whose names in the poses differ from those of the model, '
        'with the columns model and own (docs/share.md)',
        None,
        group=_INPUT,
        metavar='FILE',
    )
    object_input: ObjectInput = grouped(_INPUT, ObjectInput())
    places: Path | None = like(PlaceFile, 'places', group=_INPUT)
    split: str | None = option(
        'split of an annotation file, such as test (default: all)', None, group=_INPUT
    )

    def named(self) -> tuple[list[str], NamedModel]:
        """Return the inputs, and the model that is named after them."""
        inputs, config, checkpoint = split_model(self.inputs, self.model)
        return inputs, self.named_model(config, checkpoint)

    def stream_options(self) -> dict[str, Any]:
        """Return how inputs are read, as keywords of ``Segmenter.stream``."""
        poses = self.poses
        names = ('split', 'joints', 'places', *OF_NEW_VIDEOS)
        return {
            'poses': poses[0] if poses is not None and len(poses) == 1 else poses,
            **{name: getattr(self, name) for name in names},
            **vars(self.object_input),
        }

    def estimator(self) -> str | PoseEstimator:
        """Return the pose estimator, for a segmenter.

        Without options it is only a name, since it may never be needed.
        """
        if self.pose_options is None:
            return self.pose_estimator
        return build_pose_estimator(self.pose_estimator, **self.pose_options)


def split_model(
    words: Sequence[str], model: str | None
) -> tuple[list[str], str | None, str | None]:
    """Return the inputs, and the CONFIG and CHECKPOINT that follow them.

    With a ``model`` by name, all words are inputs.
    """
    inputs, config, checkpoint = list(words), None, None
    if model is None:
        if len(inputs) > 2 and not _is_model(*inputs[-2:]):
            checkpoint = inputs.pop()
        if len(inputs) > 1:
            config = inputs.pop()
    return inputs, config, checkpoint


def _is_model(before: str, last: str) -> bool:
    """Return whether the last argument is a whole model, without one before it."""
    if is_checkpoint(last):
        return _is_input(before)
    return is_onnx(last) or is_whole(last) or _is_config(last)


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
    # Configs come with the package that trains.
    find = None if Path(text).is_file() else function('find_config')
    with suppress(MissingFileError):
        return find is not None and find(text).is_file()
    return False


def is_name(model: str) -> bool:
    """Return whether MODEL is the name of a model, not the path of one."""
    return is_named(model) and not Path(model).exists()


def is_whole(model: str) -> bool:
    """Return whether MODEL stands for a model as it is: a name, or its folder."""
    return is_name(model) or has_exported(model) or Path(model, FITTED).is_file()


def is_checkpoint(model: str) -> bool:
    """Return whether MODEL is a checkpoint, or a folder that has one."""
    if not Path(model).is_dir():
        return is_weights(model)
    with suppress(MissingFileError):
        return bool(checkpoint_file(model))
    return False


def is_weights(model: str | os.PathLike) -> bool:
    """Return whether MODEL is the file of a checkpoint, judging by its name."""
    return Path(model).suffix.lower() in ('.pth', '.safetensors')


def named_checkpoint(name: str) -> str:
    """Return the checkpoint that an argument names; say which, if it is a folder."""
    file = checkpoint_file(name)
    if file != name:
        say_checkpoint(file)
    return file


def say_checkpoint(file: str) -> None:
    """Print which checkpoint was found; standard output is for results."""
    print(f'Checkpoint: {file}', file=sys.stderr)


def is_onnx(model: str | None) -> bool:
    """Return whether MODEL is an exported model, judging by its name."""
    return model is not None and model.lower().endswith('.onnx')
