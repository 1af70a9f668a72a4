"""Basics of all pictures: figures without a display, text, colours, files."""

import os
from collections.abc import Sequence

import matplotlib.image
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_runtime.drawing.fonts import font_families

DPI, PRINT_DPI = 150, 300
# Width of a column in a two-column IEEE paper, in inches.
COLUMN = 3.5
# The first seven are Okabe and Ito's (2008). Each further one is the colour farthest
# from all previous ones in CIELAB, for normal vision and for Machado et al.'s (2009)
# simulations of protanopia and deuteranopia. So a class's colour does not depend on the
# number of classes, and 24 colours are at least 14 apart in each of the three.
# fmt: off
PALETTE = (
    '#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442',
    '#5A3C0F', '#0F2D96', '#FFD296', '#1E5A5A', '#7887FF', '#87A55A', '#690F69',
    '#F0D2FF', '#E1A5A5', '#A54B3C', '#B4F069', '#5A2D2D', '#785A87', '#964B00',
    '#0F5AB4', '#B4F0C3', '#A50F5A', '#78A5FF', '#E15A3C', '#E1A54B', '#3CB4C3',
    '#C3B487', '#2DE1C3', '#E16978', '#2D5AD2',
)
# fmt: on


def kind_label(kind: int) -> int:
    """Return the class whose colour the objects of a kind have.

    The first classes have other colours, and nothing like them.

    >>> kind_label(0), kind_label(1), kind_label(31)
    (30, 29, 30)
    """
    return len(PALETTE) - 2 - kind % (len(PALETTE) - 1)


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


def class_color(label: int, colors: Sequence[str] = PALETTE) -> str:
    """Return the colour of a class id; colours repeat, by default after 32 classes.

    >>> class_color(0), class_color(32)
    ('#0072B2', '#0072B2')
    """
    return colors[label % len(colors)]


def text_color(background: str) -> str:
    """Return black or white, whichever is more legible on a colour.

    >>> text_color('#F0E442'), text_color('#0F2D96')
    ('black', 'white')
    """
    # The weights and the threshold are those of relative luminance in WCAG 2.
    linear = np.power(to_rgb(background), 2.2)
    return 'black' if linear @ [0.2126, 0.7152, 0.0722] > 0.18 else 'white'


def save_png(image: np.ndarray, path: str | os.PathLike) -> None:
    """Write an RGB image (H, W, 3) as PNG atomically; missing folders are created."""
    with atomic_write(path) as file:
        matplotlib.image.imsave(file, image, format='png')
