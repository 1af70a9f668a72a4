import numpy as np
import pytest

from mmskelseg.evaluation import resolve_background, to_segments


def test_to_segments_splits_equal_labels_at_a_gap():
    """A run of -1 is no segment, and it ends the one before."""
    labels = np.array([-1, 2, 2, -1, 2, -1])
    assert to_segments(labels) == [(1, 3, 2), (4, 5, 2)]


@pytest.mark.parametrize('labels', [[], [-1, -1]])
def test_to_segments_of_no_label_is_empty(labels):
    """Neither an empty video nor one without labels has a segment."""
    assert to_segments(np.array(labels)) == []


def test_to_segments_repeats_back_to_the_labels():
    """Segments hold all that the labels hold, gaps aside."""
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 3, 200)
    rebuilt = np.full(200, -1)
    for start, end, label in to_segments(labels):
        rebuilt[start:end] = label
    np.testing.assert_array_equal(rebuilt, labels)


@pytest.mark.parametrize(
    ('labels', 'match'),
    [
        (np.zeros(3), 'labels is float64, but class ids must be integers'),
        (np.ones(3, bool), 'labels is bool'),
        (np.zeros((1, 3), int), r'labels has shape \(1, 3\)'),
    ],
)
def test_to_segments_rejects_what_is_not_one_id_a_frame(labels, match):
    """Probabilities or batches passed by mistake are named."""
    with pytest.raises(ValueError, match=match):
        to_segments(labels)


@pytest.mark.parametrize(
    ('given', 'expected'), [('b', 1), (1, 1), (0, 0), (None, None)]
)
def test_resolve_background_takes_ids_and_names(given, expected):
    """A background is an id, a name, or none."""
    assert resolve_background(given, ['a', 'b']) == expected


@pytest.mark.parametrize('given', ['c', 2, -1])
def test_resolve_background_rejects_an_unknown_class(given):
    """A background that is no class is named beside what there is."""
    with pytest.raises(ValueError, match=f'background is {given!r}'):
        resolve_background(given, ['a', 'b'])


@pytest.mark.parametrize('dtype', [np.uint8, np.uint64])
def test_to_segments_accepts_every_integer_type(dtype):
    """Ids come out as plain integers, whatever their width."""
    assert to_segments(np.array([1, 1, 7], dtype)) == [(0, 2, 1), (2, 3, 7)]
