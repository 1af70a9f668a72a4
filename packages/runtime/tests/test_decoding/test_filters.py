import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmskelseg_io.structures.segments import to_segments
from mmskelseg_runtime.decoding import (
    causal_min_duration,
    min_duration,
    refine_boundaries,
    run_step,
)
from tests.errors import raises_naming


def one_hot(labels, num_classes):
    return np.eye(num_classes)[:, labels]


def test_short_segments_go_to_the_likelier_neighbour():
    labels = np.array([0] * 5 + [1] * 2 + [2] * 5)
    score = one_hot(labels, 3)
    score[0, 5:7], score[2, 5:7] = 0.1, 0.3
    assert min_duration(labels, score, 3).tolist() == [0] * 5 + [2] * 7
    score[0, 5:7] = 0.4
    assert min_duration(labels, score, 3).tolist() == [0] * 7 + [2] * 5


def test_the_shortest_segment_goes_first():
    """A single frame between two short segments of one class joins them."""
    labels = np.array([0] * 6 + [1, 1, 2, 1, 1] + [0] * 6)
    expected = [0] * 6 + [1] * 5 + [0] * 6
    assert min_duration(labels, one_hot(labels, 3), 3).tolist() == expected


def test_of_equally_short_segments_the_earliest_goes_first():
    """The second one, if it went first, would join all that is of class 1."""
    labels = np.array([0] * 3 + [1, 2] + [1] * 3)
    score = one_hot(labels, 3)
    assert min_duration(labels, score, 2).tolist() == [0] * 5 + [1] * 3
    score[2, 3] = 0.5
    assert min_duration(labels, score, 2).tolist() == [0] * 3 + [2] * 2 + [1] * 3


def test_equally_likely_neighbours_leave_a_segment_to_the_first():
    labels = np.array([0, 0, 1, 2, 2])
    assert min_duration(labels, one_hot(labels, 3), 2).tolist() == [0, 0, 0, 2, 2]


def merged(labels, score, frames):
    """Merge the shortest segment until none is too short, plainly."""
    while len(segments := to_segments(labels)) > 1:
        i = min(range(len(segments)), key=lambda i: segments[i][1] - segments[i][0])
        start, end, _ = segments[i]
        if end - start >= frames:
            break
        sides = [segments[j][2] for j in (i - 1, i + 1) if 0 <= j < len(segments)]
        labels = labels.copy()
        labels[start:end] = max(sides, key=lambda c: score[c, start:end].sum())
    return labels


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_merging_is_that_of_a_plain_loop(seed, frames, n):
    rng = np.random.default_rng(seed)
    score = np.repeat(rng.dirichlet([0.5] * n, 12).T, rng.integers(1, 4), axis=1)
    # Also if another step has changed labels.
    labels = causal_min_duration(score.argmax(axis=0), 2)
    result = min_duration(labels, score, frames)
    assert result.tolist() == merged(labels, score, frames).tolist()
    segments = to_segments(result)
    assert len(segments) == 1 or all(e - s >= frames for s, e, _ in segments)


def test_merging_takes_a_time_in_proportion_to_the_segments():
    """The plain loop would look at 100,000 segments for each that merges."""
    labels = np.tile([0, 1, 1, 2, 2, 2], 50_000)
    score = one_hot(labels, 3) * 0.8 + 0.1
    assert min_duration(labels, score, 2).tolist()[:8] == [1, 1, 1, 2, 2, 2, 2, 1]


def test_labels_without_short_segments_stay():
    labels = np.array([0, 0, 1, 1, 1])
    assert min_duration(labels, np.full((2, 5), 0.5), 2).tolist() == labels.tolist()


def test_labels_change_at_boundaries_alone():
    labels = np.array([0, 0, 1, 0, 1, 1, 0, 1])
    boundary = np.array([0.9, 0.1, 0.4, 0.1, 0.8, 0.8, 0.1, 0.2])
    # The one at frame 0 starts the video, that of frame 2 is too unlikely, and of the
    # plateau the first frame counts.
    assert refine_boundaries(labels, boundary).tolist() == [0] * 4 + [1] * 4
    assert refine_boundaries(labels, boundary, 0.3).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_rise_in_steps_has_one_boundary_its_top():
    labels = np.array([0, 1, 1, 0, 0, 2, 0])
    boundary = np.array([0, 0.6, 0.6, 0.9, 0, 0, 0])
    assert refine_boundaries(labels, boundary).tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_probabilities_are_of_the_same_frames():
    prediction = {'pred_label': np.zeros(3, int), 'pred_score': np.ones((2, 4)) / 2}
    with raises_naming(ValueError, 'MinDuration', '3 labels', '4 frames'):
        run_step(prediction, {'type': 'MinDuration', 'frames': 2})


@pytest.mark.parametrize(
    ('step', 'named'),
    [
        ({'type': 'MinDuration', 'window': 3}, "MinDuration | {'window': 3}"),
        ({'type': 'MinDuration', 'frames': 2.5}, 'MinDuration: frames=2.5'),
        ({'type': 'MinDuration', 'frames': 0}, 'frames=0'),
        ({'type': 'BoundaryRefinement', 'threshold': 2}, 'threshold=2'),
    ],
)
def test_options_in_an_exported_model_are_checked(step, named):
    prediction = {
        'pred_label': np.zeros(3, int),
        'pred_score': np.ones((2, 3)) / 2,
        'pred_boundary': np.ones(3) / 2,
    }
    with raises_naming(ValueError, named):
        run_step(prediction, step)


def test_probabilities_that_are_not_finite_are_refused():
    prediction = {'pred_label': np.zeros(3, int), 'pred_score': np.ones((2, 3)) / 2}
    prediction['pred_score'][1, 2] = np.nan
    with raises_naming(ValueError, 'MinDuration', 'pred_score'):
        run_step(prediction, {'type': 'MinDuration', 'frames': 2})


def test_no_frames_have_no_boundaries():
    assert refine_boundaries(np.zeros(0, np.int64), np.zeros(0)).shape == (0,)


def test_boundaries_need_a_value_for_each_frame():
    with raises_naming(ValueError, '5 labels', ' 4 '):
        refine_boundaries(np.zeros(5, np.int64), np.zeros(4))
