"""Exported streams give what streams of PyTorch's weights give."""

import numpy as np
import pytest

from mmskelseg.apis import SkelSegStream
from mmskelseg.runtime import OnnxStream
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.trained.streaming import streaming_model
from tests.test_runtime.test_segmenting.conftest import make_config


def joints(video):
    return video['keypoint'][0], video['keypoint_score'][0]


def pushed(stream, video, sizes=()):
    """Return labels and probabilities of all frames, which come in these chunks."""
    keypoint, score = joints(video)
    frames, begin = [], 0
    for size in [*sizes, len(keypoint)]:
        block = slice(begin, begin + size)
        frames += stream.push(keypoint[block], score[block])
        begin += size
    frames += stream.flush()
    return [f.label for f in frames], np.array([f.probabilities for f in frames])


@pytest.fixture
def streams(causal, stream_file):
    checkpoint, file = stream_file
    return SkelSegStream(causal, checkpoint), OnnxStream(file)


@pytest.mark.parametrize('frames', [1, 2, 5, 6, 200])
@pytest.mark.parametrize('sizes', [(), (1,) * 20, (3, 40, 1, 1)])
def test_frames_get_the_labels_of_the_stream_in_numpy(streams, person, frames, sizes):
    """Also where a video is shorter than the lookahead of 5."""
    labels, expected = pushed(streams[0], person(frames), sizes)
    found_labels, found = pushed(streams[1], person(frames), sizes)
    assert found_labels == labels
    assert len(found) == frames
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_frames_of_different_labels_are_told_apart(streams, person):
    labels, _ = pushed(streams[1], person(200))
    assert len(set(labels)) > 1


def test_frames_come_as_soon_as_they_are_final(streams, person):
    keypoint, score = joints(person(9))
    counts = [
        [len(s.push(k, c)) for k, c in zip(keypoint, score, strict=True)]
        for s in streams
    ]
    assert counts[0] == counts[1] == [0] * 5 + [1] * 4
    assert streams[1].lookahead == 5


def test_times_are_resampled_to_the_rate_in_the_file(streams, person):
    keypoint, score = joints(person(30))
    times = np.arange(30) / 25
    found = [s.push(keypoint, score, times) + s.flush() for s in streams]
    assert streams[1].fps == 10.0
    assert [f.time for f in found[0]] == [f.time for f in found[1]]
    assert [f.label for f in found[0]] == [f.label for f in found[1]]


def test_state_is_stored_and_goes_on(stream_file, person, tmp_path):
    video = person(60)
    keypoint, score = joints(video)
    _, expected = pushed(OnnxStream(stream_file[1]), video)
    first, second = (OnnxStream(stream_file[1]) for _ in range(2))
    early = first.push(keypoint[:23], score[:23])
    np.savez(tmp_path / 'state.npz', **first.state_dict())
    second.load_state_dict(np.load(tmp_path / 'state.npz'))
    late = second.push(keypoint[23:], score[23:]) + second.flush()
    found = np.array([f.probabilities for f in early + late])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_state_moves_between_numpy_and_onnx(streams, person):
    """Their buffers are the same."""
    keypoint, score = joints(person(60))
    for first, second in (streams, streams[::-1]):
        first.reset()
        first.push(keypoint[:23], score[:23])
        second.load_state_dict(first.state_dict())
        found, expected = (
            s.push(keypoint[23:], score[23:]) + s.flush() for s in (second, first)
        )
        assert len(found) == 60 - (23 - 5)
        np.testing.assert_allclose(
            [frame.probabilities for frame in found],
            [frame.probabilities for frame in expected],
            rtol=0,
            atol=1e-6,
        )


def test_export_is_compared_with_the_network_of_whole_videos(
    export, causal, monkeypatch
):
    """Weights that were converted wrongly are noticed."""

    def spoiled(model):
        weights = streaming_model(model)
        weights.stages[-1].cls_bias[..., 0] += 0.1
        return weights

    monkeypatch.setattr('mmskelseg.trained.onnx_contents.streaming_model', spoiled)
    with pytest.raises(UserError, match=r'model\.onnx: .*differs from PyTorch'):
        export(causal, streaming=True)


def test_streams_of_one_file_do_not_mix(stream_file, person):
    _, expected = pushed(OnnxStream(stream_file[1]), person(40, seed=1))
    one = OnnxStream(stream_file[1])
    other = one.another()
    keypoint, score = joints(person(40))
    one.push(keypoint, score)
    _, found = pushed(other, person(40, seed=1))
    np.testing.assert_array_equal(found, expected)


def test_stream_begins_anew_after_a_reset(stream_file, person):
    stream = OnnxStream(stream_file[1])
    _, first = pushed(stream, person(30))
    stream.reset()
    np.testing.assert_array_equal(pushed(stream, person(30))[1], first)


def test_state_of_another_model_is_refused(stream_file):
    stream = OnnxStream(stream_file[1])
    state = stream.state_dict()
    state['model.state_0_0'] = np.zeros((1, 2, 3))
    with pytest.raises(
        UserError, match=r'state of the stream has model.state_0_0 of shape'
    ):
        stream.load_state_dict(state)


def test_whole_model_is_no_stream(recipe):
    with pytest.raises(UserError, match=r"kind is 'segmentor', but a stream needs"):
        OnnxStream(recipe[1])


def test_model_that_is_not_causal_is_named_before_export(export, coordinates):
    with pytest.raises(UserError, match=r'causal=False, so its labels depend'):
        export(coordinates, streaming=True)


def test_features_that_are_not_causal_are_named(export):
    cfg = make_config(
        'streaming/uwiom_pose2d.py', features={'pose2d': {'causal': False}}
    )
    with pytest.raises(UserError, match=r'render has causal=False, so its scale'):
        export(cfg, streaming=True)
