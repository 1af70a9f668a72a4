"""Streams of poses give what the inferencer gives of the whole video."""

import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg.apis import SkelSegStream
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures import Skeleton
from tests.errors import raises_naming
from tests.inferring import prediction_of, save_random
from tests.small_data import ROOT

CLASSES = ['reach', 'lift', 'carry', 'put']
META = {'classes': CLASSES, 'skeleton': 'lcr15', 'fps': 10.0}
DATA = 'test_dataloader.dataset'
HOLD = {'type': 'CausalMinDuration', 'frames': 3}
PATHS = sorted((ROOT / 'configs' / 'streaming').glob('*_pose2d.py'))


def config(dims=2, branch=None, render=None, path=PATHS[-1], **model):
    """Return a streaming config of a small model."""
    cfg = Config.fromfile(path)
    cfg.model.update(num_classes=4, **model)
    cfg.model.branches.pose2d.update(
        channels=8, num_prediction_layers=5, num_refinement_layers=4,
        in_channels=30 * dims, **(branch or {}),
    )  # fmt: skip
    for mode in ('train', 'val', 'test'):
        features = cfg[f'{mode}_dataloader'].dataset.features
        features.pose2d.render.update(dims=dims, **(render or {}))
    return cfg


@pytest.fixture(scope='module')
def save(tmp_path_factory):
    """Write a checkpoint of random weights that find several classes in a video."""

    def write(cfg, meta=META):
        path = tmp_path_factory.mktemp('checkpoints') / 'model.pth'
        return save_random(cfg, path, meta, video=entry(*person(200, dims=3)))

    return write


@pytest.fixture(scope='module')
def model(save):
    """A config and its checkpoint."""
    cfg = config()
    return cfg, save(cfg)


