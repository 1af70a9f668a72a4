"""Labels while a camera runs are those of the stream, and of the whole video."""

import json
import sys
from collections import defaultdict

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg.apis import SkelSegStream
from mmskelseg_io.files.camera import Camera, CameraFrame
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.objects import BOX
from mmskelseg_runtime.commands import live as command
from mmskelseg_runtime.commands.live import _Output
from mmskelseg_runtime.estimators import PoseEstimator
from mmskelseg_runtime.estimators.estimator import strongest
from mmskelseg_runtime.segmenting.live import LivePerson, LiveReport, LiveSegmenter
from mmskelseg_runtime.streaming import SegmentEvent
from tests.errors import raises_naming
from tests.inferring import prediction_of
from tests.small_data import ROOT

META = {'classes': ['reach', 'lift', 'carry'], 'skeleton': 'coco17', 'fps': 10.0}
COCO = Skeleton.get('coco17')


@pytest.fixture
def model(checkpoint):
    """Return a small causal model with random weights, as config and checkpoint."""

    def make(meta=META, kinds=None, **branch):
        cfg = Config.fromfile(ROOT / 'configs' / 'streaming' / 'uwiom_pose2d.py')
        cfg.model.update(num_classes=3, members=1)
        cfg.model.branches.pose2d.update(
            channels=8, num_prediction_layers=3, num_refinement_layers=2,
            lookahead=4, standardize=False, **{'in_channels': 68, **branch},
        )  # fmt: skip
        if kinds is not None:
            more = {'type': 'ObjectCoordinates', 'kinds': kinds, 'turn': False}
            parts = [{'type': 'SkeletonCoordinates'}, more]
            parts = [{**part, 'dims': 2, 'causal': True} for part in parts]
            features = cfg.test_dataloader.dataset.features.pose2d
            features.render = {'type': 'Concatenate', 'parts': parts}
        return cfg, checkpoint(cfg, meta)

    return make


def walk(frames, people=1, seed=0):
    """Return keypoints (M, T, 17, 2) of people side by side in a frame of 96x128."""
    rng = np.random.default_rng(seed)
    body = rng.uniform(0, 25, (people, 1, 17, 2))
    body = body + rng.normal(0, 0.5, (people, frames, 17, 2)).cumsum(axis=1)
    body[..., 0] += 60 * np.arange(people)[:, None, None]
    return (body + 20).astype(np.float32)


class Estimator(PoseEstimator):
    """Finds the people of a table of keypoints in frames of that brightness."""

    skeleton = 'coco17'

    def __init__(self, keypoint):
        self.keypoint = keypoint

    def detections(self, images):
        for frame, image in enumerate(images):
            number = round(image.mean()) - 40
            points = self.keypoint[:, number]
            points = points[~np.isnan(points).any(axis=(1, 2))]
            yield from strongest(frame, points, np.ones(points.shape[:2]), most=9)


class Frames:
    """A camera whose frames tell their number by their brightness."""

    every_frame = False
    dropped = 0

    def __init__(self, numbers, fps=10.0):
        self.numbers = numbers
        self.fps = fps
        self.clock = 0.0

    def now(self):
        return self.clock + 0.25

    def close(self):
        pass

    def __iter__(self):
        for number in self.numbers:
            self.clock = number / self.fps
            image = np.full((96, 128, 3), 40 + number % 100, np.uint8)
            yield CameraFrame(number, self.clock, image)


def run(stream, camera, poses, **options):
    """Return the labelled frames and events of each person, and the live segmenter."""
    live = LiveSegmenter(stream, stream.skeleton, camera, poses, **options)
    frames, events = defaultdict(list), defaultdict(list)

    def take(people):
        for person in people:
            frames[person.number] += person.labelled
            events[person.number] += person.events

    live.run(lambda frame, people: take(people))
    take(live.flush())
    return frames, events, live


def scores(frames):
    return np.array([frame.probabilities for frame in frames])


