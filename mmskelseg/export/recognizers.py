"""Recognisers of MMAction2, which label clips of skeletons, in sliding windows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from inspect import isclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from torch import nn

from mmskelseg.checkpoints.reading import meta_of, tensors_of
from mmskelseg.checkpoints.weights import check_weights, trained_data
from mmskelseg.registry import MODELS
from mmskelseg_io.files.clips import LAYOUT_OF
from mmskelseg_io.files.metainfo_checks import check_metainfo
from mmskelseg_io.files.parsing import read_lines
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.individuals import alone, placed
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.commands.models import ClipOptions
from mmskelseg_runtime.decoding import decode
from mmskelseg_runtime.features.blocks import Frames, State
from mmskelseg_runtime.features.coordinates import Coordinates, read_joints
from mmskelseg_runtime.features.recipe import FeatureRecipe

if TYPE_CHECKING:
    from mmskelseg.export.opening import TrainedModel

#: Seconds of a window, if none are given.
SECONDS = 2.0
# A window begins at each quarter of one; so many are in a batch.
_STRIDES, _BATCH = 4, 32
# The step whose data set says whether joints are in 3D.
_FEATS = 'GenSkeFeat'


def is_recognizer(model: Mapping[str, Any]) -> bool:
    """Return whether the config of a model is that of a recogniser of MMAction2."""
    kind = model.get('type')
    if isinstance(kind, str):
        kind = MODELS.get(kind) or MODELS.get(f'mmaction.{kind}')
    # Their base class is not imported for other models, since it takes seconds.
    bases = kind.__mro__ if isclass(kind) else ()
    names = [f'{base.__module__}.{base.__name__}' for base in bases]
    return 'mmaction.models.recognizers.base.BaseRecognizer' in names


def open_recognizer(cfg: ConfigDict, content: object, source: str) -> nn.Module:
    """Return the recogniser of a config, with the weights of a checkpoint's content.

    Its heads give probabilities, whatever the config says.

    Raises:
        UserError: If it reads images, or the checkpoint is of another model; messages
            name the config and ``source``, the checkpoint's file.
    """
    config = getattr(cfg, 'filename', None) or 'the config'
    steps = [_kind(step) for step in _pipeline(cfg)]
    if 'FormatGCNInput' not in steps and (
        'GeneratePoseTarget' not in steps or 'MMDecode' in steps
    ):
        raise UserError(
            f'{config}: {cfg.model.type} reads images of a video '
            f'({", ".join(steps[:2])}), but skeletons are labelled here; name a '
            'recogniser of skeletons, whose pipeline has FormatGCNInput or '
            'GeneratePoseTarget alone, such as ST-GCN++ or PoseC3D.'
        )
    now, then = _read(cfg), meta_of(content).get('cfg')
    if isinstance(then, str):
        before = _read(Config.fromstring(then, '.py')._cfg_dict)
        if before != now:
            raise UserError(
                f'{source}: was trained on {shown(before)}, but {config} has '
                f'{shown(now)}; use the config that it was trained with.'
            )
    cfg.model.cls_head.average_clips = 'prob'
    with DefaultScope.overwrite_default_scope('mmaction'):
        model = MODELS.build(cfg.model)
    state, what = tensors_of(content, source), f'a checkpoint of the model in {config}'
    check_weights(state, model.state_dict(), source, what=what)
    model.load_state_dict(state)
    return model


def recognizer_metainfo(cfg: ConfigDict, content: object, source: str) -> Metainfo:
    """Return ``classes`` and ``skeleton`` of a recogniser, and what else is stated.

    A checkpoint states them if the ``metainfo`` of its data set did. The layout is else
    MMAction2's of as many joints, and classes have numbers.

    Raises:
        UserError: If the layout is unknown.
    """
    given = _data_set(cfg).get('metainfo', {})
    config = getattr(cfg, 'filename', None) or source
    meta: Metainfo = {
        'classes': [f'class {k}' for k in range(cfg.model.cls_head.num_classes)],
        'background': None,
        **check_metainfo(given, config),
        **trained_data(content, source),
    }
    joints = _joints(cfg.model.backbone)
    layout = meta.setdefault('skeleton', LAYOUT_OF.get(joints, ''))
    if not layout or Skeleton.get(layout).num_joints != joints:
        raise UserError(
            f'{config}: {cfg.model.type} reads {joints} joints, but their layout is '
            f'{layout or "unknown"}; name it (--cfg-options '
            'test_dataloader.dataset.metainfo.skeleton=coco17).'
        )
    return meta


class Clips(Coordinates):
    """Skeletons as they are: rows (T, M, V, D) of a recording, the last one a score.

    The person to label is first. Those of a video whose people are labelled separately
    are alone in it. Rows of a stream are those of one person, (n, V * D), with scores
    0 and 1.
    """

    context = (0.0, 0.0)
    others = True
    needs_others = False

    def __init__(self, skeleton: Layout, dims: Literal[2, 3]) -> None:
        super().__init__(dims, person=None)
        self.skeleton = Skeleton.get(skeleton)

    def blocks(self, video: VideoAnnotation, frames: int, /) -> Iterator[np.ndarray]:
        """Yield all rows."""
        video = alone(video) if 'person' in video else placed(video, 0)
        key = self._key(video)
        points, score = read_joints(
            video, key, self.skeleton, self.dims, np.float32, score_dtype=np.float32
        )
        yield np.concatenate([points, score[..., None]], axis=-1).swapaxes(0, 1)

    def describe(self, frames: Frames, state: State) -> np.ndarray:
        """Return the rows of the next frames of a stream."""
        values = np.concatenate([frames.points[0], frames.seen[0][..., None]], axis=-1)
        width = math.prod(values.shape[1:])
        return values.reshape(len(values), width).astype(np.float32)

    def settings(self) -> dict[str, object]:
        """Return what determines the rows."""
        return {'type': 'Clips', 'dims': self.dims}


class RecognizerPredictor:
    """A ``Predictor`` that runs a recogniser of MMAction2 in windows of a video.

    Each window passes through the recogniser's own test pipeline, as a clip. The
    probabilities of a frame are the means of those of the windows that it is in.
    Segments are at least half a window long.

    Args:
        trained: The recogniser.
        device: Where it runs.
        clips: The length of a window, by default ``SECONDS``, and the file of names.

    Raises:
        UserError: If the file has another number of classes.
    """

    def __init__(
        self,
        trained: 'TrainedModel',
        device: str,
        clips: ClipOptions,
    ) -> None:
        self.model, self.device = trained.model.to(device).eval(), device
        (self.name,) = trained.checkpoints
        self.metainfo: Metainfo = {**trained.metainfo}
        self.seconds, label_map = clips.clip_seconds or SECONDS, clips.label_map
        if label_map is not None:
            self.metainfo['classes'] = read_lines(label_map)
            check_metainfo(self.metainfo, str(label_map))
        there, count = (
            len(self.metainfo['classes']),
            trained.cfg.model.cls_head.num_classes,
        )
        if there != count:
            raise UserError(
                f'{label_map or self.name}: names {there} classes, but the recogniser '
                f'has {count}; name a file with a class in each line (--label-map).'
            )
        steps = _pipeline(trained.cfg)
        with DefaultScope.overwrite_default_scope('mmaction'):
            self.pipeline = Compose(steps)
        self.collate = pseudo_collate
        self.clips = Clips(self.metainfo['skeleton'], 3 if _is_3d(steps) else 2)
        self.recipes: Sequence[FeatureRecipe] = [FeatureRecipe('clips', self.clips)]

    def predict(
        self,
        videos: Sequence[VideoAnnotation],
        features: Sequence[Mapping[str, np.ndarray]],
    ) -> list[dict[str, np.ndarray]]:
        """Return the prediction for each video; see ``Predictor``."""
        return [
            self._prediction(each['clips'], video)
            for video, each in zip(videos, features, strict=True)
        ]

    def _prediction(
        self, rows: np.ndarray, video: VideoAnnotation
    ) -> dict[str, np.ndarray]:
        size = self.size(video['fps'])
        score = np.zeros((len(self.metainfo['classes']), len(rows)), np.float32)
        counts = np.zeros(len(rows), np.float32)
        windows = window_slices(len(rows), size)
        for begin in range(0, len(windows), _BATCH):
            batch = windows[begin : begin + _BATCH]
            found = self.recognize([rows[one] for one in batch], video['img_shape'])
            for window, one in zip(batch, found, strict=True):
                score[:, window] += one[:, None]
                counts[window] += 1
        score /= counts
        entropy = -(score * np.log(np.maximum(score, 1e-12))).sum(axis=0)
        shortest = {'type': 'MinDuration', 'frames': -(-size // 2)}
        decoded = decode(
            {'pred_score': score, 'pred_entropy': entropy}, steps=[[shortest]]
        )
        decoded.pop('raw_label')
        return decoded

    def size(self, fps: float) -> int:
        """Return the number of frames in a window."""
        return max(round(self.seconds * fps), 1)

    def recognize(
        self, clips: Sequence[np.ndarray], img_shape: tuple[int, int]
    ) -> np.ndarray:
        """Return the probabilities (N, K) of clips (T, M, V, D) of any lengths."""
        data = [self.pipeline(_clip(rows, img_shape)) for rows in clips]
        with torch.no_grad():
            samples = self.model.test_step(self.collate(data))  # type: ignore[operator]
        return np.stack([sample.pred_score.cpu().numpy() for sample in samples])


class RecognizerStream:
    """A ``PushModel`` that labels a frame by the window that ends with the latest one.

    A window ends with each ``stride``-th frame; those after it get the same.

    Args:
        predictor: The recogniser.
        fps: Frames per second of the stream.
        img_shape: Height and width of the image to which joints refer.
    """

    lookahead = 0

    def __init__(
        self, predictor: RecognizerPredictor, fps: float, img_shape: tuple[int, int]
    ) -> None:
        self.predictor, self.img_shape = predictor, img_shape
        self.size = predictor.size(fps)
        self.stride = max(self.size // _STRIDES, 1)
        self.joint = predictor.clips.skeleton.num_joints, predictor.clips.dims + 1
        self.in_channels = math.prod(self.joint)
        self.num_classes = len(predictor.metainfo['classes'])

    @property
    def states(self) -> dict[str, tuple[int, ...]]:
        """The shape of each buffer."""
        return {'window': (self.size, self.in_channels), 'score': (self.num_classes,)}

    def push(
        self,
        features: np.ndarray,
        present: np.ndarray,
        frames: int,
        states: Sequence[np.ndarray],
    ) -> tuple[np.ndarray, int, Sequence[np.ndarray]]:
        """Return probabilities (n, K) of frames, the frame count, and the buffers."""
        (window, score), scores = states, []
        for row in features:
            window = np.concatenate([window[1:], row[None]])
            if frames % self.stride == 0:
                clip = window[-min(frames + 1, self.size) :]
                people = clip.reshape(len(clip), 1, *self.joint)
                (score,) = self.predictor.recognize([people], self.img_shape)
            scores.append(score)
            frames += 1
        return np.stack(scores), frames, [window, score]


def window_slices(frames: int, size: int) -> list[slice]:
    """Return the windows of a recording; the last one ends with it.

    >>> window_slices(9, 4)[-2:], window_slices(3, 4)
    ([slice(4, 8, None), slice(5, 9, None)], [slice(0, 4, None)])
    """
    last = max(frames - size, 0)
    begins = [*range(0, last, max(size // _STRIDES, 1)), last]
    return [slice(begin, begin + size) for begin in begins]


def _clip(rows: np.ndarray, img_shape: tuple[int, int]) -> dict[str, Any]:
    """Return a clip as MMAction2's pipelines read it; steps may change it in place."""
    points, score = rows[..., :-1].swapaxes(0, 1), rows[..., -1].swapaxes(0, 1)
    clip = {
        'label': -1,
        'img_shape': tuple(img_shape),
        'original_shape': tuple(img_shape),
        'start_index': 0,
        'modality': 'Pose',
        'total_frames': len(rows),
        'keypoint': points.copy(),
    }
    # MMAction2 has no scores of joints in 3D.
    return clip if points.shape[-1] == 3 else {**clip, 'keypoint_score': score.copy()}


