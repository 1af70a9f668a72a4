"""A page as one HTML file: its style, its modules, and what they are given."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmskelseg_io.structures.tiers import Tier
from mmskelseg_runtime.drawing.palette import class_colors, text_color
from mmskelseg_runtime.drawing.templates import html_template
from mmskelseg_runtime.page import FOLDER

_STYLES = ('view.css', 'model.css')
_IMPORT = re.compile(r"(from|import) '\./(.*?)'")


def whole_page(first: str, **given: object) -> str:
    """Return the page whose first module has this name; ``facts`` have a ``name``."""
    return html_template(FOLDER / 'model.html').render(
        looks=''.join((FOLDER / n).read_text('utf-8') for n in _STYLES),
        modules=dict(map(_module, sorted(set(_imported(FOLDER / first))))),
        first=first,
        **{'model': None, **given},
    )


def _imported(file: Path) -> Iterator[Path]:
    """Yield a module, and all that it needs."""
    found, left = set(), [file]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            yield one
            names = _IMPORT.findall(one.read_text('utf-8'))
            left += [FOLDER / name for _, name in names]


def _module(file: Path) -> tuple[str, str]:
    """Return the name of a module in the page, and its address, which has its text.

    Such an address has no folder, so that modules name each other in full.
    """
    text = _IMPORT.sub(r"\1 'page/\2'", file.read_text('utf-8'))
    name = file.relative_to(FOLDER).as_posix()
    return f'page/{name}', f'data:text/javascript;base64,{base64_of(text.encode())}'


def base64_of(content: bytes) -> str:
    """Return bytes as a page states them."""
    return b64encode(content).decode()


def shown_tiers(tiers: Sequence[Tier]) -> list[dict[str, object]]:
    """Return tiers with their classes and colours, in types of JSON."""
    colors = class_colors(tiers)
    return [
        {
            'name': tier.name,
            'classes': [
                {'id': k, 'name': name, 'paint': color, 'ink': text_color(color)}
                for k, (name, color) in enumerate(
                    zip(tier.classes, colors[tier.rows], strict=True)
                )
            ],
        }
        for tier in tiers
    ]
