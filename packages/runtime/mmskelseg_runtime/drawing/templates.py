"""Web pages from Jinja templates, which escape whatever they are given."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mmskelseg_io.messages.counts import counted
from mmskelseg_io.version import __version__
from mmskelseg_runtime.drawing.frames import clock_time
from mmskelseg_runtime.drawing.palette import class_color, text_color

_HERE = Path(__file__).parent
_SPACE = '\u00a0'


def _number(value: float | None, digits: int = 1, unit: str = '') -> str:
    # No line ends between a number and its unit.
    return '-' if value is None else f'{value:.{digits}f}{unit and _SPACE}{unit}'


def percent(share: float | None) -> str:
    """Return a share in percent.

    >>> percent(0.256), percent(None)
    ('26\\xa0%', '-')
    """
    return '-' if share is None else f'{100 * share:.0f}{_SPACE}%'


def _slug(name: str) -> str:
    return re.sub(r'\W+', '-', name.lower()).strip('-')


def _sections(page: str) -> list[tuple[str, Markup]]:
    """Return the anchors and names of the sections of a page, which are escaped."""
    found = re.findall(r'id="([^"]*)"[^>]*>(?:<summary>|\s)*<h2>(.*?)</h2>', page)
    return [(anchor, Markup(name)) for anchor, name in found]


_FILTERS: dict[str, Callable[..., Any]] = {
    'clock': clock_time,
    'color': class_color,
    'counted': counted,
    'ink': text_color,
    'number': _number,
    'percent': percent,
    'sections': _sections,
    'slug': _slug,
}


def html_template(file: Path, **filters: Callable[..., str]) -> Template:
    """Return the template in a file, which may use further filters.

    It extends ``page.html``, and may import macros of ``page_macros.html``.
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
    environment.globals |= {
        'style': Markup((_HERE / 'page.css').read_text('utf-8')),
        'today': f'{date.today()}',
        'version': __version__,
    }
    return environment.get_template(file.name)
