"""Live labels of a person's frames, by a trained model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from mmengine.config import Config, ConfigDict
from mmengine.device import get_device

from mmskelseg.export.opening import trained_model
from mmskelseg.export.recognizers import (
    RecognizerPredictor,
    RecognizerStream,
    is_recognizer,
)
from mmskelseg.export.streaming import (
    causal_coordinates,
    streaming_model,
    streaming_steps,
)
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.places.reading import places_of_stream
from mmskelseg_io.structures.places import Place
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.commands.models import ANY_CLIPS, ClipOptions, refuse_clips
from mmskelseg_runtime.features.coordinates import instances_of
from mmskelseg_runtime.streaming import SkeletonStream
from mmskelseg_runtime.streaming.model import PushModel


class SkelSegStream(SkeletonStream):
    """A stream that labels a person's frames live, with a trained causal model.

    Labels and probabilities are those that :class:`mmskelseg.apis.SkelSegInferencer`
    gives for the whole video. Of post-processing (``model.postprocess``), a stream can
    apply one ``CausalMinDuration``; anything else needs whole videos and is left out,
    and ``notes`` say so. Scores of risk and boundaries are left out as well. The
    network runs in NumPy, on one core.

    See :class:`mmskelseg_runtime.streaming.SkeletonStream` for its methods.

    Args:
        config: As for ``SkelSegInferencer``; None for the one in the checkpoint.
        checkpoint: Path of a checkpoint, or of several as an ensemble. None:
            ``config`` is the name of a model that comes with the package, such as
            ``precog``.
        fps: Frame rate of the training data, to which frames with time stamps are
            resampled; by default the one that the checkpoint states.
        people: For a model of pairs, the number of persons whose joints you push.
        objects: For a model that sees objects, the number of each kind whose points you
            push; by default one.
        places: For a model that sees places, these, or their file.
        layout: The layout of the joints that you push, such as ``coco17``; by default
            that of the model.
        clips: How a recogniser of MMAction2 labels the stream. A frame is labelled by
            the clip that ends with it, or shortly before it; ``fps`` is 30 by default.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        UserError: If the model is not causal, naming the option.

    Example::

        stream = SkelSegStream('mine.py', 'work_dirs/mine')
        for keypoints, score, time in camera:
            for frame in stream.push(keypoints, score, time):
                print(frame.time, frame.label)
    """

    def __init__(
        self,
        config: str | os.PathLike | Config | ConfigDict | None,
        checkpoint: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
        *,
        fps: float | None = None,
        layout: SkeletonLike | None = None,
        people: int = 2,
        objects: Mapping[str, int] | None = None,
        places: str | os.PathLike | Sequence[Place] | None = None,
        clips: ClipOptions = ANY_CLIPS,
    ) -> None:
        notes, steps, dtype = [], [], 'float32'
        weights: PushModel
        with trained_model(config, checkpoint, live=True, recognizers=True) as trained:
            cfg, meta = trained.cfg, trained.metainfo
            if is_recognizer(cfg.model):
                own = RecognizerPredictor(trained, get_device(), clips)
                meta, fps = own.metainfo, fps or meta.get('fps') or 30.0
                weights = RecognizerStream(own, fps, clips.img_shape)
                features = own.clips.running(people=1)
            else:
                refuse_clips(
                    ', '.join(trained.checkpoints), clips.clip_seconds, clips.label_map
                )
                weights = streaming_model(trained.model)
                steps = streaming_steps(trained.model)
                dataset = cfg.test_dataloader.dataset
                (modality,) = cfg.model.branches
                dtype = dataset.features[modality].get('dtype', dtype)
                render = causal_coordinates(modality, dataset, meta['skeleton'])
                kinds = instances_of(render.kinds, objects or {})
                features = render.running(people, kinds, places_of_stream(places))
        if cfg.model.get('postprocess') and not steps:
            names = ', '.join(step['type'] for step in cfg.model.postprocess)
            notes.append(
                f'model.postprocess ({names}) is left out, since it needs whole videos'
            )
        super().__init__(
            weights,
            features,
            meta,
            layout=layout,
            fps=fps,
            dtype=dtype,
            steps=steps,
            notes=notes,
        )
        for note in self.notes:
            print_log(note)
