"""Installed fonts for texts in any script."""

from functools import lru_cache

from matplotlib.font_manager import findfont, fontManager, get_font

# matplotlib's default font, and its font of placeholders.
DEFAULT, _FRAMES = 'DejaVu Sans', 'Last Resort'


def font_families(text: str) -> list[str]:
    """Return the families of fonts that show a text together.

    The first one is DejaVu Sans, which comes with matplotlib. For characters that it
    lacks, such as Chinese ones, installed fonts follow, those that have most first.
    """
    return [DEFAULT, *_further(frozenset(text))]


def font_file(text: str) -> str:
    """Return the file of one font that shows a text, or most of what DejaVu lacks."""
    return findfont(font_families(text)[:2][-1])


@lru_cache(maxsize=512)
def _further(signs: frozenset[str]) -> tuple[str, ...]:
    """Return families of fonts with the characters that DejaVu Sans lacks."""
    missing = {sign for sign in signs if sign.isprintable()}
    missing -= _shown(findfont(DEFAULT), missing)
    families = []
    while missing:
        family, file = max(
            _fonts(), key=lambda font: len(_shown(font[1], missing)), default=('', '')
        )
        shown = _shown(file, missing) if file else set()
        if not shown:
            break
        families.append(family)
        missing -= shown
    return tuple(families)


def _fonts() -> list[tuple[str, str]]:
    """Return family and file of installed upright fonts of normal weight."""
    return [
        (font.name, font.fname)
        for font in fontManager.ttflist
        if (font.style, font.weight) == ('normal', 400) and _FRAMES not in font.name
    ]


def _shown(file: str, signs: set[str]) -> set[str]:
    font = get_font(file)
    return {sign for sign in signs if font.get_char_index(ord(sign))}