def test_labels_are_those_of_the_whole_video(model):
    """With estimated poses and with poses from a file."""
    cfg, checkpoint = model()
    keypoint = walk(40)
    entry = {
        'keypoint': keypoint,
        'keypoint_score': np.ones(keypoint.shape[:3], np.float32),
        'skeleton': 'coco17',
        'fps': 10.0,
        'img_shape': (96, 128),
    }
    expected = prediction_of(cfg, checkpoint, entry)
    stream = SkelSegStream(cfg, checkpoint)
    stored = Poses(keypoint, entry['keypoint_score'], 'coco17')
    for poses in (Estimator(keypoint), stored):
        frames, events, live = run(stream, Frames(range(40)), poses)
        found = scores(frames[1]).T
        np.testing.assert_allclose(found, expected['pred_score'], atol=1e-5)
        ends = [event for event in events[1] if event.event == 'end']
        assert [(event.start_frame, event.end_frame) for event in ends] == [
            (item['start_frame'], item['end_frame']) for item in expected['segments']
        ]
        # Four frames of lookahead, and what the camera's clock is ahead.
        assert set(np.round(live.report.delays, 3)) == {0.65}
        assert str(live.report) == (
            '40 frames at 10.0 a second, 0 dropped; labels 0.65 s after their frame, '
            'at most 0.65 s'
        )


def test_objects_in_a_file_are_seen_in_its_frames(model):
    """As in the whole video, also after their last frame; without them, it says so."""
    kinds = {'cup': ['middle'], 'saw': ['tip', 'handle']}
    cfg, checkpoint = model(kinds=kinds, in_channels=68 + 10 + 16)
    keypoint = walk(40)
    cups = [
        {
            'name': f'{kind} {i}', 'kind': kind,
            'points': walk(30, seed=i)[0, :, : len(kinds[kind])],
            'score': np.ones((30, len(kinds[kind]))),
        }
        for i, kind in enumerate(['cup', 'saw', 'cup'])
    ]  # fmt: skip
    longer = [
        {
            **one,
            **{
                k: np.concatenate([one[k], 0 * one[k][:10]])
                for k in ('points', 'score')
            },
        }
        for one in cups
    ]
    entry = {
        'keypoint': keypoint, 'keypoint_score': np.ones((1, 40, 17)), 'fps': 10.0,
        'skeleton': 'coco17', 'img_shape': (96, 128), 'objects': longer,
    }  # fmt: skip
    expected = prediction_of(cfg, checkpoint, entry)
    stored = Poses(keypoint, np.ones((1, 40, 17)), 'coco17')
    stream = SkelSegStream(cfg, checkpoint, objects={'cup': 2})
    frames, _, _ = run(stream, Frames(range(40)), stored, objects=cups)
    np.testing.assert_allclose(scores(frames[1]).T, expected['pred_score'], atol=1e-5)
    with raises_naming(UserError, 'cup (1), cup (1), saw (2) | none | --objects FILE'):
        run(stream, Frames(range(40)), stored)
    with raises_naming(UserError, "2 of 'pan' | cup, saw"):
        SkelSegStream(cfg, checkpoint, objects={'pan': 2})


@pytest.mark.parametrize('person', ['track', 'each'])
def test_nobody_needs_to_be_there(model, person):
    """Nobody is seen at first, in between, and at the end; a pose file is short."""
    cfg, checkpoint = model()
    keypoint = walk(40)
    for gap in (slice(0, 10), slice(15, 25), slice(30, 40)):
        keypoint[:, gap] = np.nan
    score = np.repeat(~np.isnan(keypoint[..., 0, 0])[..., None], 17, axis=-1)
    stream = SkelSegStream(cfg, checkpoint)
    stored = Poses(np.nan_to_num(keypoint[:, :30]), score[:, :30], 'coco17')
    expected = []
    for n in range(40):
        expected += stream.push(np.nan_to_num(keypoint[0, n]), score[0, n], n / 10)
    expected += stream.flush()
    for poses in (Estimator(keypoint), stored):
        frames, _, live = run(stream, Frames(range(40)), poses, person=person)
        assert live.report.frames == 40
        if person == 'track':
            np.testing.assert_allclose(scores(frames[1]), scores(expected), atol=1e-6)
        else:
            # There is a stream from the first frame in which somebody is seen.
            assert len(frames[1]) == 30


