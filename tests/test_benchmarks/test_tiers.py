"""Tiers of UW-IOM, read back as its classes."""

import numpy as np

from benchmarks.tiers import classes_of, read_back
from mmskelseg.converters.uwiom import CLASSES, TIERS, tiers_of_class


def test_classes_come_back_from_their_parts():
    """box_bend_place_low is likelier than what shares three of its parts."""
    label = np.array([tiers_of_class(name) for name in CLASSES]).T
    assert classes_of(label).tolist() == list(range(17))
    sizes = np.cumsum([0, *map(len, TIERS.values())])
    score = np.full((15, 1), 0.1)
    part = tiers_of_class('box_bend_place_low')
    score[sizes[:-1] + part] = 0.7
    found = read_back(score)
    assert found.sum() == 1
    assert CLASSES[int(found.argmax())] == 'box_bend_place_low'
    ratio = found[CLASSES.index('rod_bend_place_low')] / found.max()
    np.testing.assert_allclose(ratio, 1 / 7)