def person(frames, dims=2, seed=0):
    """Return a walk of joints, some lost, and the root at the beginning."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 40, (1, 15, dims))
    keypoint = body + rng.normal(0, 5, (frames, 15, dims)).cumsum(axis=0) + 300
    score = rng.uniform(size=(frames, 15)).astype(np.float32)
    score[rng.uniform(size=score.shape) < 0.2] = 0
    score[:6, 14] = 0
    return keypoint.astype(np.float32), score


def entry(keypoint, score, fps=10.0):
    """Return the whole video as the inferencer reads it."""
    return {
        'keypoint': keypoint[None, ..., :2],
        'keypoint_score': score[None],
        **({'keypoint_3d': keypoint[None]} if keypoint.shape[-1] == 3 else {}),
        'skeleton': 'lcr15',
        'fps': fps,
        'img_shape': (600, 600),
    }


def pushed(stream, keypoint, score, sizes):
    """Return all frames of a stream whose frames come in chunks of these sizes."""
    frames, begin = [], 0
    for size in [*sizes, len(keypoint)]:
        block = slice(begin, begin + size)
        frames += stream.push(keypoint[block], score[block])
        begin += size
    return frames + stream.flush()


def scores(frames):
    return np.array([frame.probabilities for frame in frames]).reshape(-1, 4)


@pytest.mark.parametrize(
    ('dims', 'branch', 'model'),
    [
        (2, {'lookahead': 5}, {'members': 3}),
        (2, {'lookahead': 0}, {'members': 1}),
        (2, {'lookahead': 1, 'standardize': False}, {'members': 1}),
        (2, {'lookahead': 5}, {'members': 1, 'postprocess': [HOLD]}),
        (3, {'lookahead': 8, 'share_refinement': True}, {'members': 2}),
        (3, {'lookahead': 400}, {'members': 1}),
    ],
)
def test_stream_gives_what_the_inferencer_gives(dims, branch, model, save):
    """For every frame, in chunks of any size."""
    cfg = config(dims, branch, **model)
    checkpoint = save(cfg)
    stream = SkelSegStream(cfg, checkpoint)
    assert stream.lookahead == branch['lookahead'] + 2 * ('postprocess' in model)
    for frames in (1, 2, 5, 300):
        keypoint, score = person(frames, dims)
        expected = prediction_of(cfg, checkpoint, entry(keypoint, score))
        rng = np.random.default_rng(frames)
        for sizes in ([1] * min(frames, 40), rng.integers(0, 9, 30), []):
            stream.reset()
            found = pushed(stream, keypoint, score, sizes)
            assert [frame.index for frame in found] == list(range(frames))
            np.testing.assert_allclose(
                scores(found), expected['pred_score'].T, rtol=0, atol=1e-5
            )
            labels = [frame.label_id for frame in found]
            assert labels == expected['pred_label'].tolist()
            assert [frame.label for frame in found] == [CLASSES[k] for k in labels]
            times = [frame.time for frame in found]
            np.testing.assert_allclose(times, np.arange(frames) / 10)


@pytest.mark.parametrize('path', PATHS, ids=lambda path: path.stem)
def test_streaming_config_streams(path, save):
    """With half a second of lookahead, from its checkpoint alone."""
    cfg = config(path=path)
    rate = 10 if 'uwiom' in path.stem else 30
    checkpoint = save(cfg, meta={**META, 'fps': rate})
    keypoint, score = person(80)
    video = entry(keypoint, score, rate)
    expected = prediction_of(cfg, checkpoint, video)['pred_score'].T
    stream = SkelSegStream(None, checkpoint)
    assert stream.lookahead / stream.fps == 0.5
    found = pushed(stream, keypoint, score, [1, 2, 3])
    np.testing.assert_allclose(scores(found), expected, rtol=0, atol=1e-5)


def test_stream_goes_on_from_its_state(save, tmp_path):
    """With times, also from a file and in another stream."""
    cfg = config(members=2, postprocess=[HOLD])
    checkpoint = save(cfg)
    keypoint, score = person(120)
    time = np.random.default_rng(0).uniform(0, 0.3, 120).cumsum()
    stream = SkelSegStream(cfg, checkpoint)
    stream.push(keypoint[:50], score[:50], time[:50])
    np.savez(tmp_path / 'state.npz', **stream.state_dict())

    def rest(stream):
        found = stream.push(keypoint[50:], score[50:], time[50:]) + stream.flush()
        return [(f.index, f.time, f.label_id, *f.probabilities) for f in found]

    expected = rest(stream)
    counts = stream.skipped, stream.repeated
    other = stream.another()
    other.load_state_dict(np.load(tmp_path / 'state.npz'))
    assert rest(other) == expected
    assert (other.skipped, other.repeated) == counts


def test_streams_of_several_people_do_not_meet(model):
    stream = SkelSegStream(*model)
    people = [person(40, seed=seed) for seed in range(2)]
    expected = []
    for keypoint, score in people:
        stream.reset()
        expected.append(scores(pushed(stream, keypoint, score, [])))
    stream.reset()
    streams = {7: stream, 9: stream.another()}
    found = {track: [] for track in streams}
    for t in range(40):
        for track, (keypoint, score) in zip(streams, people, strict=True):
            found[track] += streams[track].push(keypoint[t], score[t])
    for track, other in zip(streams, expected, strict=True):
        ended = found[track] + streams[track].flush()
        np.testing.assert_allclose(scores(ended), other, rtol=0, atol=1e-6)


def test_times_of_a_camera_become_the_rate_of_the_model(model):
    """As if held frames were pushed again, and skipped ones never."""
    stream = SkelSegStream(*model)
    keypoint, score = person(30)
    # Twice as fast, then the tenth to fourteenth are lost.
    time = 100 + np.arange(30) / 20
    kept = [t for t in range(30) if not 10 <= t < 14]
    found = []
    for t in kept:
        found += stream.push(keypoint[t], score[t], time[t])
    found += stream.flush()
    assert (stream.skipped, stream.repeated) == (13, 2)
    np.testing.assert_allclose([f.time for f in found], 100 + np.arange(15) / 10)
    rows = [0, 2, 4, 6, 8, 9, 9, *range(14, 30, 2)]
    stream.reset()
    assert (stream.skipped, stream.repeated) == (0, 0)
    expected = pushed(stream, keypoint[rows], score[rows], [])
    np.testing.assert_allclose(scores(found), scores(expected), rtol=0, atol=1e-6)


def test_postprocessing_is_left_out_with_a_note(model):
    """But for one that stream and whole video apply in the same way."""
    for steps, names in (
        ([{'type': 'MinDuration', 'frames': 5}], 'MinDuration'),
        ([{'type': 'MinDuration', 'frames': 5}, HOLD], 'MinDuration, CausalMinDura'),
    ):
        stream = SkelSegStream(config(postprocess=steps), model[1])
        assert f'model.postprocess ({names}' in stream.notes[0]
        assert 'is left out' in stream.notes[0]
        assert stream.lookahead == 5
    for steps in ([], [HOLD]):
        assert SkelSegStream(config(postprocess=steps), model[1]).notes == ()


def test_features_of_half_precision_are_rounded_as_in_training(save):
    cfg = config(render={'scale': None})
    cfg.test_dataloader.dataset.features.pose2d.dtype = 'float16'
    checkpoint = save(cfg)
    keypoint, score = person(50)
    video = entry(keypoint, score)
    expected = prediction_of(cfg, checkpoint, video)['pred_score'].T
    found = pushed(SkelSegStream(cfg, checkpoint), keypoint, score, [])
    np.testing.assert_allclose(scores(found), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ('key', 'value', 'named'),
    [
        (f'{DATA}.features.pose2d.render', {'causal': False},
         'causal=False | configs/streaming'),
        (f'{DATA}.features.pose2d.render',
         {'_delete_': True, 'type': 'RenderSkeletonHeatmap', 'box': None},
         'RenderSkeletonHeatmap | SkeletonCoordinates'),
        (f'{DATA}.features.pose2d.transforms', [{'type': 'DropLimb', 'p': 1}], 'set'),
        (f'{DATA}.pipeline', [{'type': 'RandomJitter'}], 'RandomJitter'),
    ],
)  # fmt: skip
def test_config_that_is_not_causal_is_refused(key, value, named, model):
    cfg = config()
    cfg.merge_from_dict({key: value}, allow_list_keys=False)
    with raises_naming(UserError, key.rpartition('.')[2], named):
        SkelSegStream(cfg, model[1])


def test_push_at_fault_is_named(model):
    pose = np.zeros((15, 2))
    stream = SkelSegStream(*model)
    for arguments, named in (
        ((np.zeros((17, 2)),), 'keypoints | (17, 2) | (15, 2)'),
        ((pose, np.ones(14)), 'score | (14,) | (15,)'),
        ((np.full((15, 2), np.nan),), 'finite'),
        ((np.zeros((2, 15, 2)), None, 0.0), 'time | () | 2 frames'),
        ((pose, None, np.inf), 'time=inf'),
        (('abc',), 'keypoints | <U3'),
        (([[1, 2], [3]],), 'keypoints | rows'),
        ((pose, None, 'now'), 'time | <U3'),
    ):
        with raises_naming(UserError, named):
            stream.push(*arguments)


def test_times_need_the_rate_of_the_model_and_all_frames(save):
    cfg = config()
    checkpoint = save(cfg, meta={**META, 'fps': None})
    pose = np.zeros((15, 2))
    with raises_naming(UserError, 'frame rate', 'fps'):
        SkelSegStream(cfg, checkpoint).push(pose, time=0.0)
    stream = SkelSegStream(cfg, checkpoint, fps=10)
    stream.push(pose, time=0.0)
    with pytest.raises(UserError, match='give it for all of them or for none'):
        stream.push(pose)


def test_stream_ends_with_flush(model):
    """It returns each frame once, and starts again after a reset."""
    stream = SkelSegStream(*model)
    keypoint, score = person(9)
    first = scores(pushed(stream, keypoint, score, []))
    assert len(first) == 9
    assert stream.flush() == []
    with raises_naming(UserError, 'flush()', 'reset()'):
        stream.push(keypoint[0], score[0])
    stream.reset()
    np.testing.assert_array_equal(scores(pushed(stream, keypoint, score, [])), first)


def test_options_at_fault_are_named(model):
    for fps in (-1, 'x', np.nan, 1e-300):
        with raises_naming(UserError, f'fps is {fps!r},'):
            SkelSegStream(*model, fps=fps)
    for checkpoint in ([], 5):
        with raises_naming(UserError, 'checkpoint', repr(checkpoint)):
            SkelSegStream(model[0], checkpoint)


def test_keypoints_of_another_layout_are_pushed_by_their_names(model):
    stream = SkelSegStream(*model)
    skeleton = Skeleton.get(stream.skeleton)
    assert stream.joints == skeleton.joints
    points = np.random.default_rng(0).uniform(0, 90, (6, 15, 2))
    expected = stream.push(points) + stream.flush()
    layout = {'joints': ['ear', *reversed(skeleton.joints)], 'limbs': []}
    other = SkelSegStream(*model, layout=layout)
    more = np.concatenate([np.ones((6, 1, 2)), points[:, ::-1]], axis=1)
    other = other.another()
    frames = other.push(more) + other.flush()
    np.testing.assert_array_equal(
        [frame.probabilities for frame in frames],
        [frame.probabilities for frame in expected],
    )
    other.reset()
    with raises_naming(UserError, '(6, 15, 2)', '(16, 2)', ' ear, '):
        other.push(points)
    with raises_naming(UserError, 'layout coco17: ', '17 joints'):
        SkelSegStream(*model, layout='coco17')