def test_dropped_frames_hold_the_pose(model):
    cfg, checkpoint = model()
    keypoint = walk(40)
    numbers = [n for n in range(40) if n % 5 != 3]
    stream = SkelSegStream(cfg, checkpoint)
    frames, _, _ = run(stream, Frames(numbers), Estimator(keypoint))
    expected = []
    for n in numbers:
        expected += stream.push(keypoint[0, n], time=n / 10)
    expected += stream.flush()
    assert [frame.index for frame in frames[1]] == list(range(40))
    np.testing.assert_allclose(scores(frames[1]), scores(expected), atol=1e-6)


class Failing(Estimator):
    """Fails at the third image."""

    def detections(self, images):
        for _ in zip(range(2), images, strict=False):
            yield from ()
        raise ZeroDivisionError


def test_camera_is_free_when_poses_fail(model, clip):
    """Although the error still refers to the estimator, which reads the camera."""
    camera = Camera(clip())
    live = LiveSegmenter(SkelSegStream(*model()), COCO, camera, Failing(walk(40)))
    with pytest.raises(ZeroDivisionError) as error:
        live.run(lambda frame, people: None)
    assert not camera._capture.isOpened()
    assert error.value.__traceback__


@pytest.mark.parametrize('person', ['track', 'each'])
def test_stream_begins_anew_after_a_long_gap(model, person):
    """As when a network camera is away for more than a minute."""
    keypoint = walk(40)
    stream = SkelSegStream(*model())
    expected, _, _ = run(stream, Frames(range(40)), Estimator(keypoint))
    camera = Frames([*range(40), *range(1000, 1040)])
    frames, events, live = run(stream, camera, Estimator(keypoint), person=person)
    np.testing.assert_array_equal(scores(frames[1]), 2 * [*scores(expected[1])])
    assert [frame.index for frame in frames[1]] == camera.numbers
    times = [frame.time for frame in frames[1]]
    assert times == pytest.approx(np.array(camera.numbers) / 10)
    ends = [(e.end_frame, e.end) for e in events[1] if e.event == 'end']
    assert (40, pytest.approx(4.0)) in ends
    begins = [(e.start_frame, e.start) for e in events[1] if e.event == 'begin']
    assert (1000, pytest.approx(100.0)) in begins
    assert live.report.frames == 80


def test_one_person_is_followed_until_gone(model):
    """First the larger; the other after the first has been gone for 30 frames."""
    keypoint = walk(80, people=2)
    keypoint[0] *= 1.3
    keypoint[0, 20:] = np.nan
    stream = SkelSegStream(*model())
    live = LiveSegmenter(stream, COCO, Frames(range(80)), Estimator(keypoint))
    shown = []
    live.run(lambda frame, people: shown.append(people))
    assert all(len(people) == 1 for people in shown)
    points = [people[0].points if people[0].score.any() else None for people in shown]
    for number, joints in enumerate(points):
        row = 0 if number < 20 else 1 if number >= 50 else None
        if row is None:
            assert joints is None, number
        else:
            np.testing.assert_allclose(joints, keypoint[row, number], rtol=1e-6)
    assert sum(len(people[0].labelled) for people in shown) == 80 - 4


def test_each_person_has_a_stream(model):
    cfg, checkpoint = model()
    keypoint = walk(60, people=2)
    keypoint[1, :10] = np.nan
    keypoint[1, 25:] = np.nan
    stream = SkelSegStream(cfg, checkpoint)
    frames, events, _ = run(
        stream, Frames(range(60)), Estimator(keypoint), person='each'
    )
    assert sorted(frames) == [1, 2]
    # The second came at 1 s, left after 15 frames and is given up after 30 more.
    assert [len(frames[n]) for n in (1, 2)] == [60, 45]
    assert frames[2][0].time == pytest.approx(1.0)
    assert events[2][-1].event == 'end'
    assert events[2][-1].end == pytest.approx(5.5)
    alone, _, _ = run(stream, Frames(range(60)), Estimator(keypoint[:1]))
    np.testing.assert_allclose(scores(frames[1]), scores(alone[1]), atol=1e-6)


