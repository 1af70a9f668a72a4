"""Settings of a config, flattened so that two of them can be compared."""

from collections.abc import Iterator
from typing import Any


def flat_settings(value: Any, name: str = '') -> Iterator[tuple[str, Any]]:
    """Yield nested dicts and lists as dotted names with values that JSON has.

    >>> dict(flat_settings({'lr': 0.1, 'loss': [{'type': 'CE'}]}))
    {'lr': 0.1, 'loss.0.type': 'CE'}
    """
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from flat_settings(child, f'{name}.{key}' if name else str(key))
    else:
        yield name, value if isinstance(value, int | float | None) else str(value)
