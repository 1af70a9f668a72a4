import json

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator

from mmskelseg.evaluation import SegmentationMetric, frame_map
from mmskelseg_behaviour.functional.report import format_report
from tests.errors import raises_naming


def sample(frame_dir, pred, gt, num_classes=3, **fields):
    """A data sample whose scores are one-hot at the prediction."""
    pred, gt = torch.as_tensor(pred), torch.as_tensor(gt)
    result = ActionDataSample(metainfo={'frame_dir': frame_dir})
    result.pred_label, result.gt_label = pred, gt
    result.pred_score = torch.nn.functional.one_hot(pred, num_classes).T.float()
    for name, value in fields.items():
        result.set_field(value, name)
    return result


TWO_VIDEOS = [
    # acc 3/4, edit 100, F1@50: class 0 1/2, class 1 2/3, so 100.
    sample('a', [0, 1, 1, 1], [0, 0, 1, 1]),
    # acc 1/2, edit 50: one of two segments, F1 of TP 1, FP 0, FN 1.
    sample('b', [2, 2], [2, 0]),
]


def evaluate(samples, classes=('x', 'y', 'z'), meta=(), **options):
    metric = SegmentationMetric(3, **options)
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dict(classes=list(classes), **dict(meta))
    evaluator.process(samples)
    return evaluator.evaluate(len(samples)), metric


@pytest.mark.parametrize(
    ('average', 'acc', 'f1'),
    [('pooled', 100 * 4 / 6, 100 * 6 / 7), ('video', 62.5, (100 + 200 / 3) / 2)],
)
def test_metric_pools_frames_and_segments_or_averages_over_videos(average, acc, f1):
    """The edit score is always a mean, and deviations are over videos."""
    scores, _ = evaluate(TWO_VIDEOS, average=average)
    assert scores['seg/acc'] == pytest.approx(acc)
    assert scores['seg/edit'] == pytest.approx(75)
    assert scores['seg/f1@50'] == pytest.approx(f1)
    assert scores['seg/acc_std'] == pytest.approx(np.std([75, 50]))
    assert scores['seg/edit_std'] == pytest.approx(np.std([100, 50]))
    assert scores['seg/f1@50_std'] == pytest.approx(np.std([100, 200 / 3]))
    assert all(type(value) is float for value in scores.values())


def test_metric_counts_a_repeated_video_once():
    once, _ = evaluate(TWO_VIDEOS)
    twice, metric = evaluate([*TWO_VIDEOS, TWO_VIDEOS[0]])
    assert twice == once
    assert list(metric.report['per_video']) == ['a', 'b']


def test_metric_takes_samples_and_dicts_of_tensors_or_arrays():
    arrays = [
        {
            key: value.numpy() if isinstance(value, torch.Tensor) else value
            for key, value in item.to_dict().items()
        }
        for item in TWO_VIDEOS
    ]
    expected, _ = evaluate(TWO_VIDEOS)
    for samples in (TWO_VIDEOS, arrays):
        metric = SegmentationMetric(3)
        metric.process(None, samples)
        assert metric.evaluate(2) == expected


def test_metric_leaves_out_a_video_without_labels(logged):
    unlabelled = sample('empty one', [0, 1], [-1, -1])
    expected, _ = evaluate(TWO_VIDEOS)
    scores, metric = evaluate([*TWO_VIDEOS, unlabelled])
    assert scores == expected
    assert [record.getMessage() for record in logged.records] == [
        'empty one: none of its frames has a label, so it is not evaluated.'
    ]
    assert 'empty one' not in metric.report['per_video']


def test_metric_rejects_a_set_without_any_label():
    with pytest.raises(ValueError, match='None of the videos'):
        evaluate([sample('a', [0, 1], [-1, -1])])


@pytest.mark.parametrize('background', [0, 'x', None])
def test_metric_background_is_an_id_a_name_or_the_data_sets(background):
    """Each way of naming the class 0 removes its segments."""
    meta = {} if background is not None else {'background': 'x'}
    scores, metric = evaluate(TWO_VIDEOS, meta=meta, background=background)
    # Left: class 1 in a (found), class 2 in b (found).
    assert scores['seg/edit'] == 100
    assert scores['seg/f1@10'] == 100
    assert metric.report['conventions']['background'] == 'x'


