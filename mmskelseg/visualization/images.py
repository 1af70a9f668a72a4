"""From figures to pixels to files, without a display and without pyplot's state."""

import io
import os
import re
from pathlib import Path

import matplotlib.image
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

DPI = 150


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of that many inches that belongs to no window."""
    figure = Figure((width, height), dpi=DPI, facecolor='white')
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


def file_name(name: str) -> str:
    """Return a video's id as a file name; different ids stay different.

    >>> file_name('subject 1/take:2')
    'subject 1%2Ftake%3A2'
    """
    return re.sub(r'[/\\:*?"<>|%]', lambda match: f'%{ord(match[0]):02X}', name)


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
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, image, format='png')
    write_file(buffer.getvalue(), path)


def write_file(content: bytes, path: str | os.PathLike) -> None:
    """Write a file aside and move it into place, so that it is whole or not there."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        aside.write_bytes(content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