def _pipeline(cfg: ConfigDict) -> list[ConfigDict]:
    """Return the steps of a config's test pipeline."""
    return cfg.test_pipeline if 'test_pipeline' in cfg else _data_set(cfg).pipeline


def _data_set(cfg: ConfigDict) -> ConfigDict:
    """Return the config of the test data, which may be left out."""
    return (cfg.get('test_dataloader') or ConfigDict()).get('dataset', ConfigDict())


def _read(cfg: ConfigDict) -> list[dict[str, Any]]:
    """Return what of a config decides whether joints, bones or motions are read."""
    keys = ('dataset', 'feats', 'with_kp', 'with_limb')
    found = [{k: step[k] for k in keys if k in step} for step in _pipeline(cfg)]
    return [one for one in found if one]


def _is_3d(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a pipeline reads joints in 3D."""
    data = [step.get('dataset', 'nturgb+d') for step in steps if _kind(step) == _FEATS]
    return 'nturgb+d' in data or 'PreNormalize3D' in map(_kind, steps)


def _kind(step: Mapping[str, Any]) -> str:
    """Return the name of a step's type, without that of its package."""
    kind = step['type']
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def _joints(backbone: ConfigDict) -> int:
    """Return the number of joints that a network reads."""
    if 'graph_cfg' not in backbone:
        return backbone.get('in_channels', 0)
    from mmaction.models.utils import Graph

    return Graph(**backbone.graph_cfg).num_node
