"""Labels the people in front of a camera live."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from mmskelseg_io.files.camera import Camera, CameraFrame
from mmskelseg_io.files.video import VideoFile, written_video
from mmskelseg_io.inputs import ObjectInput, PlaceFile, PoseInput
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UnavailableError, UserError
from mmskelseg_io.messages.options import Positive, argument, grouped, like, option
from mmskelseg_io.objects import pair_objects
from mmskelseg_io.places.reading import places_of_stream
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures.choices import CODECS
from mmskelseg_io.structures.objects import TrackedObject
from mmskelseg_io.structures.tiers import Tier
from mmskelseg_runtime.commands.models import (
    ClipOptions,
    ModelJob,
    NamedModel,
    PoseEstimation,
    refuse_clips,
)
from mmskelseg_runtime.estimators import PoseEstimator, build_pose_estimator
from mmskelseg_runtime.segmenting.live import LivePerson, LiveReport, LiveSegmenter
from mmskelseg_runtime.segmenting.onnx_stream import OnnxStream
from mmskelseg_runtime.streaming import SkeletonStream

if TYPE_CHECKING:
    from mmskelseg_runtime.drawing.live import LivePicture

EXAMPLES = """examples:
  # strikes and kicks, with a model that comes with the package
  %(prog)s 0 precog
  # the first camera, with poses from RTMPose
  %(prog)s 0 model
  # a network camera, without a window, for another program
  %(prog)s rtsp://10.0.0.5/live model --no-window --events | my_program
  # a file instead of a camera, with poses that were estimated before
  %(prog)s take1.mp4 model --poses take1.json --out live.mp4
  # everybody in view
  %(prog)s 0 model --person each
