"""From videos or skeletons to segments, by an exported model."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.apis.exports import draw_prediction
from mmskelseg.apis.frame_rates import show_at
from mmskelseg.apis.inputs import InputReader, find_sources
from mmskelseg.apis.pose_estimators import PoseEstimator, build_pose_estimator
from mmskelseg.apis.predictions import (
    PredictionFiles,
    drop_absent,
    drop_unsure,
    to_prediction,
)
from mmskelseg.decoding import run_steps
from mmskelseg.fileio.model_files import ModelFile
from mmskelseg.interchange.poses import Poses
from mmskelseg.runtime.features import recipe_of
from mmskelseg.structures.annotations import VideoAnnotation
from mmskelseg.utils.choices import EACH
from mmskelseg.utils.errors import UserError, shown
from mmskelseg.utils.logs import print_log
from mmskelseg.utils.progress import progress_bar

# Frames of a video that go through the graph together, beside those around them.
_CHUNK = 32768


class OnnxSegmenter:
    """Segments videos by an exported model, as ``SkelSegInferencer`` by a checkpoint.

    Labels are the same and probabilities within 1e-5, for a model in float32. A
    prediction is the dict that :class:`mmskelseg.apis.SkelSegInferencer` describes.

    Args:
        model: The file that `mmskelseg export` wrote; nothing else is needed.
        device: ``cpu`` or ``cuda``; by default a GPU, if this ONNX Runtime has one.
        threads: How many compute; 0 for one a core.
        pose_estimator: What estimates poses of videos that come without, as for
            ``SkelSegInferencer``: ``mediapipe`` and ``rtmlib`` need no PyTorch.
        show_progress: Whether bars are shown.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If it is not the segmentor that `mmskelseg export` writes.

    Example::

        segment = OnnxSegmenter('model.onnx')
        segment('take1.mp4', poses='take1.json')['predictions'][0]['segments']
    """

    def __init__(
        self,
        model: str | os.PathLike,
        device: str | None = None,
        *,
        threads: int = 0,
        pose_estimator: str | Mapping[str, Any] | PoseEstimator = 'mediapipe',
        show_progress: bool = True,
    ) -> None:
        self.file = ModelFile.open(model, device, threads)
        self.pose_estimator = pose_estimator
        self.show_progress = show_progress
        metadata = self.file.metadata
        if metadata['kind'] != 'segmentor':
            raise self.file.fault(
                f'it is of the kind {metadata["kind"]!r}, but whole videos need a '
                'segmentor, without --streaming or --encoder'
            )
        self.classes = tuple(metadata['classes'])
        self.skeleton = metadata['skeleton']
        self._recipes = [recipe_of(self.file, name) for name in metadata['branches']]
        for name in metadata['branches']:
            if len(self.file.inputs.get(f'features_{name}', ())) < 2:
                raise self.file.fault(f'its graph has no input of the branch {name!r}')
        fields = {'probabilities': 'pred_score'}
        fields |= {key: f'pred_{key}' for key in ('risk', 'boundary')}
        self._fields = {k: v for k, v in fields.items() if k in self.file.outputs}
        if 'probabilities' not in self._fields:
            raise self.file.fault('its graph gives no probabilities')

    def __call__(self, inputs: Any, **kwargs: Any) -> dict[str, list]:
        """Return ``predictions`` and ``visualization`` of all videos.

        Args:
            inputs: See :func:`mmskelseg.apis.inputs.find_sources`.
            **kwargs: As for :meth:`stream`.

        Raises:
            FileNotFoundError: If an input is missing.
            UserError: If an input does not suit the model.
        """
        results: dict[str, list] = {'predictions': [], 'visualization': []}
        for one in self.stream(inputs, **kwargs):
            for key, values in one.items():
                results[key] += values
        return results

    def stream(
        self,
        inputs: Any,
        *,
        poses: Any = None,
        split: str | None = None,
        person: str = 'track',
        fps: float | None = None,
        min_score: float = 0.0,
        return_vis: bool = False,
        out_dir: str | os.PathLike | None = None,
        formats: Sequence[str] = (),
        codec: str = 'mp4v',
        prefix: bool | None = None,
        line_minutes: float | None = None,
    ) -> Iterator[dict[str, list]]:
        """Yield what a call returns, video by video, so that no more is held.

        Args:
            inputs: See :func:`mmskelseg.apis.inputs.find_sources`, as for ``poses`` and
                ``split``.
            poses: Poses of the videos.
            split: Of an annotation file.
            person: See :class:`mmskelseg.apis.inputs.InputReader`, as for ``fps``.
            fps: Frames per second of poses that do not state it.
            min_score: Segments of less confidence become unlabelled.
            return_vis: Whether timelines are returned, RGB uint8 (H, W, 3).
            out_dir: Where files are written; see :func:`mmskelseg.apis.write_exports`,
                as for ``formats``, ``codec`` and ``line_minutes``.
            formats: What is written.
            codec: Of the overlay.
            prefix: Whether names of files begin with the video's; by default where
                there are several.
            line_minutes: Of timelines.
        """
        sources = find_sources(inputs, poses=poses, split=split)
        reader = InputReader(
            self.skeleton,
            self.classes,
            any(recipe.reads == 'poses' for recipe in self._recipes),
            any(recipe.reads == 'video' for recipe in self._recipes),
            self._estimate,
            person,
            fps,
        )
        several = len(sources) > 1 or person == EACH
        files = PredictionFiles(
            self.classes,
            out_dir=out_dir,
            formats=formats,
            codec=codec,
            prefix=several if prefix is None else prefix,
            line_minutes=line_minutes,
            show_progress=self.show_progress,
        )
        for video in (video for source in sources for video in reader.read(source)):
            shown = show_at(
                video, self.file.metadata['fps'], needs_video=reader.needs_video
            )
            video['notes'] += (shown.note,) * bool(shown.note)
            for note in video['notes']:
                print_log(f'{video["frame_dir"]}: {note}')
            fields = shown.at_own_frames(self.predict(shown.video))
            label = drop_unsure(fields['pred_label'], fields['pred_score'], min_score)
            fields['pred_label'] = drop_absent(video, label)
            prediction = to_prediction(video, fields, self.classes)
            image = draw_prediction(prediction) if return_vis else None
            files.add(prediction)
            yield {'predictions': [prediction], 'visualization': [image]}
        files.finish()

    def predict(self, video: VideoAnnotation) -> dict[str, np.ndarray]:
        """Return what is predicted of a video's frames.

        Args:
            video: Its annotation.

        Returns:
            ``pred_score`` (K, T), ``pred_label`` (T,) after post-processing and, from
            further heads, ``pred_risk`` and ``pred_boundary`` (T,).
        """
        outputs = self._run(self._features(video))
        fields = {f: outputs[key] for key, f in self._fields.items()}
        score = fields['pred_score']
        if score.shape != (video['total_frames'], len(self.classes)):
            raise self.file.fault(
                f'gives probabilities of shape {score.shape} for '
                f'{video["total_frames"]} frames and {len(self.classes)} classes'
            )
        fields['pred_score'] = np.ascontiguousarray(score.T)
        fields['pred_label'] = score.argmax(axis=1)
        return run_steps(fields, self.file.metadata['postprocess'])

    def _features(self, video: VideoAnnotation) -> dict[str, np.ndarray]:
        """Return the features of all branches by the names of the graph's inputs."""
        try:
            return self._make_features(video)
        except UserError:
            raise
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as e:
            # The file's settings are of the right names, but not of the right kinds.
            raise self.file.fault(
                f'features cannot be made by its settings ({type(e).__name__}: '
                f'{shown(e)})'
            ) from e

    def _make_features(self, video: VideoAnnotation) -> dict[str, np.ndarray]:
        for recipe in self._recipes:
            recipe.check(video)
        frames = video['total_frames']
        total = frames * len(self._recipes)
        made = {}
        with progress_bar('Making features', total, self.show_progress) as count:
            for recipe in self._recipes:
                features, begin = np.empty(0), 0
                for block in recipe.make(video, count):
                    if begin == 0:
                        features = np.empty((frames, *block.shape[1:]), np.float32)
                    features[begin : begin + len(block)] = block
                    begin += len(block)
                self._check(recipe.modality, features)
                made[f'features_{recipe.modality}'] = features
        return made

    def _check(self, name: str, features: np.ndarray) -> None:
        shape = self.file.inputs[f'features_{name}']
        # The number of frames is free.
        if [*features.shape[1:]] != shape[1:]:
            raise self.file.fault(
                f'its graph reads features {shape[1:]} of {name}, but its recipe makes '
                f'{[*features.shape[1:]]}'
            )

    def _run(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the graph, of long videos in chunks that overlap.

        The result is the same, and memory does not grow with the video.
        """
        frames = len(next(iter(features.values())))
        context, step = self.file.metadata['context'], _CHUNK
        if context is None:
            context, step = 0, frames
        names, parts = list(self._fields), []
        for begin in range(0, frames, step):
            end = min(begin + step, frames)
            first = max(begin - context, 0)
            feed = {k: v[first : end + context] for k, v in features.items()}
            outputs = self.file.run(names, feed)
            parts.append([x[begin - first : end - first] for x in outputs])
        arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return dict(zip(names, arrays, strict=True))

    def _estimate(self, path: Path) -> Poses:
        # Built when it is first needed, since its packages may be missing.
        if not isinstance(self.pose_estimator, PoseEstimator):
            self.pose_estimator = build_pose_estimator(self.pose_estimator)
        return self.pose_estimator.estimate(path, progress=self.show_progress)
