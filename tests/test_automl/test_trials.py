"""The temperature of held-out predictions, and the choice of a config, by hand."""

from types import SimpleNamespace

import pytest

from mmskelseg.automl.held_out import HeldOut, parts_of
from mmskelseg.automl.trials import best_of
from mmskelseg_behaviour.functional.calibration import (
    Scored,
    fit_temperature,
    reliability,
)
from tests.predicted import TIERS, of_tiers, prediction


def test_one_temperature_is_that_of_all_tiers():
    """Two folds whose tiers say 4 to 1 and 4 to 1 to 1, and are right in half.

    Where logits are multiplied by b, the odds are x and x / 2, with x = 4 ** b. The
    cross-entropy is least where x / (x + 1) + x / (x + 2) = 1, so x * x = 2, b = 1 / 4.
    """
    two = prediction('01', '00', 0.8)
    two.scores[:] = [[0.8, 0.8], [0.2, 0.2], [0, 0]]
    three = prediction('02', '00', 2 / 3)
    video = of_tiers(three, two)
    held_out = HeldOut([{'a': video}, {'b': video}], TIERS)
    assert held_out.temperature == pytest.approx(4)
    parts = [
        Scored(three.scores, three.gt, 'a'),
        Scored(two.scores[:2], two.gt, 'a'),
    ]
    assert fit_temperature(parts) == pytest.approx(held_out.temperature)
    plain = reliability(parts_of(held_out.videos, TIERS))
    assert plain.frames.sum() == 8
    assert plain.videos.max() == 2
    after = held_out.after
    assert (after.frames * after.confidence).sum() / 8 == pytest.approx(0.5)


@pytest.mark.parametrize(('persons', 'chosen'), [(3, 'cheap'), (6, 'best')])
def test_cheaper_config_is_level_unless_persons_are_enough(persons, chosen):
    """All favour the best by half a point: p is at least 1/4 of 3, and 1/32 of 6."""
    names = [str(i) for i in range(persons)]
    trials = [
        SimpleNamespace(
            candidate=SimpleNamespace(name=name, seconds=seconds),
            f1_of_videos=dict.fromkeys(names, score),
            score=score,
        )
        for name, seconds, score in (('cheap', 1, 90.0), ('best', 2, 90.5))
    ]
    found = best_of(trials, dict(zip(names, names, strict=True)))
    assert found.candidate.name == chosen
