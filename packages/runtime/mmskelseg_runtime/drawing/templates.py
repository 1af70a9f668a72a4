"""Web pages from Jinja templates, which escape whatever they are given."""

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mmskelseg_io.messages.counts import counted
from mmskelseg_runtime.drawing.frames import clock_time
from mmskelseg_runtime.drawing.palette import class_color, text_color

_HERE = Path(__file__).parent
_SPACE = '\u00a0'


def _number(value: float | None, digits: int = 1, unit: str = '') -> str:
    # No line ends between a number and its unit.
    return '-' if value is None else f'{value:.{digits}f}{unit and _SPACE}{unit}'


_FILTERS: dict[str, Callable[..., str]] = {
    'clock': clock_time,
    'color': class_color,
    'counted': counted,
    'ink': text_color,
    'number': _number,
}


def html_template(file: Path, **filters: Callable[..., str]) -> Template:
    """Return the template in a file, which may use further filters.

    It may import macros of ``page_macros.html``, and has the ``style`` of pages.
    """
    environment = Environment(
        loader=FileSystemLoader([file.parent, _HERE]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= _FILTERS | filters
    # A style sheet has no entities.
    environment.globals['style'] = Markup((_HERE / 'page.css').read_text('utf-8'))
    return environment.get_template(file.name)
