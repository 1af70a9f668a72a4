"""Basics of all pictures: figures without a display, text, colours, files."""

import os

import matplotlib.image
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_runtime.drawing.fonts import font_families
from mmskelseg_runtime.drawing.palette import text_color

DPI, PRINT_DPI = 150, 300
# Width of a column in a two-column IEEE paper, in inches.
COLUMN = 3.5


def new_figure(width: float, height: float, *, dpi: int = DPI) -> Figure:
    """Return an empty white figure of a size in inches, without a window."""
    return Figure((width, height), dpi=dpi, facecolor='white')


def add_axes(
    figure: Figure, left: float, top: float, width: float, height: float
) -> Axes:
    """Return new axes, positioned in inches from the left and top edges."""
    W, H = figure.get_size_inches()
    return figure.add_axes((left / W, 1 - (top + height) / H, width / W, height / H))


def add_title(figure: Figure, title: str, left: float, top: float, size: float) -> None:
    """Write a bold line at a position in inches from the left and top edges."""
    W, H = figure.get_size_inches()
    figure.text(
        left / W, 1 - top / H, plain(title), va='top', fontsize=size, fontweight='bold'
    )


def write_on(
    axes: Axes, x: float, y: float, text: str, background: str, size: float
) -> None:
    """Write a text around a point, in black or white, on a colour."""
    axes.text(
        x,
        y,
        text,
        color=text_color(background),
        fontsize=size,
        ha='center',
        va='center_baseline',
    )


def render(figure: Figure) -> np.ndarray:
    """Return the pixels of a figure, RGB uint8 (H, W, 3), with text in any script."""
    texts = figure.findobj(Text)
    families = font_families(''.join(text.get_text() for text in texts))
    for text in texts:
        text.set_fontfamily(families)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def plain(text: str) -> str:
    """Return a text escaped for matplotlib, so that it is not read as a formula.

    >>> plain('5$ and 6$')
    '5\\\\$ and 6\\\\$'
    """
    return text.replace('$', r'\$')


def text_width(text: str, size: float) -> float:
    """Return the width in inches of a text, in a font of a size in points.

    >>> 0.5 < text_width('ten letters', 8) < 0.7
    True
    """
    font = FontProperties(family=font_families(text), size=size)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / 72


def shortened(text: str, width: float, size: float) -> str:
    """Return a text shortened in the middle to at most this width in inches.

    >>> shortened('take 12', 1, 8), shortened('take' * 100 + ' 12', 1, 8)
    ('take 12', 'taketak…take 12')
    """
    short, kept = text, len(text)
    while kept > 2 and (found := text_width(short, size)) > width:
        kept = min(kept - 1, int(kept * width / found))
        short = f'{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}'
    return short


def save_png(image: np.ndarray, path: str | os.PathLike) -> None:
    """Write an RGB image (H, W, 3) as PNG atomically; missing folders are created."""
    with atomic_write(path) as file:
        matplotlib.image.imsave(file, image, format='png')
