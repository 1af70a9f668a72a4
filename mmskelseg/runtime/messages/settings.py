"""Settings of configs: their least values, and a flat form to compare them."""

import math
from collections.abc import Iterator
from typing import TypeAlias

from mmskelseg.runtime.messages.errors import UserError

Setting: TypeAlias = int | float | str | None


def check_least(owner: str, least: int, **values: float) -> None:
    """Raise a UserError about the first value that is too small, or not finite.

    >>> check_least('Loss', 1, n=0)
    Traceback (most recent call last):
    mmskelseg.runtime.messages.errors.UserError: Loss: n=0, but must be at least 1.
    """
    for name, value in values.items():
        if not least <= value < math.inf:
            finite = '' if math.isfinite(value) else 'finite and '
            raise UserError(
                f'{owner}: {name}={value}, but must be {finite}at least {least}.'
            )


def check_positive(owner: str, **values: float | None) -> None:
    """Raise a UserError about the first value that is not positive; None is allowed.

    >>> check_positive('Loss', tau=0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mmskelseg.runtime.messages.errors.UserError: Loss: tau=0, but must be above ...
    """
    for name, value in values.items():
        if value is not None and not 0 < value < math.inf:
            raise UserError(f'{owner}: {name}={value}, but must be above 0 and finite.')


def flat_settings(value: object, name: str = '') -> Iterator[tuple[str, Setting]]:
    """Yield dotted names and values of nested dicts and lists, in types of JSON.

    >>> dict(flat_settings({'lr': 0.1, 'loss': [{'type': 'CE'}]}))
    {'lr': 0.1, 'loss.0.type': 'CE'}
    """
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from flat_settings(child, f'{name}.{key}' if name else str(key))
    else:
        yield name, value if isinstance(value, int | float | None) else str(value)