def test_model_must_know_its_rate_read_2d_and_have_the_joints(model):
    cfg, checkpoint = model({**META, 'fps': None})
    camera, poses = Frames(range(3)), Estimator(walk(3))
    with raises_naming(UserError, 'frame rate', '--fps'):
        LiveSegmenter(SkelSegStream(cfg, checkpoint), COCO, camera, poses)
    stream = SkelSegStream(cfg, checkpoint, fps=10)
    LiveSegmenter(stream, COCO, camera, poses)
    with raises_naming(UserError, '17 joints', 'neck, head, center', 'lcr15'):
        LiveSegmenter(stream, Skeleton.get('lcr15'), camera, poses)


@pytest.fixture
def files(model, clip, tmp_path):
    """Return the arguments of the command for a clip, its model and its poses."""
    cfg, checkpoint = model()
    cfg.dump(tmp_path / 'model.py')
    keypoint = walk(30)
    poses = Poses(keypoint, np.ones(keypoint.shape[:3]), 'coco17', (96, 128), 10.0)
    write_npz(poses, tmp_path / 'poses.npz')
    args = [clip(), tmp_path / 'model.py', checkpoint]
    return [*map(str, args), '--poses', str(tmp_path / 'poses.npz')]


def test_command_prints_events_and_writes_a_video(files, tmp_path, capsys):
    out = tmp_path / 'live.mp4'
    options = ['--events', '--no-window', '--every-frame', '--out', str(out)]
    assert not command.main([*files, *options])
    printed = capsys.readouterr()
    events = [json.loads(line) for line in printed.out.splitlines()]
    assert {event['event'] for event in events} == {'begin', 'end'}
    assert events[0]['start'] == 0
    assert events[-1]['end'] == 3.0
    # A label is final with the fourth frame after its own.
    for event in events:
        if event['event'] == 'begin' and event['start'] < 2.4:
            assert event['known_at'] == pytest.approx(event['start'] + 0.4)
    known = [event['known_at'] for event in events]
    assert known == sorted(known)
    assert 'labels come 0.4 s after their frame' in printed.err
    assert '30 frames at 10.0 a second, 0 dropped' in printed.err
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 30
    image = capture.read()[1]
    # The frame of 96x128 is enlarged to 360x480, and the panel is below it.
    assert image.shape == (418, 480, 3)


def test_command_reads_the_objects_of_a_file(model, files, tmp_path, capsys):
    """As many of each kind as there are."""
    cfg, checkpoint = model(kinds={'cup': BOX}, in_channels=68 + 10)
    cfg.dump(tmp_path / 'model.py')
    files[2] = str(checkpoint)
    rows = [f'{t},{i},{9 * i},{t},20,10,1,1,1' for t in range(1, 31) for i in (1, 2)]
    (tmp_path / 'tracks.txt').write_text('\n'.join(rows))
    objects = ['--objects', str(tmp_path / 'tracks.txt'), '--object-kinds', '1=cup']
    options = ['--events', '--no-window', '--every-frame']
    assert not command.main([*files, *options, *objects])
    assert '30 frames at 10.0 a second' in capsys.readouterr().err
    with raises_naming(SystemExit, 'cup (4)', '--objects FILE'):
        command.main([*files, *options])


def test_events_are_read_alike_on_every_system(capsys):
    """A pipe on Windows is not in UTF-8."""
    event = SegmentEvent('begin', '走る', 0, 52, None, 5.2, None, 0.9)
    person = LivePerson(1, np.zeros((0, 2)), np.zeros(0), 0, '走る', [], [event])
    _Output(None, None, True, []).take([person], 5.9)
    line = capsys.readouterr().out
    assert line.isascii()
    assert json.loads(line)['label'] == '走る'


