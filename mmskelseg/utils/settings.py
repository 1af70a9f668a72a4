"""Settings of configs: their least values, and a flat form to compare them."""

from collections.abc import Iterator
from typing import TypeAlias

from mmskelseg.utils.errors import UserError

Setting: TypeAlias = int | float | str | None


def check_least(owner: str, least: int, **values: int) -> None:
    """Raise a UserError about the first value that is too small.

    >>> check_least('MinDuration', 1, frames=0)
    Traceback (most recent call last):
    mmskelseg.utils.errors.UserError: MinDuration: frames=0, but must be at least 1.
    """
    for name, value in values.items():
        if value < least:
            raise UserError(f'{owner}: {name}={value}, but must be at least {least}.')


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
