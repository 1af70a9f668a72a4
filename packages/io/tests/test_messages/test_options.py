from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import (
    Axis,
    Count,
    CountOrZero,
    Factor,
    Fraction,
    Interval,
    Positive,
    Where,
    checked,
    expected,
    fits,
)
from tests.errors import raises_naming

INF, NAN = float('inf'), float('nan')
Even = Annotated[int, 'no condition', Where('an even number', lambda n: n % 2 == 0)]


@pytest.mark.parametrize(
    ('hint', 'right', 'wrong'),
    [
        (int, [0, -3, np.int64(2)], [True, 1.0, '1', None]),
        (float, [0, 0.5, NAN, np.float32(2)], [False, '1', None, [1.0]]),
        (bool, [True, False], [0, 1, 'no', None]),
        (str, ['', 'a'], [0, None, b'a']),
        (int | None, [1, None], ['a', 1.5]),
        (Count, [1, np.uint8(9)], [0, -1, True, 1.0, NAN]),
        (CountOrZero, [0, 5], [-1, 0.0]),
        (Positive, [1, 1e-9], [0, -1, INF, NAN]),
        (Factor, [0, 2.5], [-0.1, INF, NAN]),
        (Fraction, [0, 1, 0.5], [-0.1, 50, NAN]),
        (Axis, [0, 2, np.int64(1)], [3, True, 'x']),
        (Interval, [(1, 1), [0.8, 1.25], np.ones(2)], [0.5, (2, 1), (0, 1), (1, INF)]),
        (Even | str, [2, 'a'], [3, None]),
        (Literal['a', None], ['a', None], ['b', ['a'], np.zeros(2)]),
        (Sequence[Count], [[], (1, 2), np.ones(2, int)], [3, 'ab', [1, 0], {1: 2}]),
        (tuple[int, int], [[1, 2], (1, 2)], [[1], (1, 2, 3), 1, ['a', 1]]),
        (tuple[int, ...], [[], [1, 2, 3]], [['a']]),
        (Mapping[str, object], [{}, {'a': 1}], [[], 'a', 1]),
        (Sequence[str] | Count, [['a'], 1], [[1], 0]),
        # Other annotations are not checked.
        (dict, [{}, [], 1], []),
        (Callable[[int], int], [len, 1], []),
        (np.ndarray | int, [np.ones(2), 'a'], []),
    ],
)  # fmt: skip
def test_values_fit_their_annotations(hint, right, wrong):
    assert [value for value in right if not fits(value, hint)] == []
    assert [value for value in wrong if fits(value, hint)] == []


@pytest.mark.parametrize(
    ('hint', 'words'),
    [
        (Literal['a', 'b'] | Count | None, "'a', 'b', a whole number from 1 or None"),
        (Sequence[float] | None, 'a list, each item a number or None'),
        (tuple[Count, bool], 'a list of 2, (a whole number from 1, True or False)'),
        (Mapping[str, int] | str | np.ndarray, 'a dict, a string or ndarray'),
    ],
)
def test_annotations_are_put_in_words(hint, words):
    assert expected(hint) == words


@checked
class Part:
    def __init__(self, size: Count, *rest: int, name: str = 'a', **others: int) -> None:
        self.size = size


class Heir(Part):
    """It inherits the constructor."""


class Halving(Part):
    """It passes on another value, and does not check its own."""

    def __init__(self, size: Count) -> None:
        super().__init__(size // 2)


@checked
class Doubling(Part):
    """It checks its own arguments, and only these."""

    def __init__(self, size: CountOrZero) -> None:
        super().__init__(size)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: Part(0), 'Part: size=0, but must be a whole number from 1.'),
        (lambda: Part(1, name=3), 'Part: name=3, but must be a string.'),
        (lambda: Part(name=3), 'Part: name=3, but must be a string.'),
        (lambda: Heir(0), 'Heir: size=0, but must be a whole number from 1.'),
        (lambda: Halving(1), 'Halving: size=0, but must be a whole number from 1.'),
        (lambda: Doubling(-1), 'Doubling: size=-1, but must be a whole number from 0.'),
    ],
)
def test_class_names_the_argument_at_fault(call, message):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value) == message


def test_class_takes_what_fits():
    assert Part(1, 'not', 'checked', other='neither').size == 1
    assert Doubling(0).size == 0
    with raises_naming(TypeError, "'size'"):
        Part()


def test_annotations_without_a_value_are_not_checked():
    @checked
    def function(size: 'Nowhere') -> object:  # noqa: F821
        return size

    assert function(0) == 0
