"""Time budgets: worked out by hand, summed over videos, and written as a table."""

import numpy as np
import pytest

from mmskelseg_io.labels import write_time_budget
from mmskelseg_io.structures.time_budget import budget_as_dict, time_budget
from tests.errors import raises_naming
from tests.tables import read_table

CLASSES = ['walk', 'lift', 'hold']
# At 2 fps: walk 1.5 s, lift 1 s, walk 0.5 s, nothing 1 s, lift 0.5 s.
FIRST = np.array([0, 0, 0, 1, 1, 0, -1, -1, 1])
# At 10 fps: lift 0.2 s, walk 0.3 s.
SECOND = np.array([1, 1, 0, 0, 0])


def test_a_budget_counts_segments_seconds_and_what_follows_at_once():
    """Unlabelled time is no part of a class, but of the whole, and ends a sequence."""
    budget = time_budget(FIRST, 3, fps=2)
    assert budget.number.tolist() == [2, 2, 0]
    assert budget.total.tolist() == [2.0, 1.5, 0]
    assert budget.unlabelled == 1.0
    np.testing.assert_array_equal(budget.mean, [1.0, 0.75, np.nan])
    np.testing.assert_allclose(budget.share, [200 / 4.5, 150 / 4.5, 0])
    assert budget.transitions.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_budgets_of_videos_add_up_in_seconds():
    """A second of a video of 2 fps weighs as much as one of 10 fps."""
    budget = time_budget(FIRST, 3, fps=2) + time_budget(SECOND, 3, fps=10)
    assert budget.number.tolist() == [3, 3, 0]
    np.testing.assert_allclose(budget.total, [2.3, 1.7, 0])
    np.testing.assert_allclose(budget.mean[:2], [2.3 / 3, 1.7 / 3])
    np.testing.assert_allclose(budget.share.sum(), 100 * 4 / 5)
    assert budget.transitions.tolist() == [[0, 1, 0], [2, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize('label', [[-1, -1], []])
def test_a_video_without_labels_has_a_budget_of_nothing(label):
    budget = time_budget(np.array(label, int), 2, fps=10)
    assert budget.number.tolist() == [0, 0]
    assert budget.share.tolist() == [0, 0]
    assert np.isnan(budget.mean).all()


def test_labels_that_are_no_class_are_named():
    with raises_naming(ValueError, '0 to 2', '2 classes'):
        time_budget(SECOND * 2, 2, fps=1)


def test_unlabelled_time_of_tiers_is_their_mean():
    """Of ten seconds, the second tier has no label."""
    budget = time_budget(np.array([[0] * 10, [-1] * 10]), 3, fps=1)
    assert budget_as_dict(budget, CLASSES)['unlabelled'] == 5


def test_a_table_has_each_class_of_each_video_and_of_all(tmp_path):
    budgets = {'a': time_budget(FIRST, 3, 2), 'b': time_budget(SECOND, 3, 10)}
    write_time_budget(tmp_path / 'all.csv', budgets, CLASSES)
    rows = read_table(tmp_path / 'all.csv')
    assert [(row['video'], row['class']) for row in rows] == [
        *[('a', name) for name in (*CLASSES, 'unlabelled')],
        *[('b', name) for name in CLASSES],
        *[('all', name) for name in (*CLASSES, 'unlabelled')],
    ]
    assert rows[0] == {
        'video': 'a', 'class': 'walk', 'segments': '2', 'total_s': '2.000',
        'mean_s': '1.000', 'share_percent': '44.444', 'next: walk': '0',
        'next: lift': '1', 'next: hold': '0',
    }  # fmt: skip
    assert rows[2]['mean_s'] == ''
    assert rows[3]['share_percent'] == f'{100 / 4.5:.3f}'
    assert rows[-3]['next: walk'] == '2'
    write_time_budget(tmp_path / 'one.csv', {'b': budgets['b']}, CLASSES)
    assert 'all' not in (tmp_path / 'one.csv').read_text()


def test_json_holds_names_and_no_nan():
    found = budget_as_dict(time_budget(FIRST, 3, fps=2), CLASSES)
    assert [row['label'] for row in found['classes']] == CLASSES
    assert found['classes'][2]['mean'] is None
    assert found['transitions'] == {'walk': {'lift': 1}, 'lift': {'walk': 1}}
    assert found['unlabelled'] == 1.0
