"""Labels in the orders of the training videos."""

from itertools import product

import numpy as np
import pytest

from mmskelseg_io.structures.segments import next_actions
from mmskelseg_runtime.decoding import action_order, run_step
from mmskelseg_runtime.decoding.orders import segment_evidence
from tests.errors import raises_naming

# Rest is class 0, and 1, 2, 3 follow one another.
SCRIPT = [[0] * 4, [0, 0, 9, 0], [0, 0, 0, 9], [0, 9, 0, 0]]


def score_of(labels, sure, other):
    """Return probabilities (4, T) of labels, and of what else they may be."""
    score = np.full((4, len(labels)), 0.01)
    score[other, range(len(labels))] = 0.98 - sure
    score[labels, range(len(labels))] = sure
    return score


def test_an_action_out_of_order_stays_where_the_model_is_sure():
    """The first 3 is not between 1 and another 3, unless it is clear."""
    labels = np.repeat([1, 3, 0, 3], [4, 3, 3, 4])
    expected = np.repeat([1, 2, 0, 3], [4, 3, 3, 4])
    unsure, sure = (score_of(labels, share, other=2) for share in (0.55, 0.97))

    def found(score, frames):
        return action_order(labels, score, SCRIPT, frames, background=0).tolist()

    assert found(unsure, 1) == expected.tolist()
    # Two orders of log(9.25 / 0.25) cost less than three frames of log(0.97 / 0.01),
    # and three times as much cost more.
    assert found(sure, 1) == labels.tolist()
    assert found(sure, 3) == expected.tolist()


def test_an_action_that_was_left_out_is_not_found_in_a_rest():
    """If class 0 is an action like all others, 2 comes between 1 and 3."""
    labels, complete = (np.repeat([1, each, 3], [6, 3, 8]) for each in (0, 2))
    score = score_of(labels, 0.9, other=2)
    for background, expected in ((0, labels), (None, complete)):
        found = action_order(labels, score, SCRIPT, 3, background)
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize('cost', [0, 1.5])
@pytest.mark.parametrize('background', [None, 0, 2])
@pytest.mark.parametrize('segments', [1, 2, 5])
def test_no_other_classes_are_likelier(rng, segments, background, cost):
    lengths = rng.integers(1, 4, segments)
    # No two neighbours are alike.
    labels = np.repeat((rng.integers(1, 3, segments)).cumsum() % 3, lengths)
    score = rng.dirichlet([1] * 3, len(labels)).T
    follows = rng.integers(0, 4, (3, 3))
    counts = follows + 1 / 3
    logs = np.log(counts / counts.sum(axis=1, keepdims=True))
    costs = 2 * (logs - (counts * logs).sum() / counts.sum())

    def value(classes):
        frames = np.repeat(classes, lengths)
        if (frames[labels == background] != background).any():
            return -np.inf
        likely = np.log(np.maximum(score[frames, range(len(frames))], 1e-6)).sum()
        likely -= cost * np.count_nonzero(np.diff(frames))
        return likely + sum(costs[pair] for pair in next_actions(frames, background))

    found = action_order(labels, score, follows.tolist(), 2, background, cost)
    best = max(map(value, product(range(3), repeat=segments)))
    assert value(found[lengths.cumsum() - 1]) == pytest.approx(best)


def test_evidence_is_what_other_labels_lack():
    """The best ones without a segment, where unlabelled frames are no neighbours."""
    labels = np.array([0, 0, 1, 1, 1, 2, -1, 3, 3])
    score = score_of(np.array([0, 0, 1, 0, 2, 2, 0, 3, 3]), 0.97, other=1)
    logs = np.log(score)
    # Frames 2 to 4 would be of class 0 up to frame 3, and then of class 2.
    frames = range(2, 5)
    middle = logs[1, frames].sum() - logs[[0, 0, 2], frames].sum()
    first, last = 2 * np.log(0.97 / 0.01), np.log(0.97 / 0.01)
    expected = [first, middle, last]
    assert segment_evidence(labels, score) == pytest.approx(expected)
    # Two segments are spared between two of the same class.
    score = score_of(np.array([0, 0, 1, 0]), 0.97, other=2)
    between = segment_evidence(np.array([0, 0, 1, 0]), score)[1]
    assert between == pytest.approx(np.log(0.97 / 0.01) / 2)
    assert not len(segment_evidence(np.array([1, 1]), score[:, :2]))


def test_no_frame_has_no_order():
    assert action_order(np.zeros(0, int), np.zeros((4, 0)), SCRIPT, 2).shape == (0,)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'follows': SCRIPT[:3], 'frames': 2}, 'ActionOrder | 4 classes'),
        ({'follows': SCRIPT, 'frames': 2, 'background': 4}, 'background | 4'),
        ({'follows': SCRIPT, 'frames': 0}, 'frames=0'),
        ({'follows': SCRIPT, 'frames': 1, 'cost': -1}, 'cost=-1'),
        ({'follows': [[-1] * 4] * 4, 'frames': 2}, 'follows'),
        ({'follows': [[1], [2, 3]], 'frames': 2}, 'ActionOrder'),
        ({'frames': 2}, 'ActionOrder'),
    ],
)
def test_options_are_checked(options, named):
    labels = np.array([1, 1, 2])
    prediction = {'pred_label': labels, 'pred_score': score_of(labels, 0.9, 0)}
    with raises_naming(ValueError, named):
        run_step(prediction, {'type': 'ActionOrder', **options})
