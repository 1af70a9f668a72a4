"""Checks of the values in a file, with faults in one sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

# For check_shape: whole or not.
NUMBER = (int, float)


def numbers(values: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Return nested lists as an array of floats; None becomes NaN.

    Args:
        values: What the file holds.
        shape: The shape it must have; -1 is any length.
        where: File and place, for messages.

    Raises:
        ValueError: If these are not numbers, or of another shape.
    """
    expected = ' x '.join('any' if size < 0 else str(size) for size in shape)
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f'{where} is not all numbers, or ragged; expected {expected} numbers.'
        ) from None
    if array.ndim != len(shape) or any(
        size not in (-1, found) for size, found in zip(shape, array.shape, strict=True)
    ):
        found = ' x '.join(map(str, array.shape)) or 'one'
        raise ValueError(f'{where} has {found} numbers, expected {expected}.')
    return array


def field(holder: Any, key: str, where: str) -> Any:
    """Return what a dict of the file holds under a key.

    Raises:
        ValueError: If it is no dict, or lacks the key.
    """
    if not isinstance(holder, dict) or key not in holder:
        has = ', '.join(holder) if isinstance(holder, dict) else repr(holder)[:40]
        raise ValueError(f'{where} lacks {key!r}; it has {has or "nothing"}.')
    return holder[key]