def test_command_shows_a_window_and_ends_with_a_key(files, capsys, monkeypatch):
    """It has the size of the images and no tool bar."""
    shown, flags, sizes = [], [], []
    monkeypatch.setenv('DISPLAY', ':0')
    monkeypatch.setattr(sys, 'platform', 'linux')
    monkeypatch.setattr(cv2, 'namedWindow', lambda title, flag: flags.append(flag))
    monkeypatch.setattr(cv2, 'resizeWindow', lambda title, *size: sizes.append(size))
    monkeypatch.setattr(cv2, 'imshow', lambda title, image: shown.append(image))
    monkeypatch.setattr(
        cv2, 'waitKey', lambda delay: ord('q') if len(shown) == 7 else -1
    )
    monkeypatch.setattr(cv2, 'getWindowProperty', lambda *args: 1.0)
    monkeypatch.setattr(cv2, 'destroyAllWindows', lambda: None)
    assert not command.main([*files, '--every-frame'])
    assert len(shown) == 7
    assert sizes == [(480, 418)]
    assert flags[0] & cv2.WINDOW_GUI_NORMAL
    assert '7 frames at' in capsys.readouterr().err


def test_options_that_cannot_work_are_named(files, monkeypatch, tmp_path):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    monkeypatch.setattr(sys, 'platform', 'linux')
    keypoint = walk(90)
    poses = Poses(keypoint, np.ones(keypoint.shape[:3]), 'coco17', (96, 128), 10.0)
    write_npz(poses, tmp_path / 'long.npz')
    lookahead = ['--cfg-options', 'model.branches.pose2d.lookahead=2']
    for options, named in (
        ([], '--events | --out'),
        (['--window'], '--window | DISPLAY | --out'),
        (['--events', '--timeline', '0'], '2'),
        (['--events', *lookahead], 'pose2d.lookahead=4 | 2;'),
        (
            ['--events', '--poses', f'{tmp_path}/long.npz'],
            'long.npz: | 90 frames | 30;',
        ),
    ):
        with raises_naming(SystemExit, named):
            command.main([*files, *options])


@pytest.mark.parametrize(('dropped', 'reported'), [(30, True), (0, False)])
def test_slow_poses_are_reported(files, capsys, monkeypatch, dropped, reported):
    """A slow camera without dropped frames is not the fault of the poses."""
    report = LiveReport(frames=10, dropped=dropped, seconds=4.5)
    monkeypatch.setattr(
        LiveSegmenter, 'run', lambda live, handle: setattr(live, 'report', report)
    )
    assert not command.main([*files, '--events', '--no-window'])
    text = 'trained at 10 frames a second, so at 2.0 its labels may be worse'
    assert (text in capsys.readouterr().err) == reported


def test_stream_of_another_layout_is_refused(model):
    stream = SkelSegStream(*model(), layout='openpose_body25')
    with raises_naming(UserError, 'nose, neck, right_shoulder', '`skeleton`'):
        LiveSegmenter(stream, 'coco17', Frames(range(4)), Estimator(walk(4)))


def test_poses_and_objects_of_a_file_do_not_fit_a_camera(files, monkeypatch):
    monkeypatch.setattr(
        cv2, 'VideoCapture', lambda source: Frame() if source == 0 else None
    )
    options = ['--events', '--no-window']
    with raises_naming(SystemExit, '--poses', ' 0 '):
        command.main(['0', *files[1:], *options])
    with raises_naming(SystemExit, '--objects', ' 0 '):
        command.main(['0', *files[1:3], *options, '--objects', 'tracks.txt'])


class Frame:
    """A capture with a frame, of no stated rate."""

    def isOpened(self):  # noqa: N802
        return True

    def read(self):
        return True, np.zeros((48, 64, 3), np.uint8)

    def get(self, key):
        return 0.0

    def release(self):
        pass
