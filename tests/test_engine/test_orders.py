"""How well an action is predicted by the one before, in other recordings."""

import numpy as np
import pytest

from mmskelseg.engine.orders import order_of

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
    found = order_of(videos(*orders), META)
    assert (found and found.predicted) == share


def test_own_recording_predicts_nothing():
    """The first repeats its own order four times; each other has another."""
    found = order_of(videos('1234123412341234', '4321', '1324'), META)
    assert found.predicted < 0.2


def test_tiers_have_no_order():
    tiers = {**META, 'tiers': {'x': ['a', 'b', 'c']}, 'background': {'x': 'a'}}
    assert order_of(videos('1234', '1234'), tiers) is None


def test_states_that_alternate_are_no_script():
    """Of 1 and 2, and once a 3, each is the most frequent one but the other."""
    found = order_of(videos('12121212', '21212121', '12121231'), META)
    assert found.predicted == found.chance == 19 / 21
    assert not found.is_script


@pytest.mark.parametrize(
    ('last', 'is_script', 'is_in_doubt'),
    # Of 21 actions, three are not predicted in the second case.
    [('12341234', True, False), ('12341324', False, True)],
)
def test_script_that_some_leave_is_in_doubt(last, is_script, is_in_doubt):
    found = order_of(videos('12341234', '12341234', last), META)
    assert (found.is_script, found.is_in_doubt) == (is_script, is_in_doubt)
