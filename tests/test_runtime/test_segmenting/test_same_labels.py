"""PyTorch, exported models and streams give the same labels, whatever the options."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmskelseg.apis import SkelSegInferencer, SkelSegStream
from mmskelseg.runtime import OnnxSegmenter, OnnxStream


@pytest.fixture(scope='module', params=[1, 4])
def segmenters(export, causal, request):
    """The same causal model in PyTorch and in ONNX, for videos and for streams."""
    cfg = copy.deepcopy(causal)
    cfg.model.postprocess = [{'type': 'CausalMinDuration', 'frames': request.param}]
    checkpoint, file = export(cfg)
    _, stream = export(cfg, streaming=True)
    return (
        SkelSegInferencer(cfg, checkpoint, 'cpu', show_progress=False),
        OnnxSegmenter(file, show_progress=False),
        SkelSegStream(cfg, checkpoint),
        OnnxStream(stream),
    )


def pushed(stream, video):
    """Return the labels and times that a stream gives a video's frames."""
    stream.reset()
    times = np.arange(video['keypoint'].shape[1]) / video['fps']
    frames = stream.push(video['keypoint'][0], video['keypoint_score'][0], times)
    return [(f.label, round(f.time, 6)) for f in (*frames, *stream.flush())]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    fps=st.sampled_from((4.0, 9.9, 10.0, 12.5, 20.0, 25.0, 29.97, 60.0)),
    min_score=st.floats(0, 1),
    frames=st.integers(1, 300),
    batch_size=st.integers(1, 3),
)
def test_labels_are_the_same(segmenters, person, fps, min_score, frames, batch_size):
    inferencer, onnx, *streams = segmenters
    videos = [{**person(n), 'fps': fps} for n in (frames, 40)]
    options = {'min_score': min_score, 'batch_size': batch_size}
    expected = inferencer(videos, **options)['predictions']
    found = onnx(videos, **options)['predictions']
    for one, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one['pred_label'], wanted['pred_label'])
        assert all(part['score'] >= min_score for part in wanted['segments'])
    first, second = (pushed(stream, videos[0]) for stream in streams)
    assert first == second
    if fps == 10 and min_score == 0:
        names = [expected[0]['classes'][k] for k in expected[0]['pred_label']]
        assert [name for name, _ in first] == names
