"""Settings of configs in a flat form, to compare them."""

from collections.abc import Iterator
from typing import TypeAlias

Setting: TypeAlias = int | float | str | None


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