def test_metric_ranks_by_logits_when_asked():
    logits = torch.tensor([[9.0, 0.0, 5.0], [0.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    item = sample('a', [0, 1, 0], [0, 1, 1], pred_logit=logits)
    assert evaluate([item], scores='logit')[0]['seg/mAP'] == pytest.approx(100)
    assert evaluate([item], scores='prob')[0]['seg/mAP'] < 100


def test_metric_report_is_json_with_null_for_what_is_undefined():
    scores, metric = evaluate([sample('a', [0, 1, 1, 1], [0, 0, 1, -1])])
    report = json.loads(json.dumps(metric.report, allow_nan=False))
    assert {f'seg/{name}': value for name, value in report['metrics'].items()} == scores
    assert report['per_video']['a']['acc'] == pytest.approx(200 / 3)
    assert list(report['per_class']) == ['x', 'y', 'z']
    # Ranks of class x: one hit, then a tie of a hit and a miss.
    ap = 100 * (1 + 2 / 3) / 2
    expected = {'ap': ap, 'f1@10': 100, 'recall': 50, 'segments': 1, 'frames': 2}
    assert report['per_class']['x'] == pytest.approx(expected)
    assert report['per_class']['z'] == {
        'ap': None, 'f1@10': None, 'recall': None, 'segments': 0, 'frames': 0,
    }  # fmt: skip
    assert report['confusion'] == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert report['conventions'] == {
        'average': 'pooled', 'scores': 'prob', 'absent': 'skip', 'last_frame': True,
        'background': None, 'std': 'over videos',
    }  # fmt: skip


NOT_FINITE = torch.full((3, 2), float('nan'))


@pytest.mark.parametrize(
    ('item', 'named'),
    [
        (sample('v1', [0, 1], [0, 3]), 'v1: gt | label 3 | 0 to 2'),
        (sample('v1', [0, 1], [0, -2]), 'v1: gt | label -2'),
        (sample('v1', [0, 3], [0, 1], 4), 'v1: scores | 4 rows | 3 classes'),
        (sample('v1', [0, 1], [0, 1, 1]), 'v1: scores | (3, 2) | (K, 3)'),
        (sample('v1', [0, 1], [0, 1], pred_score=NOT_FINITE), 'v1: scores | 6 values'),
        (sample('v1', [0, 1], [0, 1], pred_label=torch.zeros(2)), 'v1: pred | float32'),
        (ActionDataSample(metainfo={'frame_dir': 'v1'}), 'v1: | pred_label'),
        (sample(None, [0, 1], [0, 1]), 'frame_dir'),
    ],
)
def test_metric_errors_name_the_video(item, named):
    with raises_naming(ValueError, named):
        SegmentationMetric(3).process(None, [item])


def test_metric_ranks_by_pred_score_where_there_are_no_logits():
    """Other packages' samples hold what they rank by in `pred_score`."""
    data = sample('v', [0, 1, 1, 0], [0, 1, 1, 0], 2)
    data.pred_score = torch.tensor([[3.0, 2.0, 0.5, 2.5], [0.0, 4.0, 1.0, 2.0]])
    metric = SegmentationMetric(2, scores='logit')
    metric.process(None, [data])
    expected = frame_map(data.pred_score.numpy(), data.gt_label.numpy())
    assert metric.evaluate(1)['seg/mAP'] == pytest.approx(expected)


def test_metric_rejects_classes_of_another_number():
    with raises_naming(ValueError, 'num_classes', ' 3,', ' 2 ', 'num_classes=2'):
        evaluate(TWO_VIDEOS, classes=('x', 'y'))


def test_metric_scores_labels_before_post_processing():
    """Those of video a had one frame more right and a segment too many."""
    processed = sample('a', [0, 0, 0, 0], [0, 0, 1, 1])
    raw = sample('a', [0, 1, 0, 1], [0, 0, 1, 1]).pred_label
    scores, metric = evaluate([sample('a', [0] * 4, [0, 0, 1, 1], raw_label=raw)])
    plain, _ = evaluate([processed])
    assert {k: v for k, v in scores.items() if '/raw' not in k} == plain
    alone, _ = evaluate([sample('a', [0, 1, 0, 1], [0, 0, 1, 1])])
    # Without MMEngine's evaluator, which makes dicts of samples.
    metric.process(None, [sample('b', [0] * 4, [0, 0, 1, 1], raw_label=raw)])
    assert scores['seg/raw_acc'] == alone['seg/acc'] == 50
    assert scores['seg/raw_edit'] == alone['seg/edit'] == 50
    assert 'seg/raw_mAP' not in scores
    assert 'before post-processing' in format_report(metric.report)
    assert 'before post-processing' not in format_report(
        evaluate([processed])[1].report
    )


def test_deviation_of_tiers_is_that_of_their_mean_in_each_video():
    """Each video is right in all frames of one tier, and in half of the other's."""
    right, half, gt = [0, 0], [0, 1], [0, 0]
    samples = [
        {
            'frame_dir': name,
            'pred_label': np.array(pred),
            'gt_label': np.array([gt, gt]),
            'pred_score': np.full((4, 2), 0.5),
        }
        for name, pred in (('a', [right, half]), ('b', [half, right]))
    ]
    metric = SegmentationMetric(4)
    metric.dataset_meta = {'tiers': {'one': ['x', 'y'], 'two': ['u', 'v']}}
    metric.process(None, samples)
    scores = metric.compute_metrics(metric.results)
    assert scores['acc'] == 75
    assert scores['acc_std'] == 0
    assert scores['one/acc_std'] == scores['two/acc_std'] == 25


def test_metric_counts_absent_classes_when_asked():
    item = sample('a', [0, 1], [0, 1])
    assert evaluate([item])[0]['seg/mAP'] == 100
    zero = evaluate([item], absent='zero')[0]['seg/mAP']
    assert zero == pytest.approx(200 / 3)
