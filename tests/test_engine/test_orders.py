"""How well an action is predicted by the one before, in other recordings."""

import numpy as np
import pytest

from mmskelseg.engine.orders import predictability

META = {'classes': ['rest', 'a', 'b', 'c', 'd'], 'background': 'rest'}


def videos(*orders):
    """Return videos of five frames an action; '.' has no label."""
    ids = {'.': -1, '0': 0, '1': 1, '2': 2, '3': 3, '4': 4}
    return [{'label': np.repeat([ids[c] for c in order], 5)} for order in orders]


@pytest.mark.parametrize(
    ('orders', 'share'),
    [
        # Rests don't count.
        (['12034', '01234', '1023040'], 1.0),
        # 12, 23, 34 of the first two are predicted; of the third, only 23 is.
        (['1234', '1234', '4231'], 7 / 9),
        # What others never do is not predicted.
        (['123', '321'], 0.0),
        # Nothing follows a gap, so that nothing predicts 23 of the second video.
        (['12.34', '1234'], 4 / 5),
        # No order: of two classes, or in one recording.
        (['1212', '1212'], None),
        (['1234'], None),
        (['1234', '1'], None),
        (['0', '1'], None),
    ],
)
def test_part_of_actions_that_other_recordings_predict(orders, share):
    assert predictability(videos(*orders), META) == share


def test_own_recording_predicts_nothing():
    """The first repeats its own order four times; each other has another."""
    assert predictability(videos('1234123412341234', '4321', '1324'), META) < 0.2


def test_tiers_have_no_order():
    tiers = {**META, 'tiers': {'x': ['a', 'b', 'c']}, 'background': {'x': 'a'}}
    assert predictability(videos('1234', '1234'), tiers) is None
