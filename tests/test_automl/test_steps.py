"""What is trained, and what is said of it."""

from types import SimpleNamespace

import pytest

from mmskelseg.automl.planning import FitPlan
from mmskelseg.automl.steps import half_trial
from tests.errors import assert_names


def trial(f1):
    return SimpleNamespace(candidate='pose2d', f1=f1)


@pytest.mark.parametrize(
    ('length', 'halves', 'short', 'why'),
    [
        (0.3, 3, [], '30 %'),
        (1.0, 2, [80.0], 'too few'),
        (1.0, 3, [6.1], 'F1@10 of 6 in place of 60'),
        (1.0, 3, [44.0], 'F1@10 of 44'),
        (1.0, 3, [46.0], None),
        (0.5, 3, [60.0], None),
    ],
)
def test_short_trainings_predict_only_if_they_have_learned(length, halves, short, why):
    """Half of the labels are trained if that of all reaches three quarters of 60."""
    made = object()
    folder = SimpleNamespace(
        folds=['fold1', 'fold2', 'fold3'],
        halves=['half1', 'half2', 'half3'][:halves],
        trial=lambda candidate, length, half: made,
    )
    plan = FitPlan(['pose2d'], {}, 1, length, {'pose2d': 9.0}, 1.0, 15)
    found, reason = half_trial(folder, plan, trial(60.0), *map(trial, short))
    if why is None:
        assert (found, reason) == (made, '')
    else:
        assert found is None
        assert_names(reason, why)
