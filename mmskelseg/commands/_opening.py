"""Opens the models that commands name; it imports PyTorch."""

from collections.abc import Mapping

from mmengine.config import Config

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.commands.export import ExportModel
from mmskelseg.config_files import find_config
from mmskelseg.engine.config_checks import building, check_config, read_config
from mmskelseg.engine.loading import last_checkpoint
from mmskelseg.export.export import ExportReport, export_onnx
from mmskelseg.export.recognizers import is_recognizer
from mmskelseg_io.jobs.declared import from_options
from mmskelseg_runtime.commands.live import Live
from mmskelseg_runtime.commands.models import ClipOptions, NamedModel, VideosJob


def opened(model: NamedModel) -> tuple[Config | str | None, list[str] | None]:
    """Return the config of a model, or its name, and its checkpoints.

    The config is checked, and has the settings of the model; None stands for that in
    the checkpoint. Without a checkpoint, it is the last one of the config's training.
    """
    if model.name is not None:
        return model.name, None
    if model.config is None:
        return None, [str(model.checkpoint), *model.ensemble]
    config = read_config(find_config(model.config), model.cfg_options)
    # The names in MMAction2's configs are those of its own registries.
    if not is_recognizer(config.model):
        check_config(config, model.config)
    checkpoint = model.checkpoint or last_checkpoint(config, model.config)
    return config, [checkpoint, *model.ensemble]


def load_inferencer(job: VideosJob, model: NamedModel) -> SkelSegInferencer:
    """Return a trained model, on the device of a job, that shows no progress."""
    config, checkpoints = opened(model)
    with building(str(model)):
        return SkelSegInferencer(
            config,
            checkpoints,
            job.device,
            pose_estimator=job.estimator(),
            show_progress=False,
            clips=from_options(ClipOptions, vars(job)),
        )


def open_stream(
    job: Live,
    model: NamedModel,
    objects: Mapping[str, int],
    img_shape: tuple[int, int],
) -> SkelSegStream:
    """Return the stream of a trained causal model, as a job wants it."""
    config, checkpoints = opened(model)
    with building(str(model)):
        return SkelSegStream(
            config,
            checkpoints,
            fps=job.fps,
            objects=objects,
            places=job.places,
            clips=from_options(ClipOptions, {**vars(job), 'img_shape': img_shape}),
        )


def export(job: ExportModel, model: NamedModel) -> ExportReport:
    """Write a trained model as the ONNX file of a job."""
    return export_onnx(
        *opened(model),
        job.files[-1],
        streaming=job.streaming,
        precision=job.precision,
        fps=job.fps,
        inputs=job.inputs,
    )
