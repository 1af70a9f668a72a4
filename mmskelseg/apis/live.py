"""From a camera to labels while it runs."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mmskelseg.apis.pose_estimators.estimator import PoseEstimator
from mmskelseg.fileio.camera import Camera, CameraFrame
from mmskelseg.interchange.poses import Poses
from mmskelseg.interchange.poses.poses import Detection
from mmskelseg.interchange.poses.tracking import OverlapLinks, box_areas, person_boxes
from mmskelseg.streaming import (
    LabelledFrame,
    SegmentEvent,
    SegmentEvents,
    SkeletonStream,
)
from mmskelseg.structures import Skeleton
from mmskelseg.utils.errors import UserError

# Frames without a person after which somebody else is followed.
_PATIENCE = 30
# Delays that a report is about, the last of them.
_DELAYS = 10_000


@dataclass(frozen=True)
class LivePerson:
    """A person in a frame.

    Args:
        number: Of the person, from 1; 1 throughout where one person is followed.
        points: Joints of the model in pixels of the frame, shape (V, 2).
        score: Their confidence, shape (V,).
        label: The person's newest label that is final, -1 before there is one.
        name: Its name, empty before there is one.
        labelled: Frames that became final with this one.
        events: Segments that began or ended in these.
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
    """How a live run went.

    Args:
        frames: How many were labelled.
        dropped: How many were not, since they came too fast.
        seconds: From the first to the last of them.
        delays: Seconds from a frame to its label, of the last frames.
    """

    frames: int = 0
    dropped: int = 0
    seconds: float = 0.0
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=_DELAYS))

    @property
    def rate(self) -> float:
        """Frames per second that were labelled."""
        return (self.frames - 1) / self.seconds if self.seconds > 0 else 0.0

    def __str__(self) -> str:
        """Say so in a line."""
        text = f'{self.frames} frames at {self.rate:.1f} a second'
        text += f', {self.dropped} dropped'
        if self.delays:
            middle, most = np.median(self.delays), max(self.delays)
            text += f'; labels {middle:.2f} s after their frame, at most {most:.2f} s'
        return text


class LiveSegmenter:
    """Labels the people in front of a camera while it runs.

    Frames that come faster than poses are estimated are dropped. Their time stamps tell
    the stream, which works at the rate that the model was trained with.

    Args:
        stream: Labels a person's frames, such as
            :class:`mmskelseg.apis.SkelSegStream`.
        skeleton: The layout of the joints that it reads.
        camera: Where frames come from.
        poses: What estimates poses; or the poses in the frames of a file.
        person: ``track`` follows one person, at first the largest, until that person is
            gone for 30 frames, then the largest who is there. ``each`` gives
            everybody a stream of their own.

    Raises:
        UserError: If the poses lack joints of the model, or the stream does not know
            its frame rate or reads joints in 3D.

    Attributes:
        fps: Frames per second of the stream.
        report: How it went so far.
    """

    def __init__(
        self,
        stream: SkeletonStream,
        skeleton: Skeleton,
        camera: Camera,
        poses: PoseEstimator | Poses,
        *,
        person: Literal['track', 'each'] = 'track',
    ) -> None:
        if stream.fps is None:
            raise UserError(
                'The model does not say how many frames per second it was trained '
                'with; state it (--fps, or fps in Python).'
            )
        if stream.dims != 2:
            raise UserError(
                'The model reads joints in 3D, but pose estimators give them in 2D; '
                'train one that reads `keypoint` (dims=2).'
            )
        self.fps = stream.fps
        self.skeleton = skeleton
        self.camera = camera
        self.poses = poses
        self.person = person
        self.report = LiveReport()
        self._stream = stream
        layout = Skeleton.get(poses.skeleton)
        self._columns = skeleton.columns_of(layout.joints, type(poses).__name__)
        self._links = OverlapLinks(patience=_PATIENCE)
        # By the number of the track; with `track` the one person is 0.
        self._people: dict[int, _Followed] = {}
        self._track, self._last_seen = -1, 0

    def run(
        self, handle: Callable[[CameraFrame, Sequence[LivePerson]], object]
    ) -> None:
        """Call a function with each frame and the people in it, until the camera ends.

        The function may end it by ``camera.close()``. Frames whose labels are not final
        then are given by :meth:`flush`.
        """
        if isinstance(self.poses, Poses):
            for frame in self.camera:
                self._step(frame, self._stored(frame.number), handle)
            return
        found: list[Detection] = []

        def images() -> Iterator[np.ndarray]:
            for frame in self.camera:
                yield frame.image
                # The estimator asks for the next image when it is done with this one.
                self._step(frame, [detection.joints for detection in found], handle)
                found.clear()

        for detection in self.poses.detections(images()):
            found.append(detection)

    def flush(self) -> list[LivePerson]:
        """Return the last frames and events of everybody, and end their streams."""
        people = [person.end(number + 1) for number, person in self._people.items()]
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
        joints = np.array(found, np.float64).reshape(len(found), -1, 3)
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
        for number in seen:
            if number not in self._people:
                self._people[number] = _Followed(self._stream.another())
        people = [
            person.step(
                number + 1, seen.get(number, nobody), frame.time, seen=number in seen
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
        """Return the joints of the one person who is followed, as those of number 0."""
        if self._track in seen:
            self._last_seen = self.report.frames
        elif seen and (
            self._track < 0 or self.report.frames - self._last_seen > _PATIENCE
        ):
            self._track = list(seen)[int(box_areas(boxes).argmax())]
            self._last_seen = self.report.frames
        if self._track in seen:
            return {0: seen[self._track]}
        # The stream goes on while nobody is there.
        if 0 not in self._people:
            self._people[0] = _Followed(self._stream.another())
        return {}

    def _ended(self, seen: dict[int, np.ndarray]) -> list[LivePerson]:
        """Return the ends of those who have been gone for too long."""
        gone = [
            number
            for number, person in self._people.items()
            if number not in seen and person.missed >= _PATIENCE
        ]
        return [self._people.pop(number).end(number + 1) for number in gone]


class _Followed:
    """A person's stream, and what is known of them."""

    def __init__(self, stream: SkeletonStream) -> None:
        self.stream = stream
        self.missed = 0
        self.joints = np.zeros((0, 3))
        self._events = SegmentEvents(stream.fps)
        self._last: LabelledFrame | None = None

    def step(
        self, number: int, joints: np.ndarray, time: float, *, seen: bool
    ) -> LivePerson:
        """Return the person after another frame."""
        self.missed = 0 if seen else self.missed + 1
        self.joints = joints
        labelled = self.stream.push(joints[:, :2], joints[:, 2], time)
        return self._person(number, labelled)

    def end(self, number: int) -> LivePerson:
        """Return the person with the last frames, and the end of the last segment."""
        self.joints = np.zeros_like(self.joints)
        return self._person(number, self.stream.flush(), ends=True)

    def _person(
        self, number: int, labelled: Sequence[LabelledFrame], *, ends: bool = False
    ) -> LivePerson:
        events = []
        for frame in labelled:
            events += self._events.push(frame)
            self._last = frame
        if ends:
            events += self._events.end()
        return LivePerson(
            number,
            self.joints[:, :2],
            self.joints[:, 2],
            self._last.label_id if self._last else -1,
            self._last.label if self._last else '',
            labelled,
            events,
        )
