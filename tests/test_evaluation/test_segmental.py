from itertools import groupby

import numpy as np
import pytest

from mmskelseg.evaluation import edit_score, frame_accuracy, segmental_f1
from mmskelseg_behaviour.functional.segmental import segmental_counts
from tests.errors import raises_naming


def random_pair(seed):
    """Label sequences with long and short runs, background 0 and frames without one."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(1, 80))
    gt = np.repeat(rng.integers(0, 4, frames), rng.integers(1, 9, frames))[:frames]
    pred = np.where(rng.random(frames) < 0.25, rng.integers(0, 4, frames), gt)
    if frames > 1:
        gaps = rng.integers(0, frames, 2)
        gt[min(gaps) : max(gaps)][rng.random(np.ptp(gaps)) < 0.4] = -1
    gt[rng.integers(frames)] = rng.integers(0, 4)
    return pred, gt


def slow_segments(labels, gt, background):
    """Segments as (label, frames), gathered frame by frame."""
    keys = [
        -1 if truth == -1 else label for label, truth in zip(labels, gt, strict=True)
    ]
    runs = [list(run) for _, run in groupby(range(len(keys)), lambda t: keys[t])]
    return [
        (keys[run[0]], set(run)) for run in runs if keys[run[0]] not in (-1, background)
    ]


def slow_counts(pred, gt, overlap, background):
    """TP, FP, FN by comparing every segment with every other as sets of frames."""
    actual = slow_segments(gt, gt, background)
    predicted = slow_segments(pred, gt, background)
    used = set()
    for label, frames in predicted:
        ious = [
            len(frames & others) / len(frames | others) if label == other else 0.0
            for other, others in actual
        ]
        best = int(np.argmax(ious)) if ious else 0
        if ious and ious[best] >= overlap:
            used.add(best)
    return [len(used), len(predicted) - len(used), len(actual) - len(used)]


def slow_edit(pred, gt, background):
    """The edit score from the textbook's table of distances."""
    first = [label for label, _ in slow_segments(pred, gt, background)]
    second = [label for label, _ in slow_segments(gt, gt, background)]
    table = np.zeros((len(first) + 1, len(second) + 1))
    table[:, 0], table[0] = range(len(first) + 1), range(len(second) + 1)
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            table[i, j] = min(
                table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b)
            )
    return 100 * (1 - table[-1, -1] / max(len(first), len(second), 1))


@pytest.mark.parametrize('background', [None, 0])
@pytest.mark.parametrize('overlap', [0.1, 0.25, 0.5, 1.0])
def test_segmental_counts_agree_with_sets_of_frames(overlap, background):
    for seed in range(150):
        pred, gt = random_pair(seed)
        counts = segmental_counts(pred, gt, [overlap], background=background)
        expected = slow_counts(pred, gt, overlap, background)
        assert counts[0].sum(axis=0).tolist() == expected, seed


@pytest.mark.parametrize('background', [None, 0])
def test_edit_score_agrees_with_the_table_of_distances(background):
    for seed in range(150):
        pred, gt = random_pair(seed)
        expected = slow_edit(pred, gt, background)
        assert edit_score(pred, gt, background) == pytest.approx(expected), seed


def test_segmental_f1_without_the_last_frame_drops_it_on_both_sides():
    """A last segment of one frame cannot be matched under that convention."""
    labels = np.array([0, 0, 0, 1])
    assert segmental_f1(labels, labels, 0.1) == 100.0
    assert segmental_f1(labels, labels, 0.1, last_frame=False) == 50.0


def test_segmental_scores_ignore_frames_without_label():
    gt = np.array([0, 0, -1, -1, 1, 1])
    for filler in ([0, 1], [2, 2], [1, 1], [-1, 7]):
        pred = np.array([0, 0, *filler, 1, 1])
        assert segmental_f1(pred, gt, 0.5) == 100.0
        assert edit_score(pred, gt) == 100.0
        assert frame_accuracy(pred, gt) == 100.0


@pytest.mark.parametrize(
    ('pred', 'expected'), [([0, 0, 0], 100.0), ([0, 1, 0], 0.0), ([1, 1, 1], 0.0)]
)
def test_segmental_scores_of_a_video_of_background_are_defined(pred, expected):
    """With nothing to find, claiming nothing is right and claiming something wrong."""
    gt = np.zeros(3, int)
    assert edit_score(np.array(pred), gt, background=0) == expected
    assert segmental_f1(np.array(pred), gt, 0.1, background=0) == expected


@pytest.mark.parametrize('function', [frame_accuracy, edit_score, segmental_f1])
@pytest.mark.parametrize(
    ('pred', 'gt', 'named'),
    [
        ([], [], 'gt | empty'),
        ([0, 1, 1], [0, 1], 'pred | 3 frames | gt | 2;'),
        ([0, 1], [-1, -1], 'gt | 2 frames | -1'),
        ([0, -1], [0, 1], 'pred | label -1'),
        ([0, 1], [0, -2], 'gt | label -2'),
        ([0.0, 1.0], [0, 1], 'pred | float64'),
        ([[0, 1]], [0, 1], 'pred | (1, 2)'),
    ],
)
def test_label_metrics_name_what_is_wrong_with_labels(function, pred, gt, named):
    rest = (0.5,) if function is segmental_f1 else ()
    with raises_naming(ValueError, named):
        function(np.array(pred), np.array(gt), *rest)


@pytest.mark.parametrize('overlap', [0, -0.1, 10])
def test_segmental_f1_rejects_an_overlap_in_percent(overlap):
    with raises_naming(ValueError, 'overlap', f' {overlap},'):
        segmental_f1(np.array([0]), np.array([0]), overlap)
