"""The one pipeline of inference: from videos or skeletons to segments and files."""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from html import escape
from io import BytesIO
from itertools import islice
from logging import WARNING
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from mmskelseg_io.files.arrays import gathered
from mmskelseg_io.inputs import (
    OF_NEW_VIDEOS,
    OF_OBJECTS,
    ObjectInput,
    PlaceFile,
    PoseInput,
    named_joints,
)
from mmskelseg_io.labels.segments import LabelledVideos, segment_columns
from mmskelseg_io.labels.writing import EXPORTS
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import OF_CONTENT, UserError, shown
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.messages.options import Count, Fraction, checked
from mmskelseg_io.messages.progress import progress_bar
from mmskelseg_io.objects import FoundObjects
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.places import Place, notes_outside
from mmskelseg_io.structures.predictions import InputVideo
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.estimators import PoseEstimator, build_pose_estimator
from mmskelseg_runtime.estimators.estimator import PoseEstimatorLike
from mmskelseg_runtime.features.recipe import FeatureRecipe
from mmskelseg_runtime.segmenting.exports import draw_prediction, video_segments
from mmskelseg_runtime.segmenting.frame_rates import ShownVideo, show_at
from mmskelseg_runtime.segmenting.inputs import InputReader
from mmskelseg_runtime.segmenting.onnx_predictor import OnnxPredictor
from mmskelseg_runtime.segmenting.predictions import (
    FileOptions,
    PredictionFiles,
    drop_absent,
    drop_unsure,
    to_prediction,
)
from mmskelseg_runtime.segmenting.sources import GivenPoses, Input, Source, find_sources

if TYPE_CHECKING:
    from pandas import DataFrame
    from PIL.Image import Image


# What says how videos are read, besides poses and split.
_OF_VIDEOS = (*OF_NEW_VIDEOS, *OF_OBJECTS, 'joints', 'places')
_LONELY = (
    'shows one individual, but the model also sees the nearest other: labels of what '
    'depends on it are guesses'
)


class Predictor(Protocol):
    """A trained model, whatever runs it."""

    #: How messages name it.
    name: str
    #: ``classes``, ``tiers`` if it has several, ``skeleton`` and ``fps`` of its
    #: training data.
    metainfo: Metainfo
    #: How the features of each of its branches are made.
    recipes: Sequence[FeatureRecipe]

    @property
    def device(self) -> str | None:
        """Where it computes; None where its library chooses."""

    def predict(
        self,
        videos: Sequence[VideoAnnotation],
        features: Sequence[Mapping[str, np.ndarray]],
    ) -> list[dict[str, np.ndarray]]:
        """Return the prediction for each of some videos.

        Args:
            videos: Their annotations.
            features: The features of each branch of each video, (T, C) or (T, C, V);
                large ones may be mapped from a file.

        Returns:
            ``pred_score`` (K, T), ``pred_label`` (T,) after post-processing, and
            ``pred_entropy``, ``pred_risk`` and ``pred_boundary`` (T,), where the model
            has them.
        """


class Results(dict[str, list]):
    """The ``predictions`` and ``visualization`` of some videos."""

    def to_dataframe(self) -> 'DataFrame':
        """Return a row for each predicted segment, as ``segments.csv`` has them.

        Raises:
            DependencyError: If pandas is not installed.
        """
        return LabelledVideos(map(video_segments, self['predictions'])).to_dataframe()

    def plot(self) -> 'Image':
        """Return the timelines of the videos below each other, as an image of Pillow.

        Raises:
            DependencyError: If matplotlib or Pillow is not installed.
        """
        images = import_optional('PIL.Image', 'An image')
        rows = [draw_prediction(prediction) for prediction in self['predictions']]
        return images.fromarray(np.concatenate(rows))

    def _repr_html_(self) -> str:
        """Return the timelines and a table of the segments, for notebooks."""
        with BytesIO() as file:
            self.plot().save(file, 'PNG')
            picture = b64encode(file.getvalue()).decode()
        columns = segment_columns(map(video_segments, self['predictions']))
        rows = [columns, *zip(*columns.values(), strict=True)]
        cells = [''.join(f'<td>{escape(_cell(v))}</td>' for v in row) for row in rows]
        table = ''.join(f'<tr>{row}</tr>' for row in cells)
        return (
            f'<img src="data:image/png;base64,{picture}" alt="Timelines">'
            f'<table>{table}</table>'
        )


