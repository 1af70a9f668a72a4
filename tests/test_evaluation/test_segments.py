import numpy as np
import pytest

from mmskelseg.evaluation import to_segments
from mmskelseg_io.structures.segments import resolve_background
from tests.errors import raises_naming


def test_to_segments_splits_equal_labels_at_a_gap():
    labels = np.array([-1, 2, 2, -1, 2, -1])
    assert to_segments(labels) == [(1, 3, 2), (4, 5, 2)]


@pytest.mark.parametrize('labels', [[], [-1, -1]])
def test_to_segments_of_no_label_is_empty(labels):
    assert to_segments(np.array(labels)) == []


def test_to_segments_repeats_back_to_the_labels():
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 3, 200)
    rebuilt = np.full(200, -1)
    for start, end, label in to_segments(labels):
        rebuilt[start:end] = label
    np.testing.assert_array_equal(rebuilt, labels)


@pytest.mark.parametrize(
    ('labels', 'named'),
    [
        (np.zeros(3), 'labels | float64'),
        (np.ones(3, bool), 'labels | bool'),
        (np.zeros((1, 3), int), 'labels | (1, 3)'),
    ],
)
def test_to_segments_rejects_what_is_not_one_id_a_frame(labels, named):
    with raises_naming(ValueError, named):
        to_segments(labels)


@pytest.mark.parametrize(
    ('given', 'expected'), [('b', 1), (1, 1), (0, 0), (None, None)]
)
def test_resolve_background_takes_ids_and_names(given, expected):
    assert resolve_background(given, ['a', 'b']) == expected


@pytest.mark.parametrize('given', ['c', 2, -1])
def test_resolve_background_rejects_an_unknown_class(given):
    with raises_naming(ValueError, 'background', f' {given!r},'):
        resolve_background(given, ['a', 'b'])


@pytest.mark.parametrize('dtype', [np.uint8, np.uint64])
def test_to_segments_accepts_every_integer_type(dtype):
    assert to_segments(np.array([1, 1, 7], dtype)) == [(0, 2, 1), (2, 3, 7)]
