"""What pictures show: pixels of a colour, and empty edges."""

import numpy as np
from matplotlib.colors import to_rgb


def near(image, color, tolerance=1):
    """Return which pixels have a colour, shape (H, W)."""
    rgb = np.round(255 * np.array(to_rgb(color)))
    return np.abs(image.astype(int) - rgb).max(axis=-1) <= tolerance


def has_white_edges(image):
    """Return whether nothing is drawn over the picture's edge."""
    edges = image[0], image[-1], image[:, 0], image[:, -1]
    return all((edge == 255).all() for edge in edges)
