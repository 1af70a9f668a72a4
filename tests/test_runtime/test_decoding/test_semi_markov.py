import itertools
import math
import tracemalloc
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mmskelseg.evaluation import to_segments
from mmskelseg.runtime.decoding import SegmentGrammar, semi_markov, viterbi
from tests.errors import raises_naming

A, B, C = range(3)


def video(*segments):
    """Return labels of segments (class, frames)."""
    return np.concatenate([np.full(frames, label) for label, frames in segments])


def test_transitions_and_durations_are_counted():
    videos = [video((A, 4), (B, 2), (A, 8)), video((B, 2), (A, 4))]
    grammar = SegmentGrammar.count(videos, 3, smoothing=1e-9)
    np.testing.assert_allclose(grammar.start, [0.5, 0.5, 0], atol=1e-8)
    np.testing.assert_allclose(grammar.transitions[A], [0, 1, 0], atol=1e-8)
    np.testing.assert_allclose(grammar.transitions[B], [1, 0, 0], atol=1e-8)
    # C never was: either of the others may follow, and it lasts as long as all do.
    np.testing.assert_allclose(grammar.transitions[C], [0.5, 0.5, 0])
    logs = np.log([4, 8, 4, 2, 2])
    np.testing.assert_allclose(grammar.duration_mean[A], np.log([4, 8, 4]).mean())
    np.testing.assert_allclose(grammar.duration_mean[C], logs.mean())
    np.testing.assert_allclose(grammar.duration_std[A], np.log([4, 8, 4]).std())
    # Those of B are all equal, but others will not be.
    np.testing.assert_allclose(grammar.duration_std[B], 0.25)
    assert grammar.longest == 8


def test_two_classes_before_decide_with_order_2():
    """B after A at the start goes on to C, later to A."""
    videos = [video((A, 3), (B, 3), (C, 3), (B, 3), (A, 3))] * 50
    grammar = SegmentGrammar.count(videos, 3, order=2)
    start = 3
    assert grammar.transitions[A, B, C] > 0.95
    assert grammar.transitions[C, B, A] > 0.95
    assert grammar.transitions[start, A, B] > 0.95
    first_order = SegmentGrammar.count(videos, 3)
    np.testing.assert_allclose(first_order.transitions[B], [0.5, 0, 0.5])
    for rows in (grammar.transitions, first_order.transitions):
        np.testing.assert_allclose(rows.sum(axis=-1), 1)
        assert (np.diagonal(rows, axis1=-2, axis2=-1) == 0).all()


def test_label_that_is_no_class_is_named():
    with raises_naming(ValueError, ' 2,', '0 to 1', 'num_classes'):
        SegmentGrammar.count([video((A, 4), (C, 2))], 2)


