"""Web pages from Jinja templates, which escape whatever they are given."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from mmskelseg.runtime.drawing.frames import clock_time
from mmskelseg.runtime.drawing.images import class_color, text_color
from mmskelseg.runtime.messages.counts import counted

_FILTERS: dict[str, Callable[..., str]] = {
    'clock': clock_time,
    'color': class_color,
    'counted': counted,
    'ink': text_color,
}


def html_template(file: Path, **filters: Callable[..., str]) -> Template:
    """Return the template in a file, which may use further filters."""
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= _FILTERS | filters
    return environment.from_string(file.read_text('utf-8'))
