"""Live segmentation of the people in front of a camera."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from mmskelseg_io.files.camera import Camera, CameraFrame
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses
from mmskelseg_io.poses.poses import Detection
from mmskelseg_io.poses.tracking import OverlapLinks, box_areas, person_boxes
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.objects import TrackedObject
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.estimators.estimator import PoseEstimator
from mmskelseg_runtime.streaming import (
    LabelledFrame,
    SegmentEvent,
    SegmentEvents,
    SkeletonStream,
)
from mmskelseg_runtime.streaming.resampling import LONGEST_GAP

# Number of frames without a person after which somebody else is followed.
_PATIENCE = 30
# Number of the latest delays that a report covers.
_DELAYS = 10_000


@dataclass(frozen=True)
class LivePerson:
    """A person in a frame.

    Args:
        number: Number of the person, from 1; always 1 if only one person is followed.
        points: The model's joints in pixels of the frame, shape (V, 2).
        score: Confidence of the joints, shape (V,).
        label: The person's latest final label, of the first tier; -1 before there is
            one.
        name: Names of the latest labels of all tiers, empty before there are any.
        labelled: Frames whose labels became final with this frame.
        events: Segments that began or ended in these frames.
    """

    number: int
    points: np.ndarray
    score: np.ndarray
    label: int
    name: str
    labelled: Sequence[LabelledFrame]
    events: Sequence[SegmentEvent]


@dataclass
class LiveReport:
    """Statistics of a live run: numbers of labelled and of dropped frames, and times.

    ``seconds`` is the time from the first to the last labelled frame; ``delays`` are
    those from a frame to its label in seconds, for the latest frames.
    """

    frames: int = 0
    dropped: int = 0
    seconds: float = 0.0
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=_DELAYS))

    @property
    def rate(self) -> float:
        """Number of labelled frames per second."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        """Return the statistics as a line of text."""
        text = f'{self.frames} frames at {self.rate:.1f} a second'
        text += f', {self.dropped} dropped'
        if self.delays:
            middle, most = np.median(self.delays), max(self.delays)
            text += f'; labels {middle:.2f} s after their frame, at most {most:.2f} s'
        return text


class LiveSegmenter:
    """A segmenter that labels the people in front of a camera live.

    Frames that come faster than poses can be estimated are dropped. By their time
    stamps, the stream resamples the others to the frame rate of the training data.

    Args:
        stream: The stream that labels a person's frames, such as a
            :class:`mmskelseg.apis.SkelSegStream`.
        skeleton: The layout of the joints that the stream reads.
        camera: The source of frames.
        poses: A pose estimator, or the poses in the frames of a file.
        objects: The objects in the frames of a file, for a model that sees them; the
            stream needs as many of each of its kinds.
        person: ``track`` follows one person, at first the largest, until that person
            has been gone for 30 frames, then the largest who is present. ``each``
            labels everybody, each in a separate stream.

    Raises:
        UserError: If the poses lack joints of the model, if there are other objects
            than the stream needs, or if it does not know its frame rate or reads joints
            in 3D.

    Attributes:
        fps: Frames per second of the stream.
        report: Statistics so far.
    """

    def __init__(
        self,
        stream: SkeletonStream,
        skeleton: SkeletonLike,
        camera: Camera,
        poses: PoseEstimator | Poses,
        *,
        objects: Sequence[TrackedObject] = (),
        person: Literal['track', 'each'] = 'track',
    ) -> None:
        if stream.fps is None:
            raise UserError(
                'The model does not state the frame rate of its training data; give it '
                '(--fps, or fps in Python).'
            )
        if stream.people > 1:
            raise UserError(
                'The model sees pairs, but who is whose partner in front of a camera '
                'is unknown; push the joints of both to a stream in Python.'
            )
        if stream.dims != 2:
            raise UserError(
                'The model reads joints in 3D, but pose estimators find them in 2D; '
                'train one that reads `keypoint` (dims=2).'
            )
        self.fps = stream.fps
        self.skeleton = Skeleton.get(skeleton)
        self.camera = camera
        self.poses = poses
        self.person = person
        self._things = _points_of(objects, stream)
        self.report = LiveReport()
        self._stream = stream
        joints = Skeleton.get(poses.skeleton).joints
        self._joints = len(joints)
        self._columns = self.skeleton.columns_of(joints, type(poses).__name__)
        if self.skeleton.joints != stream.joints:
            raise UserError(
                f'The stream reads the joints {", ".join(stream.joints[:3])}, ... of '
                'another layout than `skeleton`; leave out the layout of the stream.'
            )
        self._links = OverlapLinks(patience=_PATIENCE)
        # By the number of the track; with `track`, the only person has the number 0.
        self._people: dict[int, _Followed] = {}
        self._track, self._last_seen = -1, 0

    def run(
        self, handle: Callable[[CameraFrame, Sequence[LivePerson]], object]
    ) -> None:
        """Call a function with each frame and the people in it, until the camera ends.

        The function may end it with ``camera.close()``. Afterwards, :meth:`flush`
        returns the frames whose labels are not final yet.
        """
        with closing(self.camera):
            if isinstance(self.poses, Poses):
                for frame in self.camera:
                    self._step(frame, self._stored(frame.number), handle)
            else:
                self._estimate(self.poses, handle)

    def _estimate(
        self,
        estimator: PoseEstimator,
        handle: Callable[[CameraFrame, Sequence[LivePerson]], object],
    ) -> None:
        """Call a function with each frame and the people whom an estimator finds."""
        found: list[Detection] = []

        def images() -> Iterator[np.ndarray]:
            for frame in self.camera:
                yield frame.image
                # The estimator requests the next image after processing this one.
                self._step(frame, [detection.joints for detection in found], handle)
                found.clear()

        for detection in estimator.detections(images()):
            found.append(detection)

    def flush(self) -> list[LivePerson]:
        """End all streams, and return everybody's last frames and events."""
        people = [person.end() for person in self._people.values()]
        self._people.clear()
        return people

    def _stored(self, number: int) -> list[np.ndarray]:
        """Return the joints (V, 3) of the people in a frame of a file."""
        assert isinstance(self.poses, Poses)
        keypoint, score = self.poses.keypoint, self.poses.keypoint_score
        if number >= keypoint.shape[1]:
            return []
        joints = np.concatenate([keypoint, score[..., None]], axis=-1)[:, number]
        return [person for person in joints if person[:, 2].any()]

    def _step(
        self,
        frame: CameraFrame,
        found: Sequence[np.ndarray],
        handle: Callable[[CameraFrame, Sequence[LivePerson]], object],
    ) -> None:
        joints = np.array(found, np.float64).reshape(len(found), self._joints, 3)
        joints[~(np.isfinite(joints).all(-1) & (joints[..., 2] > 0))] = 0
        joints = joints[joints[..., 2].any(axis=-1)]
        boxes = person_boxes(joints[:, None, :, :2], joints[:, None, :, 2])[:, 0]
        tracks = self._links.link(self.report.frames, boxes).tolist()
        joints = joints[:, self._columns]
        seen = dict(zip(tracks, joints, strict=True))
        ended = []
        if self.person == 'track':
            seen = self._followed(seen, boxes)
        else:
            ended = self._ended(seen)
        nobody = np.zeros((len(self._columns), 3))
        # The stream of the only person continues while nobody is there.
        for number in [0] if self.person == 'track' else seen:
            if number not in self._people:
                self._people[number] = _Followed(number + 1, self._stream.another())
        things = np.zeros_like(self._things[0])
        if frame.number < len(self._things):
            things = self._things[frame.number]
        people = [
            person.step(
                seen.get(number, nobody), things, frame.time, seen=number in seen
            )
            for number, person in self._people.items()
        ]
        self.report.frames += 1
        self.report.seconds = frame.time
        self.report.dropped = self.camera.dropped
        if not self.camera.every_frame:
            now = self.camera.now()
            self.report.delays.extend(
                now - labelled.time
                for person in people
                for labelled in person.labelled
                if labelled.time is not None
            )
        handle(frame, [*people, *ended])

    def _followed(
        self, seen: dict[int, np.ndarray], boxes: np.ndarray
    ) -> dict[int, np.ndarray]:
        """Return the joints of the person who is followed, with the number 0."""
        if self._track in seen:
            self._last_seen = self.report.frames
        elif seen and (
            self._track < 0 or self.report.frames - self._last_seen > _PATIENCE
        ):
            self._track = list(seen)[int(box_areas(boxes).argmax())]
            self._last_seen = self.report.frames
        return {0: seen[self._track]} if self._track in seen else {}

    def _ended(self, seen: dict[int, np.ndarray]) -> list[LivePerson]:
        """End the streams of people who have been gone too long, and return them."""
        gone = [
            number
            for number, person in self._people.items()
            if number not in seen and person.missed >= _PATIENCE
        ]
        return [self._people.pop(number).end() for number in gone]


