"""PyTorch, exported models and streams give the same labels, whatever the options."""

import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmskelseg.apis import SkelSegStream
from mmskelseg_io.structures.tiers import flat_classes, flat_rows, tiers_of
from mmskelseg_runtime import OnnxSegmenter, OnnxStream
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.test_segmenting.conftest import META


def in_all_forms(export, cfg, meta=META):
    """Return a causal model in PyTorch and in ONNX, for videos and for streams."""
    checkpoint, file = export(cfg, meta)
    _, stream = export(cfg, meta, streaming=True)
    return (
        inferencer_of(cfg, checkpoint),
        OnnxSegmenter(file, show_progress=False),
        SkelSegStream(cfg, checkpoint),
        OnnxStream(stream),
    )


@pytest.fixture(scope='module', params=[
    (1, None, {}), (4, None, {'kpt_thr': 0.5}), (3, [4, 2, 3], {}),
])  # fmt: skip
def segmenters(export, causal, request):
    """A causal model of one tier, or of three at a temperature."""
    frames, tiers, stated = request.param
    cfg, meta = copy.deepcopy(causal), {**META, **stated}
    cfg.model.postprocess = [{'type': 'CausalMinDuration', 'frames': frames}]
    if tiers is not None:
        cfg.model.update(num_classes=9, tiers=tiers, temperature=1.7)
        names = {
            f'tier {i}': [f'class {k}' for k in range(n)] for i, n in enumerate(tiers)
        }
        meta = {**META, 'tiers': names, 'classes': flat_classes(names)}
    return in_all_forms(export, cfg, meta)


def pushed(stream, video):
    """Return the labels and times that a stream gives a video's frames."""
    stream.reset()
    times = np.arange(video['keypoint'].shape[1]) / video['fps']
    frames = stream.push(video['keypoint'][0], video['keypoint_score'][0], times)
    return [(f.tier, f.label, round(f.time, 6)) for f in (*frames, *stream.flush())]


@settings(
    max_examples=15,
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
        for tier in tiers_of(expected[0]):
            row = flat_rows(expected[0]['pred_label'], tiers_of(expected[0]))[tier.name]
            names = [tier.classes[k - tier.rows.start] for k in row]
            assert [name for of, name, _ in first if of == tier.name] == names


@pytest.fixture(scope='module')
def of_pairs(export, causal):
    """A causal model that sees two people."""
    cfg = copy.deepcopy(causal)
    render = {'type': 'PairCoordinates', 'dims': 2, 'turn': False, 'causal': True}
    cfg.test_dataloader.dataset.features.pose2d.render = {**render, 'person': 0}
    cfg.model.branches.pose2d.in_channels = 100
    return in_all_forms(export, cfg)


def test_streams_of_pairs_give_the_labels_of_the_video(of_pairs, person):
    """Also from a stored state; the person to label comes first."""
    inferencer, onnx, *streams = of_pairs
    one, other = person(90), person(90, seed=1)
    video = {**one}
    for key in ('keypoint', 'keypoint_3d', 'keypoint_score'):
        video[key] = np.concatenate([one[key], other[key]])
    (expected,) = inferencer(video)['predictions']
    names = [expected['classes'][k] for k in expected['pred_label']]
    (found,) = onnx(video)['predictions']
    assert found['pred_label'].tolist() == expected['pred_label'].tolist()
    points, score = (video[k].swapaxes(0, 1) for k in ('keypoint', 'keypoint_score'))
    for stream in streams:
        frames = stream.push(points[:40], score[:40])
        frames += stream.push(points[40], score[40])
        rest = stream.another()
        rest.load_state_dict(stream.state_dict())
        frames += [*rest.push(points[41:], score[41:]), *rest.flush()]
        assert [frame.label for frame in frames] == names
        with raises_naming(ValueError, '(15, 2)', '(2, 15, 2)'):
            stream.push(points[0, 0])
