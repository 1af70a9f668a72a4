import tracemalloc

import numpy as np
import pytest

from mmskelseg.evaluation import frame_accuracy, frame_map
from mmskelseg_behaviour.functional.framewise import (
    confusion_matrix,
    frame_ap,
    frame_recall,
)
from tests.errors import raises_naming


def test_frame_accuracy_counts_labelled_frames_only():
    """Two of three labelled frames are right; the fourth does not count."""
    pred, gt = np.array([0, 1, 1, 0]), np.array([0, 1, 2, -1])
    assert frame_accuracy(pred, gt) == pytest.approx(200 / 3)


def test_confusion_matrix_agrees_with_counting():
    rng = np.random.default_rng(0)
    gt, pred = rng.integers(-1, 4, 300), rng.integers(0, 4, 300)
    confusion = confusion_matrix(pred, gt, 4)
    expected = [
        [
            sum(g == i and p == j for g, p in zip(gt, pred, strict=True))
            for j in range(4)
        ]
        for i in range(4)
    ]
    assert confusion.tolist() == expected
    accuracy = 100 * confusion.trace() / confusion.sum()
    assert accuracy == pytest.approx(frame_accuracy(pred, gt))


def test_frame_recall_of_an_absent_class_is_nan():
    recall = frame_recall(np.array([[3, 1, 0], [0, 0, 0], [0, 1, 1]]))
    np.testing.assert_allclose(recall, [75, np.nan, 50])


def test_frame_ap_of_a_ranking_worked_out_by_hand():
    """Hits at ranks 1 and 3: (1/1 + 2/3) / 2."""
    scores = np.array([[0.9, 0.8, 0.7, 0.1], [0.0, 0.0, 0.0, 0.0]])
    ap = frame_ap(scores, np.array([0, 1, 0, 1]))
    # Class 1 has equal scores, so a single threshold with precision 2/4.
    np.testing.assert_allclose(ap, [100 * 5 / 6, 50])


@pytest.mark.parametrize('dtype', [np.float16, np.float64])
@pytest.mark.parametrize('classes', [1, 17])
@pytest.mark.parametrize('decimals', [1, 12])
def test_frame_ap_agrees_with_scikit_learn(dtype, classes, decimals):
    metrics = pytest.importorskip('sklearn.metrics', reason='needs scikit-learn')
    rng = np.random.default_rng(decimals)
    scores = rng.random((classes, 3000)).round(decimals).astype(dtype)
    # The last two of 17 classes are absent.
    gt = rng.integers(-1, min(classes, 15), 3000)
    expected = [
        100 * metrics.average_precision_score(gt[gt >= 0] == label, row[gt >= 0])
        if (gt == label).any()
        else np.nan
        for label, row in enumerate(scores)
    ]
    np.testing.assert_allclose(frame_ap(scores, gt), expected, rtol=0, atol=1e-9)


def test_frame_ap_keeps_one_class_at_a_time():
    """Beyond the scores, memory is that of a check and of the rows of one class."""
    scores = np.random.default_rng(0).random((50, 20_000), dtype=np.float32)
    gt = np.arange(20_000) % 50
    tracemalloc.start()
    frame_ap(scores, gt)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * scores.nbytes


def test_frame_map_skips_or_counts_absent_classes():
    scores, gt = np.eye(4)[:, [0, 1, 1]], np.array([0, 1, 1])
    assert frame_map(scores, gt) == 100.0
    assert frame_map(scores, gt, absent='zero') == 50.0


def test_frame_map_ignores_scores_of_unlabelled_frames():
    scores = np.array([[0.9, 1.0, 0.1], [0.1, 0.0, 0.9]])
    assert frame_map(scores, np.array([0, -1, 1])) == 100.0
    assert frame_map(scores, np.array([0, 1, 1])) < 100.0


@pytest.mark.parametrize(
    ('scores', 'gt', 'named'),
    [
        (np.zeros((2, 3)), [0, 1], 'scores | (2, 3) | (K, 2)'),
        (np.array([[0, np.nan], [0, 0]]), [0, 1], 'scores | 1 values | nan'),
        (np.zeros((2, 2)), [0, 2], 'gt | label 2 | 0 to 1'),
        (np.zeros((2, 2)), [-1, -1], 'gt | 2 frames | -1'),
        (np.zeros((2, 0)), [], 'gt | empty'),
    ],
)
def test_frame_map_names_what_is_wrong(scores, gt, named):
    with raises_naming(ValueError, named):
        frame_map(scores, np.array(gt, int))


def test_frame_map_rejects_an_unknown_convention():
    with raises_naming(ValueError, 'absent', "'none'", "'skip'", "'zero'"):
        frame_map(np.eye(2), np.array([0, 1]), absent='none')
