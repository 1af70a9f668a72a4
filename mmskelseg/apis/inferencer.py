"""The inferencer: from videos or skeletons to segments."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.infer import BaseInferencer

from mmskelseg.export.opening import trained_model
from mmskelseg.export.predictor import TorchPredictor, check_device
from mmskelseg.export.recognizers import RecognizerPredictor, is_recognizer
from mmskelseg_io.structures.predictions import InputVideo, Prediction
from mmskelseg_runtime.commands.models import ANY_CLIPS, ClipOptions, refuse_clips
from mmskelseg_runtime.estimators.estimator import PoseEstimatorLike
from mmskelseg_runtime.segmenting.exports import draw_prediction
from mmskelseg_runtime.segmenting.segmenter import Results, Segmenter
from mmskelseg_runtime.segmenting.sources import Input


class SkelSegInferencer(Segmenter, BaseInferencer):
    """An inferencer that segments videos with a trained model or an ensemble.

    A prediction is the video's annotation (docs/data_format.md) with additional keys:

    - ``pred_label`` (T,): the class id of each frame, -1 in segments below
      ``min_score``;
    - ``pred_score`` (K, T): the probability of each class in each frame;
    - ``segments``: dicts with ``start_frame``, ``end_frame`` (exclusive), ``start`` and
      ``end`` in seconds, ``label``, ``label_id`` and ``score``, the mean probability of
      the label over the segment;
    - ``pred_entropy`` (T,), the entropy of the probabilities in nats, averaged over the
      members of an ensemble;
    - ``pred_risk`` (T,), if the model has a risk head;
    - ``pred_boundary`` (T,), the probability that a segment begins in a frame, if the
      model has a boundary head;
    - ``classes``, ``skeleton``, and ``notes`` on assumptions about the input;
    - with ``person='each'``, the names ``person`` and ``video``. Frames are then
      unlabelled while the person is out of view for more than a second.

    It has the interface of MMEngine's inferencers; the work is done by
    :class:`mmskelseg_runtime.segmenting.segmenter.Segmenter`, as for exported models.
    The features of a batch are computed in blocks of frames and stored in temporary
    files, with 4 bytes per value: 0.9 GB for an hour at 30 frames per second with 2048
    values per frame. For a batch of one video, the model needs as much memory.

    Args:
        model: Path of a config, a config, or the name of one that comes with the
            package, such as ``skelseg/toy_joint_limb``. Such a config is a program, as
            everywhere in OpenMMLab. None: the config in the checkpoint, which is data
            and may only name registered parts.
        weights: Path of a checkpoint, or of several (such as different seeds) to
            average their probabilities. None: ``model`` is the folder of a fit, a
            training or a shared model, or the name of a model of the package, such as
            ``precog``, or of a hub, ``hf:USER/NAME``.
        device: Device of the model; by default a GPU, if there is one.
        pose_estimator: The estimator of poses for videos without poses: its name or
            config for :func:`build_pose_estimator`, or an instance.
        show_progress: Whether to show progress bars.
        clips: How a recogniser of MMAction2 labels recordings; see
            :class:`RecognizerPredictor`.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        ValueError: If they do not belong together.

    Example::

        segment = SkelSegInferencer('mine.py', 'work_dirs/mine')
        segment('take1.mp4', poses='take1.json')['predictions'][0]['segments']
    """

    def __init__(
        self,
        model: str | os.PathLike | Config | ConfigDict | None,
        weights: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
        device: str | None = None,
        *,
        pose_estimator: PoseEstimatorLike = 'rtmlib',
        show_progress: bool = True,
        clips: ClipOptions = ANY_CLIPS,
    ) -> None:
        if device is not None:
            check_device(device)
        self.device = device or get_device()
        predictor: TorchPredictor | RecognizerPredictor
        with trained_model(model, weights, recognizers=True) as trained:
            if is_recognizer(trained.cfg.model):
                predictor = RecognizerPredictor(trained, self.device, clips)
            else:
                refuse_clips(
                    ', '.join(trained.checkpoints), clips.clip_seconds, clips.label_map
                )
                predictor = TorchPredictor(trained, self.device)
        self.checkpoints = trained.checkpoints
        self.cfg, self.model = trained.cfg, predictor.model
        self.dataset_meta = predictor.metainfo
        self.pipeline, self.collate_fn = predictor.pipeline, predictor.collate
        Segmenter.__init__(
            self, predictor, pose_estimator=pose_estimator, show_progress=show_progress
        )

    @classmethod
    def from_pretrained(
        cls, model: str | os.PathLike, device: str | None = None, **options: Any
    ) -> 'SkelSegInferencer':
        """Open a model of a hub or of a folder, as libraries of hubs do.

        Args:
            model: ``hf:USER/NAME``, or ``hf:USER/NAME@REVISION``; the folder of
                `mmskelseg share` or `mmskelseg fit`; or the name of a model that comes
                with the package.
            device: As for the class, as are the options.

        Raises:
            UnavailableError: If the model cannot be downloaded.
        """
        return cls(model, None, device, **options)

    # The order of the first arguments is that of MMEngine.
    def __call__(
        self,
        inputs: Input | Sequence[Input],
        return_datasamples: bool = False,
        batch_size: int = 1,
        **options: Any,
    ) -> Results:
        """Return ``predictions`` and ``visualization`` of all videos.

        Args:
            inputs: Videos, poses, annotations, or folders of these.
            return_datasamples: Whether predictions are ``ActionDataSample``.
            batch_size: Number of videos that the model processes together.
            **options: See :class:`Segmenter`, which lists them.

        Raises:
            FileNotFoundError: If an input is missing.
            ValueError: If an input does not suit the model.
        """
        results = super().__call__(inputs, batch_size=batch_size, **options)
        if return_datasamples:
            results['predictions'] = [*map(_sample, results['predictions'])]
        return results

    def forward(
        self, inputs: Sequence[InputVideo], **options: Any
    ) -> list[dict[str, np.ndarray]]:
        """Return the predicted fields of videos, as :meth:`predict` does."""
        return self.predict(inputs, **options)

    def visualize(
        self, inputs: Sequence[InputVideo], preds: Sequence[Prediction], **_: Any
    ) -> list[np.ndarray]:
        """Return the timelines of predictions."""
        return [draw_prediction(prediction) for prediction in preds]

    def postprocess(
        self,
        preds: Sequence[Prediction],
        visualization: Sequence[np.ndarray],
        *_: Any,
        **__: Any,
    ) -> dict[str, list]:
        """Return predictions with their timelines."""
        return {'predictions': [*preds], 'visualization': [*visualization]}

    def _init_pipeline(self, cfg: ConfigDict) -> object:
        return self.pipeline


def _sample(prediction: Prediction) -> ActionDataSample:
    """Return a prediction as a sample, as models give it."""
    values: Mapping[str, Any] = prediction
    meta = {key: values[key] for key in ('frame_dir', 'total_frames', 'fps')}
    sample = ActionDataSample(metainfo=meta)
    for key, value in values.items():
        if key.startswith('pred_'):
            sample.set_field(torch.from_numpy(value), key)
    return sample