@pytest.mark.parametrize(
    ('changes', 'named'),
    [
        ({'start': np.ones(1)}, 'transitions | (2, 2) | (1, 1)'),
        ({'transitions': np.ones((2, 3))}, 'transitions | (2, 3) | (2, 2)'),
        ({'duration_mean': np.array([1, np.nan])}, 'duration_mean | (2,)'),
        ({'duration_std': np.array([0.5, 0])}, 'duration_std | 0 to 0.5'),
        ({'duration_std': np.array([0.5, 1e9])}, 'duration_std | 0.5 to 1e+09'),
        ({'duration_mean': np.array([1, 1e300])}, 'duration_mean | 1 to 1e+300'),
        ({'start': np.array([1.5, -0.5])}, 'start | -0.5 to 1.5'),
        ({'transitions': np.full((2, 2), 1e9)}, 'transitions | 1e+09'),
        ({'longest': 0}, 'longest=0 | 1 to 10000000 | 2 classes'),
        ({'longest': 10**7 + 1}, 'longest=10000001'),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes, named):
    """They may come from a file, and compiled code would read beyond their ends."""
    grammar = SegmentGrammar.count([video((A, 4), (B, 2))], 2)
    with raises_naming(ValueError, 'SegmentGrammar', named):
        replace(grammar, **changes)
    with raises_naming(ValueError, '2 classes', ' 3.'):
        viterbi(np.ones((3, 5)), grammar)


def test_durations_are_those_of_one_block(monkeypatch):
    """However they are split, they sum to 1 over twice the longest one."""
    grammar = SegmentGrammar.count([video((A, 40), (B, 25), (A, 31))], 2)
    whole = semi_markov._durations(grammar, 80)
    np.testing.assert_allclose(np.exp(whole).sum(axis=1), 1)
    monkeypatch.setattr(semi_markov, '_BLOCK', 7)
    np.testing.assert_allclose(semi_markov._durations(grammar, 80), whole)
    np.testing.assert_allclose(semi_markov._durations(grammar, 9), whole[:, :9])


def test_longest_duration_takes_no_memory_of_its_own():
    """It is a number of a file, and a video may be short."""
    grammar = SegmentGrammar.count([video((A, 4), (B, 2))], 2)
    grammar = replace(grammar, longest=10**7)
    viterbi(np.full((2, 5), 0.5), grammar)  # Compiles it.
    tracemalloc.start()
    viterbi(np.full((2, 5), 0.5), grammar)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1 << 27


def test_unlabelled_frames_cut_transitions_and_durations():
    labels = video((A, 5), (-1, 2), (B, 5), (C, 7), (A, 2), (-1, 1))
    grammar = SegmentGrammar.count([labels], 3, smoothing=1e-9)
    np.testing.assert_allclose(grammar.transitions[B], [0, 0, 1], atol=1e-8)
    # Nothing is known to follow A, and only C was seen from its start to its end.
    np.testing.assert_allclose(grammar.transitions[A], [0, 0.5, 0.5])
    assert grammar.longest == 7
    np.testing.assert_allclose(grammar.duration_mean, math.log(7))


@pytest.mark.parametrize(
    ('options', 'named'),
    [({'order': 3}, 'order=3 | 1 or 2'), ({'smoothing': 0}, 'smoothing=0 ')],
)
def test_options_are_checked(options, named):
    with raises_naming(ValueError, named):
        SegmentGrammar.count([video((A, 5))], 2, **options)


def test_labels_without_a_whole_segment_are_refused():
    with pytest.raises(ValueError, match=r'There is no complete segment'):
        SegmentGrammar.count([video((-1, 2), (A, 5), (-1, 2))], 2)


def log_probability(labels, score, grammar, weight):
    """Return that of a segmentation, written out segment by segment."""
    segments = to_segments(labels)
    total = sum(math.log(score[c, t]) for t, c in enumerate(labels))
    # As it is cut off: beyond twice the longest, each frame costs what the last did.
    known = 2 * grammar.longest
    classes = [label for *_, label in segments]
    for i, (start, end, c) in enumerate(segments):
        mean, std = grammar.duration_mean[c], grammar.duration_std[c]
        density = [
            math.exp(-((math.log(d) - mean) ** 2) / (2 * std**2)) / (d * std)
            for d in range(1, known + 1)
        ]
        logs = np.log(np.array(density) / sum(density))
        d = end - start
        value = logs[min(d, known) - 1]
        value += max(d - known, 0) * min(logs[-1] - logs[-2], 0)
        if i == 0:
            value += math.log(grammar.start[c])
        elif grammar.order == 1:
            value += math.log(grammar.transitions[classes[i - 1], c])
        else:
            earlier = classes[i - 2] if i > 1 else len(grammar.start)
            value += math.log(grammar.transitions[earlier, classes[i - 1], c])
        total += weight * value
    return total


@pytest.mark.parametrize('order', [1, 2])
@pytest.mark.parametrize('weight', [0.5, 3.0])
@pytest.mark.parametrize('longest', [1, 2, 4])
def test_no_segmentation_is_likelier(order, weight, longest):
    """All 3**7 of them are tried, with durations that go beyond what was counted."""
    rng = np.random.default_rng(order * 10 + longest)
    videos = [
        video(*zip(rng.permutation(3), rng.integers(1, longest + 1, 3), strict=True))
        for _ in range(3)
    ]
    grammar = SegmentGrammar.count(videos, 3, order=order)
    assert grammar.longest <= longest
    for _ in range(5):
        score = rng.dirichlet([0.7] * 3, 7).T
        found = viterbi(score, grammar, weight=weight)
        best = max(
            log_probability(labels, score, grammar, weight)
            for labels in itertools.product(range(3), repeat=7)
        )
        own = log_probability(found, score, grammar, weight)
        assert own == pytest.approx(best, abs=1e-9)


def test_flicker_goes_and_long_segments_stay():
    """A segment ten times as long as any that was counted stays whole."""
    rng = np.random.default_rng(0)
    labels = video((A, 60), (B, 800), (C, 60))
    grammar = SegmentGrammar.count([video((A, 50), (B, 80), (C, 70))] * 5, 3)
    score = np.where(np.eye(3)[:, labels] > 0, 0.6, 0.2)
    score[:, rng.random(labels.size) < 0.1] = 1 / 3
    score[:, 400:403] = [[0.7], [0.2], [0.1]]
    found = to_segments(viterbi(score, grammar))
    assert [label for *_, label in found] == [A, B, C]
    # Up to the frames without a likeliest class.
    assert found[1][:2] == pytest.approx((60, 860), abs=3)


@pytest.mark.parametrize('order', [1, 2])
def test_shortest_videos_and_one_class(order):
    grammar = SegmentGrammar.count([video((A, 5), (B, 5))], 2, order=order)
    assert viterbi(np.zeros((2, 0)), grammar).tolist() == []
    assert viterbi(np.array([[0.02], [0.98]]), grammar).tolist() == [1]
    alone = SegmentGrammar.count([video((A, 5))], 1, order=order)
    assert viterbi(np.ones((1, 30)), alone).tolist() == [0] * 30


def test_a_frame_that_rules_a_class_out_does_not_end_it():
    """Probabilities of 0 are bounded, so that every segmentation stays possible."""
    grammar = SegmentGrammar.count([video((A, 9), (B, 9))], 2)
    score = np.where(np.eye(2)[:, video((A, 9), (B, 9))] > 0, 1.0, 0.0)
    assert viterbi(score, grammar).tolist() == [A] * 9 + [B] * 9


def test_decoding_needs_no_folder_for_compiled_code(monkeypatch):
    """As in a container whose folders are read-only."""
    numba = pytest.importorskip('numba', reason='Numba is not installed')

    def without_cache(function, cache=False):
        if cache:
            raise RuntimeError('cannot cache function: no locator available')
        return function

    def njit(*functions, **options):
        compiled = partial(without_cache, **options)
        return compiled(*functions) if functions else compiled

    monkeypatch.setattr(numba, 'njit', njit)
    assert semi_markov._compiled.__wrapped__() is semi_markov._decode
