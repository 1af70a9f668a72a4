"""Options of commands that use PyTorch, and functions that open what they name."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def device(text: str) -> str:
    """Return the name of an available device, as a ``type`` of argparse."""
    return text if text == 'cpu' else _opens('device')(text)


def _opens(name: str) -> Callable[..., Any]:
    """Return a function of ``opening``, whose imports take seconds and wait for it."""

    def call(*args: Any, **options: Any) -> Any:
        opening = import_module('mmskelseg.commands._opening')
        return getattr(opening, name)(*args, **options)

    return call


model_config = _opens('model_config')
load_inferencer = _opens('load_inferencer')
open_stream = _opens('open_stream')
