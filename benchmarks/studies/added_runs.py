"""Runs from elsewhere, which a study counts as finished."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmskelseg_io.messages.errors import UserError


def read_added(
    files: Sequence[Path], settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the content of files that a study of the same settings has written."""
    for file in files:
        content = json.loads(file.read_text('utf-8'))
        for key, value in settings.items():
            if content.get(key) != value:
                raise UserError(
                    f'{file}: was made with {key} {content.get(key)!r}, not {value!r}; '
                    'add runs with the same settings.'
                )
        yield content