"""
_TITLE = 'mmskelseg live'


@dataclass
class _Output:
    """What a run prints, and shows with functions of a picture and its time."""

    live: LiveSegmenter
    picture: 'LivePicture | None'
    events: bool
    shown: list[Callable[[np.ndarray, float], object]]
    known_at: float = 0.0

    def handle(self, frame: CameraFrame, people: Sequence[LivePerson]) -> None:
        """Print the events of a frame, and show it."""
        camera = self.live.camera
        self.take(people, frame.time if camera.every_frame else camera.now())
        if self.picture is None:
            return
        joints = [(p.points, p.score, p.label) for p in people if p.score.any()]
        note = f'{self.live.report.rate:.0f} fps'
        image = self.picture.draw(frame.image, frame.time, joints, note)
        for show in self.shown:
            show(image, frame.time)

    def take(self, people: Sequence[LivePerson], now: float) -> None:
        """Print events, and add labels to the timeline."""
        # The last labels are known when the source ends.
        self.known_at = max(self.known_at, now)
        for person in people:
            for event in person.events if self.events else ():
                who = {'person': person.number, 'known_at': self.known_at}
                line = {
                    key: round(value, 3) if isinstance(value, float) else value
                    for key, value in {**asdict(event), **who}.items()
                    # A model without tiers has none to name.
                    if key != 'tier' or value
                }
                print(json.dumps(line), flush=True)
        if self.picture is None:
            return
        # The timelines show one person, whoever has been there longest.
        for person in people[:1]:
            for f in person.labelled:
                start, score = f.time or 0.0, f.probabilities[f.label_id]
                end = start + 1 / self.live.fps
                self.picture.add(start, end, f.label_id, score, f.tier)


def _picture(live: LiveSegmenter, tiers: Sequence[Tier], job: 'Live') -> 'LivePicture':
    """Return what draws the pictures, which needs matplotlib."""
    import_optional('matplotlib', '--window and --out')
    from mmskelseg_runtime.drawing.live import LivePicture

    return LivePicture(
        live.camera.img_shape,
        live.skeleton,
        tiers,
        seconds=job.timeline,
        places=places_of_stream(job.places),
    )


def _has_display() -> bool:
    """Return whether a window can be opened, judging by the environment."""
    if sys.platform in ('win32', 'darwin'):
        return True
    return bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))


@contextmanager
def _window(close: Callable[[], object]) -> Iterator[Callable[..., object]]:
    """Yield a function that shows images in a window; q, Esc or closing it ends it."""
    if not _has_display():
        # Otherwise, OpenCV would abort the program.
        raise UserError(
            '--window needs a display, but DISPLAY is not set; leave it out, or use '
            '--out.'
        )

    is_open = False

    def show(image: np.ndarray, time: float) -> None:
        nonlocal is_open
        if not is_open:
            is_open = True
            cv2.resizeWindow(_TITLE, image.shape[1], image.shape[0])
        cv2.imshow(_TITLE, image)
        pressed = cv2.waitKey(1) & 0xFF
        if pressed in (ord('q'), 27) or (
            cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
        ):
            close()

    try:
        # Without OpenCV's tool bar.
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(_TITLE, flags)
    except cv2.error as error:
        raise UnavailableError(
            'This OpenCV cannot open windows (opencv-python-headless); use --no-window '
            'with --out or --events, or install opencv-python.'
        ) from error
    try:
        yield show
    finally:
        cv2.destroyAllWindows()


@contextmanager
def _written(
    path: Path, fps: float, img_shape: tuple[int, int], codec: str
) -> Iterator[Callable[..., object]]:
    """Yield a function that writes images into a video, at their times."""
    with written_video(path, fps, img_shape, codec) as write:
        count = 0

        def put(image: np.ndarray, time: float) -> None:
            nonlocal count
            # The image is repeated for dropped frames.
            while count <= round(time * fps):
                write(image)
                count += 1

        yield put
    print(path, file=sys.stderr)


def _report(live: LiveSegmenter) -> None:
    """Print the statistics, and advice if too many frames were dropped."""
    report = live.report
    print(report, file=sys.stderr)
    if report.dropped > report.frames > 1 and report.rate < live.fps / 2:
        print(
            f'The model was trained at {live.fps:g} frames a second, so at '
            f'{report.rate:.1f} its labels may be worse: use a faster pose estimator, '
            'smaller images, or --every-frame for a file.',
            file=sys.stderr,
        )


@dataclass(frozen=True, kw_only=True)
class Live(ModelJob[LiveReport]):
    """Labels the people in front of a camera live, with a causal model.

        %(prog)s 0 streaming/uwiom_pose2d

    SOURCE is the number of a camera, the address of a stream (rtsp://10.0.0.5/live), or
    a video file, which plays like a camera. MODEL is a causal model, which `mmskelseg
    make-config --streaming` configures: the folder of its training, a checkpoint, a
    file of `mmskelseg export --streaming`, the name of one that comes with the package
    (precog) or of a hub, or CONFIG [CHECKPOINT], also those of a recogniser of
    MMAction2 for skeletons. Poses are estimated (--pose-estimator), or read from a file
    of the same video (--poses), as objects are (--objects).

    A window shows the skeleton, places, the current action and a timeline of the last
    seconds, of each tier if there are several; press q to end it. --out writes the same
    as a video. --events prints a line of JSON for each segment that begins or ends, for
    other programs:

      {"event": "begin", "person": 1, "label": "lift", "label_id": 3, "start_frame": 52,
       "end_frame": null, "start": 5.2, "end": null, "score": 0.91, "known_at": 5.9}

    All times are in seconds from the first frame. "known_at" is the time at which the
    label was final, after the lookahead of the model and the computing time.

    While a pose is estimated, arriving frames are dropped, so that labels never fall
    behind. At the end, the number of dropped frames and the delays are printed.
    """

    opener = 'open_stream'
    examples = EXAMPLES
    source: str = argument(
        'number of a camera, stream address, or file', metavar='SOURCE'
    )
    config: str | None = argument('the model', None, metavar='MODEL')
    checkpoint: str | None = argument(
        'checkpoint, if MODEL is a config (default: the last one of its training)',
        None,
        metavar='CHECKPOINT',
    )
    poses: Path | None = option(
        'poses in the frames of SOURCE, if it is a file', None, metavar='FILE'
    )
    pose_format: str | None = like(PoseInput, 'pose_format')
    first_frame: int | None = like(PoseInput, 'first_frame')
    pose_estimator: str = like(PoseEstimation, 'pose_estimator')
    pose_options: Mapping[str, object] | None = like(PoseEstimation, 'pose_options')
    person: Literal['track', 'each'] = option(
        'track: follow one person, at first the largest, until that person is gone; '
        'each: label everybody (default: %(default)s)',
        'track',
    )
    fps: Positive | None = option(
        "frame rate of the model's training data, if the model does not state it", None
    )
    clip_seconds: Positive | None = like(ClipOptions, 'clip_seconds')
    label_map: Path | None = like(ClipOptions, 'label_map')
    places: Path | None = like(PlaceFile, 'places')
    object_input: ObjectInput = grouped('objects in a file', ObjectInput())
    every_frame: bool = option(
        'label every frame of a file, as fast as possible, however long it takes', False
    )
    events: bool = option(
        'print beginnings and ends of segments as lines of JSON', False
    )
    out: Path | None = option(
        'write what the window shows as a video', None, metavar='FILE.mp4'
    )
    window: bool | None = option(
        'show a window (default: if there is a display)',
        None,
        action=argparse.BooleanOptionalAction,
    )
    timeline: Positive = option(
        'duration that the timeline shows (default: %(default)s)',
        30.0,
        metavar='SECONDS',
    )
    codec: str = option(
        'codec of the video of --out (default: %(default)s)', 'mp4v', choices=CODECS
    )

    def run(self, events: Events) -> LiveReport:
        """Label until the source or the user ends it; return the statistics."""
        model = self.named_model(self.config, self.checkpoint)
        window = _has_display() if self.window is None else self.window
        if not (window or self.out or self.events):
            reason = 'There is no display for a window'
            if self.window is False:
                reason = '--no-window shows nothing'
            raise UserError(
                f'{reason}; print events (--events) or write a video (--out).'
            )
        camera = Camera(self.source, every_frame=self.every_frame)
        stream, objects = self._stream(model, {}, camera), self._objects(camera)
        if objects and stream.objects:
            counts = Counter(one['kind'] for one in objects)
            kinds = {k: counts[k] for k, _ in stream.objects}
            stream = self._stream(model, kinds, camera)
        poses = self._poses(camera, stream)
        live = LiveSegmenter(
            stream, stream.skeleton, camera, poses, objects=objects, person=self.person
        )
        picture = None
        if window or self.out:
            picture = _picture(live, stream.tiers, self)
        output = _Output(live, picture, self.events, [])
        with ExitStack() as stack:
            if self.out and picture is not None:
                rate = camera.fps or live.fps
                writing = _written(self.out, rate, picture.img_shape, self.codec)
                output.shown.append(stack.enter_context(writing))
            if window:
                output.shown.append(stack.enter_context(_window(camera.close)))
            print(
                f'{self.source}: {camera.img_shape[1]}x{camera.img_shape[0]}; labels '
                f'come {stream.lookahead / live.fps:g} s after their frame, plus the '
                'computing time; press Ctrl+C to end.',
                file=sys.stderr,
            )
            with suppress(KeyboardInterrupt):
                live.run(output.handle)
            output.take(live.flush(), live.report.seconds)
        _report(live)
        return live.report

    def _stream(
        self, model: NamedModel, objects: Mapping[str, int], camera: Camera
    ) -> SkeletonStream:
        """Return the stream of a model, with so many objects of each kind."""
        if model.is_exported(live=True) or not self.has_pytorch:
            refuse_clips(str(model), self.clip_seconds, self.label_map)
            name, places = str(model), self.places
            return OnnxStream(name, fps=self.fps, objects=objects, places=places)
        return self.with_pytorch(model, objects, camera.img_shape)

    def _objects(self, camera: Camera) -> list[TrackedObject]:
        """Return the objects of --objects."""
        if not self.object_input.objects:
            return []
        if not camera.is_file:
            raise UserError(
                f'--objects needs a video file, but {self.source} is a camera; leave '
                'it out.'
            )
        file, found = VideoFile.open(self.source), self.object_input.read()
        own = pair_objects([file.path.stem], found)[file.path.stem]
        return own.tracked(file.frames, file.fps, camera.img_shape)

    def _poses(self, camera: Camera, stream: SkeletonStream) -> PoseEstimator | Poses:
        """Return the poses of --poses, or else the estimator."""
        if self.poses is None:
            options = self.pose_options or {}
            return build_pose_estimator(self.pose_estimator, **options)
        if not camera.is_file:
            raise UserError(
                f'--poses needs a video file, but {self.source} is a camera; leave it '
                'out.'
            )
        given = PoseInput(pose_format=self.pose_format, first_frame=self.first_frame)
        poses = given.read(self.poses, camera.img_shape, stream.skeleton)
        file, frames = VideoFile.open(self.source), poses.keypoint.shape[1]
        if frames > file.frames + file.fps:
            raise UserError(
                f'{self.poses}: {frames} frames of poses, but {self.source} has '
                f'{file.frames}; name the poses of this video.'
            )
        return poses


main = Live.main
