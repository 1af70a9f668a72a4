"""Bout statistics: worked out by hand, and of the parts of a recording."""

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest

from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.segments import segment_table
from mmskelseg_io.structures.time_budget import time_budget

# Walk 0 to 4 s, groom 4 to 10, nothing, walk 12 to 20, groom 20 to 22, walk 22 to 30,
# nothing until 40.
MOUSE = Bouts(
    np.array([0.0, 4, 12, 20, 22]),
    np.array([4.0, 10, 20, 22, 30]),
    np.array([0, 1, 0, 1, 0]),
    40.0,
)


def test_measures_are_those_worked_out_by_hand():
    """28 s are observed; the third class never occurs."""
    found = MOUSE.statistics(3)
    expected = {
        'bouts': [3, 2, 0],
        'rate_per_min': [60 * 3 / 28, 60 * 2 / 28, 0],
        'total_s': [20, 8, 0],
        'share_percent': [2000 / 28, 800 / 28, 0],
        'mean_s': [20 / 3, 4, np.nan],
        'median_s': [8, 4, np.nan],
        # Deviations of 4, 8, 8 from 20 / 3: 64 / 9 + 16 / 9 + 16 / 9 = 32 / 3.
        'sd_s': [np.sqrt(16 / 3), np.sqrt(8), np.nan],
        'latency_s': [0, 4, np.nan],
    }
    measures = found.measures()
    assert list(measures) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(measures[name], values, err_msg=name)
    assert found.budget.transitions.tolist() == [[0, 2, 0], [1, 0, 0], [0, 0, 0]]
    assert found.observed.tolist() == [28] * 3
    assert found.budget.unlabelled == 12


def test_a_part_has_the_bouts_that_begin_in_it_and_the_time_that_passes_in_it():
    """From 5 to 15 s: 5 s of grooming that began before, and 3 of 8 s of walking."""
    found = MOUSE.statistics(2, 5, 15)
    measures = found.measures()
    assert measures['bouts'].tolist() == [1, 0]
    assert measures['total_s'].tolist() == [3, 5]
    np.testing.assert_array_equal(measures['mean_s'], [8, np.nan])
    assert measures['latency_s'].tolist() == [7, 0]
    assert found.budget.unlabelled == 2
    assert found.budget.transitions.sum() == 0


def test_part_without_labels_has_no_rate():
    measures = MOUSE.statistics(2, 30, 60).measures()
    assert measures['bouts'].tolist() == [0, 0]
    assert np.isnan(measures['rate_per_min']).all()


def random_bouts(rng):
    label = np.repeat(rng.integers(-1, 4, 60), rng.integers(1, 40, 60))
    start, end, ids = segment_table(label).T
    return label, Bouts(start / 25, end / 25, ids, label.size / 25)


@pytest.mark.parametrize('length', [1, 7.3, 1000])
def test_parts_add_up_to_the_recording(rng, length):
    _, bouts = random_bouts(rng)
    whole = bouts.statistics(4)
    starts = np.arange(0, bouts.duration, length)
    parts = reduce(add, (bouts.statistics(4, s, s + length) for s in starts))
    for name in ('number', 'total', 'transitions', 'unlabelled'):
        values = [getattr(each.budget, name) for each in (parts, whole)]
        np.testing.assert_allclose(*values, atol=1e-9)
    for one, other in zip(parts.durations, whole.durations, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bouts_have_the_time_budget_of_their_labels(rng):
    """Durations sum to the observed time, shares to 100."""
    label, bouts = random_bouts(rng)
    found, budget = bouts.statistics(4), time_budget(label, 4, 25)
    for name in ('number', 'total', 'transitions', 'unlabelled'):
        np.testing.assert_allclose(getattr(found.budget, name), getattr(budget, name))
    assert sum(map(np.sum, found.durations)) == pytest.approx(found.observed[0])
    assert found.measures()['share_percent'].sum() == pytest.approx(100)


def test_recordings_of_an_individual_are_one():
    """Bouts are pooled, and latencies averaged over recordings that have one."""
    other = Bouts(np.array([6.0]), np.array([16.0]), np.array([1]), 20.0)
    measures = (MOUSE.statistics(2) + other.statistics(2)).measures()
    assert measures['bouts'].tolist() == [3, 3]
    assert measures['median_s'].tolist() == [8, 6]
    assert measures['latency_s'].tolist() == [0, 5]
    assert measures['share_percent'][1] == pytest.approx(100 * 18 / 38)


def test_bouts_of_tiers_are_those_of_each_alone(rng):
    """As if each had been observed for itself."""
    each = [random_bouts(rng)[1] for _ in range(2)]
    rows = [np.concatenate([getattr(b, key) for b in each]) for key in ('start', 'end')]
    ids = np.concatenate([each[0].label, each[1].label + 4])
    longest = max(one.duration for one in each)
    both = Bouts(*rows, ids, longest, (slice(0, 4), slice(4, 8)))
    found = both.statistics(8)
    alone = [replace(one, duration=longest).statistics(4) for one in each]
    for name, values in found.measures().items():
        expected = np.concatenate([one.measures()[name] for one in alone])
        np.testing.assert_allclose(values, expected, err_msg=name)
    assert not found.budget.transitions[:4, 4:].any()
    assert found.budget.transitions.sum() == sum(
        one.budget.transitions.sum() for one in alone
    )
    unlabelled = sum(one.budget.unlabelled for one in alone)
    assert found.budget.unlabelled == pytest.approx(unlabelled)
    np.testing.assert_array_equal(both.apart()[1].start, each[1].start)


def test_seconds_until_a_time_are_those_of_a_part(rng):
    _, bouts = random_bouts(rng)
    times = rng.uniform(0, bouts.duration, (7, 2))
    found = bouts.seconds_until(times, 5)
    for place in np.ndindex(times.shape):
        expected = bouts.statistics(5, 0, times[place]).budget.total
        np.testing.assert_allclose(found[place], expected, atol=1e-9)


def test_cycles_are_those_of_one_tier():
    """The second has a start of its own class 0, whose id is 2."""
    start, end = np.array([0.0, 3, 6, 1, 5]), np.array([3.0, 6, 9, 5, 9])
    bouts = Bouts(
        start, end, np.array([0, 1, 0, 2, 2]), 9.0, (slice(0, 2), slice(2, 3))
    )
    assert bouts.cycles(0).tolist() == [[0, 6]]
    assert bouts.cycles(2).tolist() == [[1, 5]]
    assert bouts.cycles(0, 1).tolist() == []
