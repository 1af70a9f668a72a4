"""The palette: apart for every sight, legible, and grey where nothing happens."""

import numpy as np
import pytest

from mmskelseg_io.labels import ClassInfo
from mmskelseg_io.labels.segments import painted
from mmskelseg_io.structures.tiers import metainfo_of, tiers_of
from mmskelseg_runtime.drawing.palette import (
    PALETTE,
    REST,
    UNLABELLED,
    class_color,
    class_colors,
    rgb,
    text_color,
)

# Machado et al. (2009), severity 1, on linear RGB.
SIGHT = {
    'normal': np.eye(3),
    'protanopia': [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    'deuteranopia': [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(colors):
    """Linear RGB, (n, 3), by IEC 61966-2-1."""
    values = np.array([rgb(color) for color in colors]) / 255
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def to_lab(linear):
    """CIELAB (D65) of linear RGB, (n, 3)."""
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    xyz = np.clip(linear, 0, 1) @ np.transpose(to_xyz) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize('sight', SIGHT)
def test_palette_keeps_24_classes_apart_for_every_sight(sight):
    """Any two of 24 colours differ by at least 14 in CIELAB; 2.3 is just visible."""
    lab = to_lab(
        linear([class_color(label) for label in range(24)]) @ np.transpose(SIGHT[sight])
    )
    distances = np.linalg.norm(lab[:, None] - lab, axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 14


def test_palette_starts_again_past_its_end():
    assert class_color(len(PALETTE) + 3) == class_color(3)
    assert len(set(PALETTE)) == 32


def test_text_on_every_colour_is_legible():
    """At least 4.5 to 1, the contrast that WCAG 2 asks of text."""
    ink = {'black': 0.0, 'white': 1.0}
    for color in (*PALETTE, REST, UNLABELLED):
        (ground,) = linear([color]) @ [0.2126, 0.7152, 0.0722]
        lighter, darker = sorted((ground, ink[text_color(color)]))[::-1]
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, color


def test_backgrounds_are_grey_and_stated_colours_count():
    """Other classes have the colour of their id in all tiers."""
    tiers = tiers_of(
        {
            'tiers': {'posture': ['stand', 'sit'], 'hand': ['rest', 'wave']},
            'background': {'hand': 'rest'},
        }
    )
    assert class_colors(tiers) == [PALETTE[0], PALETTE[1], REST, PALETTE[3]]
    stated = [
        ClassInfo('rest', 'hand', color='#112233'),
        ClassInfo('sit', color='#ff0000'),
        ClassInfo('sit', color='#00ff00'),
    ]
    own = painted(tiers, stated)
    expected = [PALETTE[0], '#ff0000', '#112233', PALETTE[3]]
    assert class_colors(own) == expected
    assert class_colors(tiers_of(metainfo_of(own))) == expected
