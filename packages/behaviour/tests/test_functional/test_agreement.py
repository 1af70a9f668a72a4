"""Agreement of observers: by hand, and as other packages have it."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from mmskelseg_behaviour.functional.agreement import (
    best_shift,
    cohen_kappa,
    coincidence_matrix,
    common_labels,
    disagreements,
    fleiss_kappa,
    intraclass_correlation,
    krippendorff_alpha,
    one_against_rest,
)
from mmskelseg_behaviour.functional.framewise import confusion_matrix
from tests.agreeing import alpha, icc


@pytest.fixture
def labels(rng):
    """Three observers of 500 frames and four classes, of whom each misses some."""
    truth = rng.integers(0, 4, 50).repeat(10)
    found = np.stack([truth] * 3)
    wrong = rng.random(found.shape) < 0.2
    found[wrong] = rng.integers(0, 4, wrong.sum())
    found[rng.random(found.shape) < 0.1] = -1
    return found


def test_kappa_is_the_share_of_what_chance_leaves():
    """35 of 50 agree; by chance, 0.5 * 0.6 + 0.5 * 0.4 = 0.5 of them would."""
    assert cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_classes_that_nobody_confuses_have_a_kappa_of_one():
    """Of three, the second and third are confused."""
    confusion = np.array([[6, 0, 0], [0, 3, 3], [0, 3, 3]])
    found = [cohen_kappa(one) for one in one_against_rest(confusion)]
    assert found == pytest.approx([1, 0.25, 0.25])


def test_alpha_of_two_observers_by_hand():
    """Of 8 labels, 3 and 5 by class; 1 of 4 frames differs: 1 - 7 * 2 / (2 * 15)."""
    labels = np.array([[0, 0, 1, 1], [0, 1, 1, 1]])
    found = krippendorff_alpha(coincidence_matrix(labels, 2))
    assert found == pytest.approx(1 - 14 / 30)


def test_kappa_of_two_is_that_of_scikit_learn(labels):
    first, second = common_labels(labels[:2])
    both = first >= 0
    confusion = confusion_matrix(second, first, 4)
    expected = cohen_kappa_score(first[both], second[both])
    assert cohen_kappa(confusion) == pytest.approx(expected, abs=1e-9)
    for k, own in enumerate(one_against_rest(confusion)):
        expected = cohen_kappa_score(first[both] == k, second[both] == k)
        assert cohen_kappa(own) == pytest.approx(expected, abs=1e-9)


def test_alpha_with_missing_labels_is_that_of_krippendorff(labels):
    for chosen in (labels, labels[:2]):
        matrix = coincidence_matrix(chosen, 4)
        assert krippendorff_alpha(matrix) == pytest.approx(alpha(chosen), abs=1e-9)
        for k, own in enumerate(one_against_rest(matrix)):
            expected = alpha(np.where(chosen < 0, -1, chosen == k))
            assert krippendorff_alpha(own) == pytest.approx(expected, abs=1e-9)


def test_kappa_of_three_is_that_of_statsmodels(labels):
    common = common_labels(labels)
    counts, _ = inter_rater.aggregate_raters(common[:, common[0] >= 0].T)
    expected = inter_rater.fleiss_kappa(counts)
    found = fleiss_kappa(coincidence_matrix(common, 4))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(('recordings', 'observers'), [(6, 2), (9, 4)])
def test_icc_is_that_of_pingouin(rng, recordings, observers):
    values = rng.normal(100, 20, (recordings, 1)) + rng.normal(
        0, 5, (recordings, observers)
    )
    values[:, 0] += 10
    found = intraclass_correlation(values)
    assert found == pytest.approx(icc(values), abs=1e-9)
    assert intraclass_correlation(values + 1e4) == pytest.approx(found, abs=1e-9)


def test_what_agreement_cannot_be_computed_of_is_nan():
    assert np.isnan(cohen_kappa(np.zeros((2, 2))))
    assert np.isnan(cohen_kappa(np.array([[5, 0], [0, 0]])))
    one = coincidence_matrix(np.array([[1, -1, 0], [-1, 0, -1]]), 2)
    assert np.isnan([krippendorff_alpha(one), fleiss_kappa(one)]).all()
    assert np.isnan(intraclass_correlation(np.array([[1.0, 2.0]])))
    assert np.isnan(intraclass_correlation(np.full((3, 2), 7.0)))


def test_coefficients_are_those_of_all_recordings_together(labels):
    """Whose matrices are added."""
    parts = [coincidence_matrix(part, 4) for part in np.split(labels, 5, axis=1)]
    np.testing.assert_allclose(sum(parts), coincidence_matrix(labels, 4))


def test_the_shift_that_was_made_is_the_best(rng):
    truth = rng.integers(0, 3, 40).repeat(25)
    second = np.concatenate([truth[3:], [-1] * 3])
    now = np.mean(truth[:-3] == truth[3:])
    assert best_shift([np.stack([truth, second])], 5) == (3, now, 1)


def test_disagreements_end_where_a_label_changes():
    """Frames with one label are in none."""
    labels = np.array([[0, 0, 0, 1, 1, 1], [0, 1, 1, 1, -1, 2], [0, 0, 1, 1, -1, 2]])
    assert disagreements(labels) == [(1, 2), (2, 3), (5, 6)]
    assert disagreements(labels[:, :1]) == []
