"""The inferencer: from videos or skeletons to segments."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.infer import BaseInferencer
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from torch import nn

from mmskelseg.apis.trained_model import checkpoint_files, load_model, own_config
from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.encoders.store import FeatureStore
from mmskelseg.fileio.model_zoo import zoo_model
from mmskelseg.models.data_preprocessor import Batch
from mmskelseg.registry import FUNCTIONS, TRANSFORMS
from mmskelseg.runtime.files.configs import find_config
from mmskelseg.runtime.messages.errors import UserError, shown
from mmskelseg.runtime.messages.progress import progress_bar
from mmskelseg.runtime.poses import Poses
from mmskelseg.runtime.poses.estimators import PoseEstimator, build_pose_estimator
from mmskelseg.runtime.poses.estimators.estimator import PoseEstimatorLike
from mmskelseg.runtime.segmenting.exports import draw_prediction
from mmskelseg.runtime.segmenting.frame_rates import ShownVideo, show_at
from mmskelseg.runtime.segmenting.inputs import Input, InputReader, Source, find_sources
from mmskelseg.runtime.segmenting.predictions import (
    PredictionFiles,
    check_min_score,
    drop_absent,
    drop_unsure,
    to_prediction,
)
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.choices import EACH
from mmskelseg.runtime.structures.predictions import InputVideo, Prediction
from mmskelseg.utils.devices import check_device

_SCOPE = 'mmskelseg'


class SkelSegInferencer(BaseInferencer):
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
    - with ``person='each'``, ``person`` and ``video``, their names. Frames have no
      label then while the person is out of view for more than a second.

    The features of a batch are computed in blocks of frames and stored in a temporary
    file, with 4 bytes per value: 0.9 GB for an hour at 30 frames per second with 2048
    values per frame. For a batch of one video, the model needs as much memory.

    Args:
        model: Path of a config, a config, or the name of one that comes with the
            package, such as ``skelseg/toy_joint_limb``. Such a config is a program, as
            everywhere in OpenMMLab. None: the config in the checkpoint, which is data
            and may only name registered parts.
        weights: Path of a checkpoint, or of several, such as of different seeds, whose
            probabilities are averaged. None: ``model`` is the name of a model that
            comes with the package, such as ``precog``.
        device: Device of the model; by default a GPU, if there is one.
        pose_estimator: The estimator of poses for videos without poses: its name or
            config for :func:`build_pose_estimator`, or
            an instance.
        show_progress: Whether to show progress bars.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        ValueError: If they do not belong together.

    Example::

        segment = SkelSegInferencer('mine.py', 'work_dirs/mine')
        segment('take1.mp4', poses='take1.json')['predictions'][0]['segments']
    """

    preprocess_kwargs = {
        'split', 'poses', 'person', 'fps', 'pose_format', 'first_frame',
    }  # fmt: skip
    forward_kwargs = {'min_score'}
    visualize_kwargs = {'return_vis'}
    postprocess_kwargs = {'out_dir', 'formats', 'codec', 'prefix', 'line_minutes'}

    def __init__(
        self,
        model: str | os.PathLike | Config | ConfigDict | None,
        weights: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
        device: str | None = None,
        *,
        pose_estimator: PoseEstimatorLike = 'mediapipe',
        show_progress: bool = True,
    ) -> None:
        if weights is None:
            model, weights = None, zoo_model(model).checkpoint()
        self.checkpoints = checkpoint_files(weights)
        if device is not None:
            check_device(device)
        self.pose_estimator = pose_estimator
        if isinstance(model, str | os.PathLike):
            model = str(find_config(model))
        first = self.checkpoints[0]
        trust = nullcontext() if model is not None else own_config(first)
        with DefaultScope.overwrite_default_scope(_SCOPE), trust:
            super().__init__(model, first, device, _SCOPE, show_progress)

    def __call__(
        self,
        inputs: Input | Sequence[Input],
        return_datasamples: bool = False,
        batch_size: int = 1,
        **kwargs: Any,
    ) -> dict[str, list]:
        """Return ``predictions`` and ``visualization`` of all videos.

        Args:
            inputs: See :func:`~mmskelseg.runtime.segmenting.inputs.find_sources`.
            return_datasamples: Whether predictions are ``ActionDataSample``.
            batch_size: Number of videos that the model processes together, padded to
                the longest; memory grows with it.
            **kwargs: ``split``, ``poses``: see ``find_sources``. ``person``, ``fps``,
                ``pose_format``, ``first_frame``: see
                :class:`InputReader`; with ``person='each'`` there
                is a prediction for each person. ``min_score``: segments with a lower
                confidence become unlabelled. ``return_vis``: whether to return
                timelines, RGB uint8 (H, W, 3), instead of None.
                ``out_dir``, ``formats``, ``codec``, ``line_minutes``: write files after
                each batch; see :func:`write_exports`. If there are
                several videos, the time budgets of all are written at the end.
                ``prefix``: whether file names begin with that of the video; by default
                if there are several.

        Raises:
            FileNotFoundError: If an input is missing.
            ValueError: If an input does not suit the model.
        """
        results: dict[str, list] = {'predictions': [], 'visualization': []}
        for batch in self.stream(inputs, return_datasamples, batch_size, **kwargs):
            for key, values in batch.items():
                results[key] += values
        return results

    def stream(
        self,
        inputs: Input | Sequence[Input],
        return_datasamples: bool = False,
        batch_size: int = 1,
        **kwargs: Any,
    ) -> Iterator[dict[str, list]]:
        """Yield the results of a call batch by batch, which limits the memory."""
        pre, forward, visual, post = self._dispatch_kwargs(**kwargs)
        _check_options(batch_size, forward.get('min_score', 0))
        asked = {key: pre.pop(key, None) for key in ('poses', 'split')}
        sources = find_sources(inputs, **asked)
        post.setdefault('prefix', len(sources) > 1 or pre.get('person') == EACH)
        classes = self.dataset_meta['classes']
        files = PredictionFiles(classes, show_progress=self.show_progress, **post)
        for videos, at_rate, data in self.preprocess(sources, batch_size, **pre):
            samples = self.forward(data, **forward)
            predictions = []
            for video, seen, sample in zip(videos, at_rate, samples, strict=True):
                fields = seen.at_own_frames(_fields(sample))
                fields['pred_label'] = drop_absent(video, fields['pred_label'])
                for key, value in fields.items():
                    sample.set_field(torch.from_numpy(value), key)
                predictions.append(to_prediction(video, fields, classes))
            images = self.visualize(videos, predictions, **visual)
            kept = samples if return_datasamples else predictions
            results = self.postprocess(predictions, images, files=files)
            yield results | {'predictions': kept}
        files.finish()

    def preprocess(
        self,
        inputs: Sequence[Source],
        batch_size: int = 1,
        *,
        person: str = 'track',
        fps: float | None = None,
        pose_format: str | None = None,
        first_frame: int | None = None,
    ) -> Iterator[tuple[list[InputVideo], list[ShownVideo], Batch]]:
        """Yield each batch of videos: annotations, resampled annotations, and features.

        Annotations are resampled to the frame rate of the model's training data.
        """
        reader = InputReader(
            self.dataset_meta['skeleton'],
            tuple(self.dataset_meta['classes']),
            self.needs_poses,
            self.needs_video,
            self._estimate,
            person,
            fps,
            pose_format,
            first_frame,
        )
        each = (video for source in inputs for video in reader.read(source))
        for videos in self._get_chunk_data(each, batch_size):
            shown = [
                show_at(
                    video, self.dataset_meta.get('fps'), needs_video=self.needs_video
                )
                for video in videos
            ]
            for video, seen in zip(videos, shown, strict=True):
                video['notes'] += (seen.note,) * bool(seen.note)
                for note in video['notes']:
                    print_log(f'{video["frame_dir"]}: {note}', 'current')
            features = self.collate_fn([self._load(seen.video) for seen in shown])
            yield videos, shown, features

    def forward(
        self, inputs: Batch, *, min_score: float = 0.0
    ) -> list[ActionDataSample]:
        """Return the predicted samples of a batch."""
        samples = super().forward(inputs)
        for sample in samples:
            label, score = sample.pred_label, sample.pred_score.cpu().numpy()
            kept = drop_unsure(label.cpu().numpy(), score, min_score)
            sample.pred_label = torch.from_numpy(kept).to(label)
        return samples

    def visualize(
        self,
        inputs: Sequence[InputVideo],
        preds: Sequence[Prediction],
        *,
        return_vis: bool = False,
    ) -> list[np.ndarray | None]:
        """Return the timelines of predictions."""
        return [draw_prediction(pred) if return_vis else None for pred in preds]

    def postprocess(
        self,
        preds: Sequence[Prediction],
        visualization: list[np.ndarray | None],
        *,
        files: PredictionFiles,
    ) -> dict[str, list]:
        """Write files, if requested, and return predictions with their timelines."""
        for pred in preds:
            files.add(pred)
        return {'predictions': list(preds), 'visualization': visualization}

    def _init_model(self, cfg: ConfigDict, weights: str, device: str) -> nn.Module:
        model, self.dataset_meta = load_model(cfg, self.checkpoints)
        return model.to(device).eval()

    def _init_pipeline(self, cfg: ConfigDict) -> Callable:
        dataset = cfg.test_dataloader.dataset
        self._recipes = [
            recipe_from_config(modality, config, self.dataset_meta['skeleton'])
            for modality, config in dataset.features.items()
        ]
        for recipe in self._recipes:
            # So that faults in its weights are reported before any work.
            recipe.load()
        self.needs_poses = any(r.reads == 'poses' for r in self._recipes)
        self.needs_video = any(r.reads == 'video' for r in self._recipes)
        return Compose([TRANSFORMS.build(part) for part in dataset.pipeline])

    def _init_collate(self, cfg: ConfigDict) -> Callable:
        # MMEngine's method only accepts a name.
        collate = cfg.test_dataloader.get('collate_fn') or 'pseudo_collate'
        options = dict(collate) if isinstance(collate, Mapping) else {'type': collate}
        return partial(FUNCTIONS.get(options.pop('type')), **options)

    def _init_visualizer(self, cfg: ConfigDict) -> None:
        """Return nothing, since timelines are drawn without a visualizer."""

    def _estimate(self, path: Path) -> Poses:
        # It is built when first needed, since its packages may be missing.
        if not isinstance(self.pose_estimator, PoseEstimator):
            self.pose_estimator = build_pose_estimator(self.pose_estimator)
        return self.pose_estimator.estimate(path, progress=self.show_progress)

    def _load(self, video: VideoAnnotation) -> Batch:
        """Return the features of a video, after the test pipeline of the model."""
        for recipe in self._recipes:
            recipe.check(video)
        frames = video['total_frames'] * len(self._recipes)
        if self.show_progress:
            print_log(f'{video["frame_dir"]}: making features', 'current')
        files = {}
        with TemporaryDirectory(prefix='mmskelseg-') as folder:
            with progress_bar('Making features', frames, self.show_progress) as count:
                for recipe in self._recipes:
                    store = FeatureStore(folder, recipe.modality, {})
                    path = store.folder / 'features.npy'
                    blocks = recipe.make(video, count)
                    store.write(path, video['total_frames'], blocks)
                    files[recipe.modality] = [str(path)]
            return self.pipeline({**video, 'feature_files': files})


def _check_options(batch_size: int, min_score: float) -> None:
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise UserError(
            f'batch_size is {shown(batch_size)}, expected a number of videos from 1.'
        )
    check_min_score(min_score)


def _fields(sample: ActionDataSample) -> dict[str, np.ndarray]:
    """Return the predicted fields of a sample as arrays."""
    names = ('pred_risk', 'pred_boundary', 'pred_entropy', 'pred_label', 'pred_score')
    return {name: sample.get(name).cpu().numpy() for name in names if name in sample}