def _points_of(objects: Sequence[TrackedObject], stream: SkeletonStream) -> np.ndarray:
    """Return the points of objects in the order of a stream, (T, points, 3).

    There is at least one frame.
    """
    kinds = list(dict.fromkeys(kind for kind, _ in stream.objects))
    own = [one for kind in kinds for one in objects if one['kind'] == kind]
    if [(one['kind'], one['points'].shape[1]) for one in own] != [*stream.objects]:
        needed = ', '.join(f'{kind} ({count})' for kind, count in stream.objects)
        raise UserError(
            f'The model sees objects, here with so many points: {needed}; but there '
            f'are {", ".join(one["name"] for one in own) or "none"}. Give the file of '
            'their tracks in a video (--objects FILE), or push their points to a '
            'stream in Python.'
        )
    arrays = [
        np.concatenate([one['points'], one['score'][..., None]], axis=-1) for one in own
    ]
    return np.concatenate(arrays, axis=1) if arrays else np.zeros((1, 0, 3))


class _Followed:
    """A person who is followed, with the stream and the latest joints and label."""

    def __init__(self, number: int, stream: SkeletonStream) -> None:
        assert stream.fps is not None, 'LiveSegmenter requires it'
        self.number = number
        self.stream = stream
        self.fps = stream.fps
        self.missed = 0
        self.joints = np.zeros((0, 3))
        # The times of the first and the latest frame, and the number of the frame with
        # which the stream began.
        self._first = self._latest = math.nan
        self._begin = 0
        self._events = SegmentEvents(stream.fps)
        # The last labelled frame of each tier.
        self._last: dict[str, LabelledFrame] = {}

    def step(
        self, joints: np.ndarray, things: np.ndarray, time: float, *, seen: bool
    ) -> LivePerson:
        """Process another frame, with the points of objects, and return the person.

        After a long gap, the stream begins anew.
        """
        ended = None
        if time - self._latest > LONGEST_GAP:
            ended = self.end()
            self.stream.reset()
            self._begin = round((time - self._first) * self.fps)
        self._first = time if math.isnan(self._first) else self._first
        self._latest = time
        self.missed = 0 if seen else self.missed + 1
        self.joints = joints
        rows = np.concatenate([joints, things])
        person = self._person(self.stream.push(rows[:, :2], rows[:, 2], time))
        if ended is None:
            return person
        return replace(
            person,
            labelled=[*ended.labelled, *person.labelled],
            events=[*ended.events, *person.events],
        )

    def end(self) -> LivePerson:
        """End the stream, and return the person with the last frames and events."""
        self.joints = np.zeros_like(self.joints)
        person = self._person(self.stream.flush())
        return replace(person, events=[*person.events, *self._events.end()])

    def _person(self, given: Sequence[LabelledFrame]) -> LivePerson:
        labelled = [replace(f, index=f.index + self._begin) for f in given]
        events = []
        for frame in labelled:
            events += self._events.push(frame)
            self._last[frame.tier] = frame
        return LivePerson(
            self.number,
            self.joints[:, :2],
            self.joints[:, 2],
            next((frame.label_id for frame in self._last.values()), -1),
            ', '.join(frame.label for frame in self._last.values()),
            labelled,
            events,
        )
