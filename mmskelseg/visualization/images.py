"""From figures to pixels to files, without a display and without pyplot's state."""

import os

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from mmskelseg.fileio.atomic import atomic_write

DPI, PRINT_DPI = 150, 300
# Inches: a column of a paper in two columns, as the IEEE sets them.
COLUMN = 3.5


def new_figure(width: float, height: float, *, dpi: int = DPI) -> Figure:
    """Return an empty white figure of that many inches that belongs to no window."""
    figure = Figure((width, height), dpi=dpi, facecolor='white')
    FigureCanvasAgg(figure)
    return figure


def render(figure: Figure) -> np.ndarray:
    """Return the pixels of a figure of :func:`new_figure`, RGB uint8 (H, W, 3)."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def plain(text: str) -> str:
    """Return a text that matplotlib sets as it is, without reading formulas in it.

    >>> plain('5$ and 6$')
    '5\\\\$ and 6\\\\$'
    """
    return text.replace('$', r'\$')


def text_width(text: str, size: float) -> float:
    """Return how wide a text in a font of that size in points is set, in inches.

    >>> 0.5 < text_width('ten letters', 8) < 0.7
    True
    """
    font = FontProperties(size=size)
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / 72


def text_color(background: str) -> str:
    """Return black or white, whichever reads better on a colour.

    >>> text_color('#F0E442'), text_color('#0F2D96')
    ('black', 'white')
    """
    # The weights and the threshold are those of relative luminance in WCAG 2.
    linear = np.power(to_rgb(background), 2.2)
    return 'black' if linear @ [0.2126, 0.7152, 0.0722] > 0.18 else 'white'


def save_png(image: np.ndarray, path: str | os.PathLike) -> None:
    """Write an RGB image (H, W, 3) as PNG; folders are made, the file is whole."""
    with atomic_write(path) as file:
        matplotlib.image.imsave(file, image, format='png')
