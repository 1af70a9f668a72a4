"""Live labelling of a person's poses."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from mmskelseg_io.files.inputs import RATES, is_rate
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import MIN_SCORE
from mmskelseg_io.structures.skeleton import Layout, Skeleton, SkeletonLike
from mmskelseg_io.structures.tiers import tier_sizes, tiers_of
from mmskelseg_runtime.features.coordinates import RunningFeatures
from mmskelseg_runtime.streaming.labels import RunningLabels
from mmskelseg_runtime.streaming.model import ModelStream, PushModel, check_state
from mmskelseg_runtime.streaming.resampling import Resampler


@dataclass(frozen=True)
class LabelledFrame:
    """A frame of a stream whose label is final; there is one for each tier.

    Args:
        index: Number of the frame from 0, at the model's frame rate.
        time: Time in seconds, on the clock of the pushed times, or since the first
            frame; None if the frame rate is unknown.
        label: Name of its class, the likeliest one before post-processing.
        label_id: Id of the class.
        probabilities: Probabilities of all classes of the tier, shape (K,).
        tier: Name of the tier; '' if there is only one.
    """

    index: int
    time: float | None
    label: str
    label_id: int
    probabilities: np.ndarray
    tier: str = ''


class SkeletonStream:
    """A stream that labels a person's frames as their poses arrive.

    The label of a frame is final, that is, the same as in the segmentation of the whole
    video, after ``lookahead`` further frames. Memory and time per frame are constant.
    For several people, use several streams that share the model; see :meth:`another`::

        streams = defaultdict(stream.another)
        streams[track_id].push(keypoints)

    Frames with times are resampled to ``fps`` by :class:`Resampler`, which repeats the
    last pose for dropped frames, and skips frames that come too fast. ``repeated`` and
    ``skipped`` count both. Frames without times must have the model's frame rate.

    Args:
        model: The model.
        coordinates: Features of poses, of one person or of several.
        meta: Its ``classes``, ``tiers`` if it has several, ``skeleton``, the layout of
            the joints that it reads, ``kpt_thr``, the score below which joints are
            missing, if it has one, and ``fps`` of its training data, if known.
        layout: The layout of the joints that are pushed; by default the model's.
        fps: Frame rate of the training data, if ``meta`` does not state it.
        dtype: Type of the features, ``float32`` or ``float16``.
        steps: Post-processing: one ``CausalMinDuration`` for each tier, as plain
            values, or nothing.
        notes: Sentences about what the stream leaves out.

    Raises:
        UserError: If ``fps`` is out of range, or the layout does not suit.
    """

    _ended: bool

    def __init__(
        self,
        model: PushModel,
        coordinates: RunningFeatures,
        meta: Mapping[str, object],
        *,
        layout: SkeletonLike | None = None,
        fps: float | None = None,
        dtype: str = 'float32',
        steps: Sequence[Mapping[str, Any]] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.tiers = tiers_of(meta)
        self.classes = tuple(name for tier in self.tiers for name in tier.classes)
        self.notes = tuple(notes)
        #: The layout of the joints that the model reads.
        self.skeleton = cast(Layout, meta['skeleton'])
        wanted = Skeleton.get(self.skeleton)
        given = wanted if layout is None else Skeleton.get(layout)
        self.joints = given.joints
        self._columns = wanted.columns_of(given.joints, f'layout {given.name}')
        fps = cast('float | None', meta.get('fps')) if fps is None else fps
        if fps is not None and not is_rate(fps):
            raise UserError(f'fps is {fps!r}, expected {RATES}.')
        self.fps = fps
        self.min_score = max(MIN_SCORE, cast(float, meta.get('kpt_thr', 0.0)))
        self.dtype = dtype
        self._coordinates = coordinates
        #: Number of persons whose joints are pushed, the one to label first.
        self.people = coordinates.people
        #: The kind of each object whose points follow the joints, and their number.
        self.objects = coordinates.instances
        self._stream = ModelStream(model)
        frames = [step['frames'] for step in steps] or [1] * len(self.tiers)
        self._labels = RunningLabels(tier_sizes(meta), frames)
        self._resampler = None if fps is None else Resampler(fps)
        self.reset()

    @property
    def lookahead(self) -> int:
        """Number of further frames after which a frame is final."""
        return self.model.lookahead + self._labels.lookahead

    @property
    def dims(self) -> int:
        """Number of coordinates of a joint, 2 or 3."""
        return self._coordinates.dims

    @property
    def skipped(self) -> int:
        """Number of frames that were skipped because they came too fast or too late."""
        return 0 if self._resampler is None else self._resampler.skipped

    @property
    def repeated(self) -> int:
        """Number of frames for which the previous pose was repeated."""
        return 0 if self._resampler is None else self._resampler.repeated

    def another(self) -> 'SkeletonStream':
        """Return a new stream of the same model, such as for another person."""
        other = copy.copy(self)
        other._coordinates = copy.copy(self._coordinates)
        other._stream = ModelStream(self.model)
        other._labels = copy.copy(self._labels)
        other._resampler = copy.copy(self._resampler)
        other.reset()
        return other

    def push(
        self,
        keypoints: ArrayLike,
        score: ArrayLike | None = None,
        time: float | Sequence[float] | np.ndarray | None = None,
    ) -> list[LabelledFrame]:
        """Return the frames that are final now.

        Args:
            keypoints: Joints of the next frame, shape (V, 2) in pixels or (V, 3), or of
                several frames, (n, V, 2) or (n, V, 3). For a model of pairs, there is
                an axis of persons before V, the one to label first. For one that sees
                objects, their points follow the joints (of all persons, without an
                axis of persons), object by object in the order of ``objects``.
            score: Confidence of each point, shape (V,) or (n, V), 0 for invisible ones;
                by default 1. For a person who is out of view, all are 0.
            time: Time of each frame in seconds; for all frames of a stream or for none.

        Raises:
            UserError: If the keypoints do not fit the model, if times are invalid, or
                after :meth:`flush`.
        """
        if self._ended:
            raise UserError(
                'The stream has ended with flush(); start a new one with reset(), or '
                'push to another().'
            )
        points, seen = self._read(keypoints, score)
        points, seen = self._resampled(points, seen, time)
        if not len(points):
            return []
        features = self._coordinates.push(points, seen).astype(self.dtype)
        return self._labelled(self._stream.push(features))

    def flush(self) -> list[LabelledFrame]:
        """Return the last frames, and end the stream like a video."""
        if self._ended:
            return []
        self._ended = True
        return self._labelled(self._stream.flush())

    def reset(self) -> None:
        """Start a new stream: forget all frames, times and counts."""
        for part in self._parts.values():
            part.reset()
        joints = self._coordinates.num_joints + self._coordinates.num_points
        self._held = np.zeros((joints, self._coordinates.dims)), np.zeros(joints, bool)
        self._pushed = self._given = 0
        self._timed = self._ended = False

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the state as arrays, which ``np.savez`` can store."""
        state = {
            f'{name}.{key}': array
            for name, part in self._parts.items()
            for key, array in part.state_dict().items()
        }
        points, seen = self._held
        state |= {'held.points': np.array(points), 'held.seen': np.array(seen)}
        flags = self._pushed, self._given, self._timed, self._ended
        return {**state, 'progress': np.array(flags, np.int64)}

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state that :meth:`state_dict` returned.

        Raises:
            UserError: If the state does not belong to this model.
        """
        check_state(state, self.state_dict())
        for name, part in self._parts.items():
            part.load_state_dict(
                {key: state[f'{name}.{key}'] for key in part.state_dict()}
            )
        self._held = np.array(state['held.points']), np.array(state['held.seen'])
        self._pushed, self._given = map(int, state['progress'][:2])
        self._timed, self._ended = map(bool, state['progress'][2:])

    @property
    def _parts(self) -> dict[str, Any]:
        """What has a state of its own, by its name."""
        parts = {
            'model': self._stream,
            'coordinates': self._coordinates,
            'labels': self._labels,
            'resampler': self._resampler,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def _read(
        self, keypoints: ArrayLike, score: ArrayLike | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return joints (n, V, dims), and whether they are visible (n, V).

        Those of several persons follow each other.
        """
        points = _numbers(keypoints, 'keypoints')
        joints, more = self.people * len(self.joints), self._coordinates.num_points
        needed: tuple[int, ...] = (joints + more, self.dims)
        if self.people > 1 and not self.objects:
            needed = (self.people, len(self.joints), self.dims)
        points = points[None] if points.ndim == len(needed) else points
        if points.shape[1:] != needed:
            each = ', '.join(map(str, needed))
            listed = (f'{count} of {kind}' for kind, count in self.objects)
            after = f', and then points of objects: {", ".join(listed)}' if more else ''
            raise UserError(
                f'keypoints have the shape {np.shape(keypoints)}, but the stream needs '
                f'({each}) or (frames, {each}), with the joints '
                f'{", ".join(self.joints)}{after}; if yours differ, name their layout, '
                "such as layout='coco17'."
            )
        scores = (
            np.ones(points.shape[:-1]) if score is None else _numbers(score, 'score')
        )
        scores = scores[None] if scores.ndim == len(needed) - 1 else scores
        if scores.shape != points.shape[:-1]:
            raise UserError(
                f'score has the shape {np.asarray(score).shape}, but keypoints '
                f'{np.shape(keypoints)} need {np.shape(keypoints)[:-1]}.'
            )
        if not (np.isfinite(points).all() and np.isfinite(scores).all()):
            raise UserError(
                'keypoints or score have values that are not finite; set invisible '
                'joints to 0, with score 0.'
            )
        points = points.reshape(len(points), joints + more, self.dims)
        scores = scores.reshape(points.shape[:2])
        starts = len(self.joints) * np.arange(self.people)[:, None]
        columns = [*(starts + self._columns).flat, *range(joints, joints + more)]
        least = np.where(np.array(columns) < joints, self.min_score, MIN_SCORE)
        return points[:, columns], scores[:, columns] >= least

    def _resampled(
        self, points: np.ndarray, seen: np.ndarray, time: ArrayLike | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if not len(points):
            return points, seen
        if self._pushed and (time is not None) != self._timed:
            raise UserError(
                'Only some frames of the stream have a time; give it for all of them '
                'or for none.'
            )
        self._timed = time is not None
        if time is None:
            self._pushed += len(points)
            self._held = points[-1], seen[-1]
            return points, seen
        times = np.atleast_1d(_numbers(time, 'time'))
        if times.shape != (len(points),):
            raise UserError(
                f'time has the shape {np.shape(time)}, but there are '
                f'{len(points)} frames.'
            )
        if self._resampler is None:
            raise UserError(
                "Frames have times, but the frame rate of the model's training data "
                'is unknown; give it as fps.'
            )
        chosen, last = self._resampler.choose(times.tolist())
        self._pushed += len(points)
        held = self._held
        if last >= 0:
            self._held = points[last], seen[last]
        # Row 0 is the last earlier frame.
        rows = np.array(chosen, np.int64) + 1
        return (
            np.concatenate([held[0][None], points])[rows],
            np.concatenate([held[1][None], seen])[rows],
        )

    def _labelled(self, scores: np.ndarray) -> list[LabelledFrame]:
        start = self._resampler.start if self._timed and self._resampler else 0.0
        labels, scores = self._labels.push(scores, ends=self._ended)
        frames = []
        for i, (row, score) in enumerate(
            zip(labels.T.tolist(), scores, strict=True), self._given
        ):
            time = None if self.fps is None else start + i / self.fps
            for tier, k in zip(self.tiers, row, strict=True):
                own = score[tier.rows]
                name = tier.classes[k]
                frames.append(LabelledFrame(i, time, name, k, own, tier.name))
        self._given += len(scores)
        return frames


def _numbers(values: ArrayLike, name: str) -> np.ndarray:
    """Return values as float64."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise UserError(
            f'{name} must be an array of numbers, but rows differ in length.'
        ) from None
    if array.dtype.kind not in 'biuf':
        raise UserError(f'{name} must be numbers, but the type is {array.dtype}.')
    return array.astype(np.float64)
