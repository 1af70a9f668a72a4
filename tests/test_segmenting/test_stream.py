"""Exported streams give what streams of PyTorch's weights give."""

import numpy as np
import pytest

from mmskelseg.apis import SkelSegStream
from mmskelseg.export.streaming import streaming_model
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime import OnnxStream
from tests.errors import raises_naming
from tests.test_apis.test_stream import pushed
from tests.test_segmenting.conftest import make_config


def joints(video):
    return video['keypoint'][0], video['keypoint_score'][0]


def labels_and_scores(stream, video, sizes=()):
    """Return labels and probabilities of all frames, which come in these chunks."""
    frames = pushed(stream, *joints(video), sizes)
    return [f.label for f in frames], np.array([f.probabilities for f in frames])


@pytest.fixture
def streams(causal, stream_file):
    checkpoint, file = stream_file
    return SkelSegStream(causal, checkpoint), OnnxStream(file)


@pytest.mark.parametrize('frames', [1, 2, 5, 6, 200])
@pytest.mark.parametrize('sizes', [(), (1,) * 20, (3, 40, 1, 1)])
def test_frames_get_the_labels_of_the_stream_in_numpy(streams, person, frames, sizes):
    """Also where a video is shorter than the lookahead of 5."""
    labels, expected = labels_and_scores(streams[0], person(frames), sizes)
    found_labels, found = labels_and_scores(streams[1], person(frames), sizes)
    assert found_labels == labels
    assert len(found) == frames
    assert frames < 200 or len(set(labels)) > 1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_frames_come_as_soon_as_they_are_final(streams, person):
    keypoint, score = joints(person(9))
    counts = [
        [len(s.push(k, c)) for k, c in zip(keypoint, score, strict=True)]
        for s in streams
    ]
    assert counts[0] == counts[1] == [0] * 5 + [1] * 4
    assert (streams[1].lookahead, streams[1].fps) == (5, 10.0)


def test_state_moves_between_numpy_and_onnx(streams, person):
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
    """A wrong conversion of the weights is detected."""

    def spoiled(model):
        weights = streaming_model(model)
        weights.stages[-1].cls_bias[..., 0] += 0.1
        return weights

    monkeypatch.setattr('mmskelseg.export.onnx_contents.streaming_model', spoiled)
    with raises_naming(UserError, 'model.onnx: ', 'PyTorch'):
        export(causal, streaming=True)


def test_whole_model_is_no_stream(recipe):
    with raises_naming(UserError, recipe[1], 'kind', "'segmentor'"):
        OnnxStream(recipe[1])


def test_model_that_is_not_causal_is_named_before_export(export, coordinates):
    features = {'pose2d': {'causal': False}}
    rendered = make_config('streaming/uwiom_pose2d.py', features=features)
    for cfg, name in ((coordinates, 'model.branches'), (rendered, 'render')):
        with raises_naming(UserError, name, 'causal=False'):
            export(cfg, streaming=True)
