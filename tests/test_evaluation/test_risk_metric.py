import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from mmskelseg.evaluation.metrics import RiskMetric
from mmskelseg_behaviour.functional.framewise import frame_mse
from tests.errors import raises_naming


def sample(frame_dir, pred, gt):
    result = ActionDataSample(metainfo={'frame_dir': frame_dir})
    for name, values in (('pred_risk', pred), ('gt_risk', gt)):
        if values is not None:
            result.set_field(torch.tensor(values), name, dtype=torch.Tensor)
    return result


VIDEOS = [
    # Errors 1 and 3: mse 5, mae 2.
    sample('a', [1.0, 5.0], [2.0, 2.0]),
    # Error 2: mse 4, mae 2.
    sample('b', [3.0], [5.0]),
]


def evaluate(samples):
    metric = RiskMetric()
    evaluator = Evaluator(metric)
    evaluator.process(samples)
    return evaluator.evaluate(len(samples)), metric


def test_risk_metric_averages_over_videos():
    scores, metric = evaluate(VIDEOS)
    assert scores == {
        'risk/mse': pytest.approx(4.5),
        'risk/mse_std': pytest.approx(0.5),
        'risk/mae': pytest.approx(2),
        'risk/mae_std': pytest.approx(0),
    }
    assert metric.report['per_video']['a'] == {'mse': 5, 'mae': 2}


def test_risk_metric_counts_a_repeated_video_once():
    """A distributed sampler repeats videos to fill the last batch."""
    metric = RiskMetric()
    for batch in (VIDEOS, VIDEOS[:1]):
        metric.process(None, [video.to_dict() for video in batch])
    assert metric.compute_metrics(metric.results)['mse'] == pytest.approx(4.5)


@pytest.mark.parametrize(
    ('video', 'named'),
    [
        (sample('v', [1.0], None), 'gt_risk | RiskMetric | `risk`'),
        (sample('v', None, [1.0]), 'pred_risk | RiskHead'),
        (sample('v', [1.0], [1.0, 2.0]), 'pred | (1,) | gt | (2,)'),
        (sample('v', [float('nan')], [1.0]), 'pred | 1 values'),
    ],
)
def test_risk_metric_names_the_video_at_fault(video, named):
    with raises_naming(ValueError, 'v: ', named):
        RiskMetric().process(None, [video.to_dict()])


def test_no_frames_have_no_error():
    with raises_naming(ValueError, 'pred', 'gt', '(0,)'):
        frame_mse(np.zeros(0), np.zeros(0))
