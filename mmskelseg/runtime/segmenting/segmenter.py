"""Segmentation of videos or skeletons with an exported model."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.runtime.decoding import decode
from mmskelseg.runtime.messages.errors import UserError, shown
from mmskelseg.runtime.messages.logs import print_log
from mmskelseg.runtime.messages.progress import progress_bar
from mmskelseg.runtime.poses import Poses
from mmskelseg.runtime.poses.estimators import PoseEstimator, build_pose_estimator
from mmskelseg.runtime.poses.estimators.estimator import PoseEstimatorLike
from mmskelseg.runtime.segmenting.exports import draw_prediction
from mmskelseg.runtime.segmenting.frame_rates import show_at
from mmskelseg.runtime.segmenting.inputs import (
    GivenPoses,
    Input,
    InputReader,
    find_sources,
)
from mmskelseg.runtime.segmenting.model_files import ModelFile
from mmskelseg.runtime.segmenting.onnx_features import recipe_of
from mmskelseg.runtime.segmenting.predictions import (
    PredictionFiles,
    check_min_score,
    drop_absent,
    drop_unsure,
    to_prediction,
)
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.choices import EACH

# Number of frames that the graph processes together, besides those around them.
_CHUNK = 32768


class OnnxSegmenter:
    """A segmenter of videos with an exported model, like ``SkelSegInferencer``.

    For a model in float32, labels are the same and probabilities within 1e-5. For the
    keys of a prediction, see :class:`mmskelseg.apis.SkelSegInferencer`.

    Args:
        model: The file that `mmskelseg export` wrote; nothing else is needed.
        device: ``cpu`` or ``cuda``; by default a GPU, if this ONNX Runtime has one.
        threads: Number of threads; 0 for one per core.
        pose_estimator: The pose estimator for videos without poses, as for
            ``SkelSegInferencer``; ``mediapipe`` and ``rtmlib`` need no PyTorch.
        show_progress: Whether to show progress bars.

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
        pose_estimator: PoseEstimatorLike = 'mediapipe',
        show_progress: bool = True,
    ) -> None:
        self.file = ModelFile.open(model, device, threads)
        self.pose_estimator = pose_estimator
        self.show_progress = show_progress
        metadata = self.file.metadata
        if metadata['kind'] != 'segmentor':
            raise self.file.fault(
                f'its kind is {metadata["kind"]!r}, but whole videos need a segmentor, '
                'exported without --streaming or --encoder'
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
            raise self.file.fault('its graph does not output probabilities')

    def __call__(
        self, inputs: Input | Sequence[Input], **kwargs: Any
    ) -> dict[str, list]:
        """Return ``predictions`` and ``visualization`` of all videos.

        Args:
            inputs: See :func:`mmskelseg.runtime.segmenting.inputs.find_sources`.
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
        inputs: Input | Sequence[Input],
        *,
        poses: GivenPoses | Sequence[GivenPoses] | None = None,
        split: str | None = None,
        person: str = 'track',
        fps: float | None = None,
        pose_format: str | None = None,
        first_frame: int | None = None,
        min_score: float = 0.0,
        return_vis: bool = False,
        out_dir: str | os.PathLike | None = None,
        formats: Sequence[str] = (),
        codec: str = 'mp4v',
        prefix: bool | None = None,
        line_minutes: float | None = None,
    ) -> Iterator[dict[str, list]]:
        """Yield the results of a call video by video, which limits the memory.

        Args:
            inputs: See :func:`find_sources`, as for ``poses`` and
                ``split``.
            poses: Poses of the videos.
            split: The split of an annotation file.
            person: See :class:`InputReader`, as for ``fps``,
                ``pose_format`` and ``first_frame``.
            fps: Frames per second of the poses, instead of what their files state.
            pose_format: The format of files of poses; by default recognised.
            first_frame: The ``image_id`` of the first frame of COCO results.
            min_score: Segments with a lower confidence become unlabelled.
            return_vis: Whether to return timelines, RGB uint8 (H, W, 3).
            out_dir: The folder for files; see :func:`write_exports`, as
                for ``formats``, ``codec`` and ``line_minutes``.
            formats: The formats to write.
            codec: Codec of the overlay.
            prefix: Whether file names begin with that of the video; by default if there
                are several.
            line_minutes: Length of the lines of timelines.
        """
        check_min_score(min_score)
        sources = find_sources(inputs, poses=poses, split=split)
        reader = InputReader(
            self.skeleton,
            self.classes,
            any(recipe.reads == 'poses' for recipe in self._recipes),
            any(recipe.reads == 'video' for recipe in self._recipes),
            self._estimate,
            person,
            fps,
            pose_format,
            first_frame,
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
        """Return the predictions for the frames of a video.

        Args:
            video: Its annotation.

        Returns:
            ``pred_score`` (K, T), ``pred_label`` (T,) after post-processing and, from
            further heads, ``pred_risk`` and ``pred_boundary`` (T,).
        """
        outputs = self._run(self._features(video))
        fields = {f: outputs[key] for key, f in self._fields.items()}
        fields['pred_score'] = np.ascontiguousarray(fields['pred_score'].T)
        return decode(fields, self.file.metadata['postprocess'])

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
            # The settings in the file have valid names, but invalid values.
            raise self.file.fault(
                f'features cannot be made with its settings ({type(e).__name__}: '
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
                        self._check(recipe.modality, block)
                        features = np.empty((frames, *block.shape[1:]), np.float32)
                    features[begin : begin + len(block)] = block
                    begin += len(block)
                made[f'features_{recipe.modality}'] = features
        return made

    def _check(self, name: str, features: np.ndarray) -> None:
        shape = self.file.inputs[f'features_{name}']
        # Only the number of frames may vary.
        if [*features.shape[1:]] != shape[1:]:
            raise self.file.fault(
                f'its graph reads features {shape[1:]} of {name}, but its recipe makes '
                f'{[*features.shape[1:]]}'
            )

    def _run(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs of the graph; long videos run in overlapping chunks.

        Chunks give the same result, with memory that does not grow with the video.
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
            length = min(end + context, frames) - first
            for name, found in zip(names, outputs, strict=True):
                classes = (len(self.classes),) if name == 'probabilities' else ()
                self.file.check_output(name, found, (length, *classes))
            parts.append([x[begin - first : end - first] for x in outputs])
        arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
        return dict(zip(names, arrays, strict=True))

    def _estimate(self, path: Path) -> Poses:
        # It is built when first needed, since its packages may be missing.
        if not isinstance(self.pose_estimator, PoseEstimator):
            self.pose_estimator = build_pose_estimator(self.pose_estimator)
        return self.pose_estimator.estimate(path, progress=self.show_progress)
