import matplotlib.image
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmskelseg_runtime.drawing.images import PALETTE, class_color, save_png

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


def test_save_png_keeps_every_pixel(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = tmp_path / 'new' / 'folder' / 'a.png'
    save_png(image, path)
    read = matplotlib.image.imread(path)[..., :3]
    np.testing.assert_array_equal(np.round(255 * read).astype(np.uint8), image)


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
    rgb = np.array([to_rgb(class_color(label)) for label in range(24)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab = to_lab(linear @ np.transpose(SIGHT[sight]))
    distances = np.linalg.norm(lab[:, None] - lab, axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 14


def test_palette_starts_again_past_its_end():
    assert class_color(len(PALETTE) + 3) == class_color(3)
    assert len(set(PALETTE)) == 32