def _cell(value: object) -> str:
    """Return a value in a table: times and scores with two digits."""
    return f'{value:.2f}' if isinstance(value, float) else str(value)


class Segmenter:
    """A segmenter of videos with a trained model.

    ``segment(inputs, ...)`` returns the ``predictions`` and the ``visualization`` of
    all videos, and ``segment.stream(inputs, ...)`` yields those of each batch. Both
    take:

    - ``inputs``, ``poses``, ``split``: see
      :func:`mmskelseg_runtime.segmenting.sources.find_sources`;
    - ``person``, ``fps``, ``img_shape``, ``pose_format``, ``first_frame``: see
      :class:`mmskelseg_io.inputs.PoseInput`;
    - ``objects``, ``object_format``, ``object_kinds``, ``object_thr``: see
      :class:`mmskelseg_io.inputs.ObjectInput`; a single path needs no list;
    - ``joints``: a table of joints that have other names than those of the model; see
      :func:`mmskelseg_io.inputs.named_joints`;
    - ``places``: the file of the places in the videos; see
      :func:`mmskelseg_io.places.read_places`;
    - ``batch_size``: number of videos that the model processes together, padded to the
      longest; memory grows with it;
    - ``min_score``: segments with a lower mean probability become unlabelled;
    - ``return_vis``: whether to return timelines, RGB uint8 (H, W, 3), instead of None;
    - ``out_dir``: the folder for files, which are written after each batch. If there
      are several videos, the time budgets of all are written at the end;
    - ``formats``, ``codec``, ``line_minutes``, ``station``: see
      :func:`mmskelseg.apis.write_exports`;
    - ``prefix``: whether file names begin with that of the video; by default if there
      are several.

    For the keys of a prediction, see :class:`mmskelseg.apis.SkelSegInferencer`.

    Args:
        predictor: The model.
        pose_estimator: The estimator of poses for videos without poses: its name or
            config, or an instance.
        show_progress: Whether to show progress bars.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        pose_estimator: PoseEstimatorLike = 'rtmlib',
        show_progress: bool = True,
    ) -> None:
        self.predictor = predictor
        self.pose_estimator = pose_estimator
        self.show_progress = show_progress
        self.metainfo = predictor.metainfo
        self.classes = tuple(self.metainfo['classes'])
        self.skeleton = self.metainfo['skeleton']
        reads = {recipe.reads for recipe in predictor.recipes}
        self.needs_poses = 'poses' in reads
        self.needs_video = 'video' in reads
        self.needs_3d = any(recipe.in_3d for recipe in predictor.recipes)
        #: The kinds of objects that the model sees, with the names of their points.
        self.kinds = {k: v for r in predictor.recipes for k, v in r.kinds.items()}
        #: The names of the places that it sees.
        self.places = [*dict.fromkeys(n for r in predictor.recipes for n in r.places)]
        self.pairs = any(recipe.sees_others for recipe in predictor.recipes)
        self.needs_others = any(recipe.needs_others for recipe in predictor.recipes)

    @checked
    def stream(
        self,
        inputs: Input | Sequence[Input],
        *,
        batch_size: Count = 1,
        poses: GivenPoses | Sequence[GivenPoses] | None = None,
        split: str | None = None,
        min_score: Fraction = 0.0,
        return_vis: bool = False,
        **options: Any,
    ) -> Iterator[Results]:
        """Yield the results of each batch of videos, which limits the memory.

        Raises:
            TypeError: If there is no such option.
            UserError: If an input is missing, or does not suit the model.
        """
        of_videos = {name: options.pop(name) for name in _OF_VIDEOS if name in options}
        known = {'batch_size', 'min_score', 'return_vis', *_OF_VIDEOS}
        known |= {one.name for one in fields(FileOptions)}
        for name in options.keys() - known:
            near = get_close_matches(name, known, n=1)
            hint = f'did you mean {near[0]!r}?' if near else ', '.join(sorted(known))
            raise TypeError(f'there is no option {name!r}; {hint}')
        files = FileOptions(**options)
        if files.station:
            # Before poses are estimated, so that mistakes show at once.
            for check in {one.check for one in EXPORTS.values() if one.check}:
                check(files.station, self.classes)
        names, videos = self.videos(inputs, poses=poses, split=split, **of_videos)
        if files.prefix is None:
            is_each = of_videos.get('person') == EACH
            files = replace(files, prefix=len(names) > 1 or is_each)
        writer = PredictionFiles(self.metainfo, files, self.show_progress)
        return self._results(videos, writer, batch_size, min_score, return_vis)

    def videos(
        self,
        inputs: Input | Sequence[Input],
        *,
        poses: GivenPoses | Sequence[GivenPoses] | None = None,
        split: str | None = None,
        joints: str | os.PathLike | None = None,
        places: str | os.PathLike | None = None,
        **options: Any,
    ) -> tuple[list[str], Iterator[InputVideo]]:
        """Return the names of the inputs, and their videos, as the model reads them.

        Arguments are those of :meth:`stream`; an input may have several people.
        """
        own = {name: options.pop(name) for name in OF_NEW_VIDEOS if name in options}
        given = PoseInput(
            **own, others=self.pairs, kpt_thr=self.metainfo.get('kpt_thr')
        )
        reader = InputReader(
            self.skeleton, self.classes, self.needs_poses, self.needs_video,
            self._estimate, given, named_joints(joints, self.skeleton),
        )  # fmt: skip
        sources = find_sources(
            inputs, poses=poses, split=split, objects=_read_objects(**options)
        )
        names = [source.name for source in sources]
        found = PlaceFile(Path(places) if places else None).of(names)
        placed = {name: {'places': own} for name, own in found.items()}
        return names, (
            cast(InputVideo, {**video, **placed.get(source.name, {})})
            for source in sources
            for video in self._read(source, reader)
        )

    def _read(self, source: Source, reader: InputReader) -> list[InputVideo]:
        """Return the videos of a source; warn of kinds that its objects lack."""
        is_flat = source.entry is None and source.poses is None
        # Before poses are estimated, which takes long.
        videos = [] if self.needs_3d and is_flat else reader.read(source)
        if self.needs_3d and not (videos and 'keypoint_3d' in videos[0]):
            raise UserError(
                f'{source.name}: has no joints in 3D, which the model '
                f'{self.predictor.name} reads; name an annotation file with '
                'keypoint_3d, or train a model that reads joints in 2D, as poses from '
                'videos are (mmskelseg fit ANN --recipe pose2d).'
            )
        for video in videos if self.needs_others else ():
            if video['keypoint_score'].any(axis=(1, 2)).sum() < 2:
                video['notes'] += (_LONELY,)
        there = dict.fromkeys(one['kind'] for one in videos[0].get('objects', ()))
        # The kinds of a data set have their names, whichever a recording shows.
        meta = {} if source.objects else source.metainfo or {}
        missing = self.kinds.keys() - there - meta.get('objects', {}).keys()
        if there and missing:
            print_log(
                f'{source.name}: has no {" or ".join(sorted(missing))}, which the '
                f'model sees, among its objects ({listed([*there])}); if they have '
                'other names, give both (--object-kinds CLASS=KIND).',
                WARNING,
            )
        return videos

    def _results(
        self,
        read: Iterator[InputVideo],
        files: PredictionFiles,
        batch_size: int,
        min_score: float,
        return_vis: bool,
    ) -> Iterator[Results]:
        while videos := list(islice(read, batch_size)):
            found = self.predict(videos, min_score=min_score)
            pairs = zip(videos, found, strict=True)
            predictions = [to_prediction(*pair, self.metainfo) for pair in pairs]
            for prediction in predictions:
                files.add(prediction)
            images = [draw_prediction(p) if return_vis else None for p in predictions]
            yield Results(predictions=predictions, visualization=images)
        files.finish()

    def __call__(self, inputs: Input | Sequence[Input], **options: Any) -> Results:
        """Return the results of all videos; see :meth:`stream`."""
        results = Results(predictions=[], visualization=[])
        for batch in self.stream(inputs, **options):
            for key, values in batch.items():
                results[key] += values
        return results

    def predict(
        self,
        videos: Sequence[InputVideo],
        *,
        min_score: float = 0.0,
        quiet: bool = False,
    ) -> list[dict[str, np.ndarray]]:
        """Return the predicted fields of videos, for their own frames.

        The model sees them at the frame rate of its training data. If it is not
        ``quiet``, what was assumed is logged.
        """
        shown = [self._shown(video) for video in videos]
        for video in () if quiet else videos:
            for note in video['notes']:
                print_log(f'{video["frame_dir"]}: {note}')
        features = [self._features(one.video) for one in shown]
        found = self.predictor.predict([one.video for one in shown], features)
        results = []
        for video, one, given in zip(videos, shown, found, strict=True):
            fields = one.at_own_frames(given)
            label, score = fields['pred_label'], fields['pred_score']
            tiers = tiers_of(self.metainfo)
            label = drop_unsure(label, score, min_score, tiers)
            fields['pred_label'] = drop_absent(video, label)
            results.append(fields)
        return results

    def _shown(self, video: InputVideo) -> ShownVideo:
        """Return a video as the model sees it, and note what was assumed."""
        fps = self.metainfo.get('fps')
        one = show_at(video, fps, needs_video=self.needs_video)
        if one.note:
            video['notes'] += (one.note,)
        drawn = [
            Place.of(p) for p in video.get('places', ()) if p['name'] in self.places
        ]
        video['notes'] += tuple(notes_outside(drawn, video['img_shape']))
        return one

    def _features(self, video: VideoAnnotation) -> dict[str, np.ndarray]:
        """Return the features of each branch, (T, C) or (T, C, V)."""
        recipes = self.predictor.recipes
        for recipe in recipes:
            recipe.check(video)
        frames = video['total_frames']
        total = frames * len(recipes)
        with progress_bar('Making features', total, self.show_progress) as count:
            return {
                recipe.modality: gathered(recipe.make(video, count), frames)
                for recipe in recipes
            }

    def _estimate(self, path: Path) -> Poses:
        # It is built when first needed, since its packages may be missing.
        if not isinstance(self.pose_estimator, PoseEstimator):
            self.pose_estimator = build_pose_estimator(self.pose_estimator)
        if self.pose_estimator.device is None:
            self.pose_estimator.device = self.predictor.device
        return self.pose_estimator.estimate(path, progress=self.show_progress)


def _read_objects(
    objects: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    **options: Any,
) -> list[FoundObjects] | None:
    """Return the objects in files, None if no file is named."""
    if isinstance(objects, str | os.PathLike):
        objects = [objects]
    return ObjectInput(objects, **options).read() if objects else None


class OnnxSegmenter(Segmenter):
    """A segmenter of videos with an exported model, like ``SkelSegInferencer``.

    For a model in float32 on a CPU, labels are the same and probabilities within 1e-5;
    GPUs round more. For the keys of a prediction, see
    :class:`mmskelseg.apis.SkelSegInferencer`.

    Args:
        model: The file that `mmskelseg export` wrote, the folder of a shared model, or
            the name of a model of the package, such as ``precog``, or of a hub,
            ``hf:USER/NAME``.
        device: ``cpu``, ``cuda`` or ``cuda:1`` and so on; by default a GPU, if this
            ONNX Runtime can use one.
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
        pose_estimator: PoseEstimatorLike = 'rtmlib',
        show_progress: bool = True,
    ) -> None:
        self.predictor: OnnxPredictor
        super().__init__(
            OnnxPredictor(model, device, threads=threads),
            pose_estimator=pose_estimator,
            show_progress=show_progress,
        )

    def _features(self, video: VideoAnnotation) -> dict[str, np.ndarray]:
        try:
            return super()._features(video)
        except UserError:
            raise
        except OF_CONTENT as error:
            # The settings in the file have valid names, but invalid values.
            raise self.predictor.file.fault(
                f'features cannot be made with its settings ({type(error).__name__}: '
                f'{shown(error)})'
            ) from error
