"""Features of single images without a network."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class GridEncoder:
    """An encoder without a network: the image averaged over the cells of a grid.

    It needs no weights and says how much of the skeleton, or which colour, is where,
    from which a segmentor can learn; a trained network describes shapes as well.

    Args:
        grid: Rows and columns of cells.
        channels: The first so many channels of the image are averaged: 1 for heatmaps,
            whose channels are equal, 3 for colours.

    Raises:
        ValueError: If there are not that many channels.
    """

    def __init__(self, grid: tuple[int, int] = (14, 14), *, channels: int = 1) -> None:
        self.grid = (int(grid[0]), int(grid[1]))
        self.channels = channels
        if not 1 <= channels <= 3:
            raise UserError(f'GridEncoder: channels={channels} is not 1, 2 or 3.')

    def settings(self) -> dict[str, Any]:
        """Return all that decides the features, as plain values."""
        return {
            'type': type(self).__name__,
            'grid': list(self.grid),
            'channels': self.channels,
        }

    def load(self) -> None:
        """Do nothing: there is no network to load."""

    @torch.inference_mode()
    def encode(self, images: np.ndarray) -> np.ndarray:
        """Return the means over the cells, channel by channel and row by row.

        Args:
            images: Shape (T, 3, H, W).

        Returns:
            Array of shape (T, channels * rows * columns), float32.
        """
        images = np.ascontiguousarray(images[:, : self.channels])
        cells = F.adaptive_avg_pool2d(torch.from_numpy(images), self.grid)
        return cells.flatten(1).float().numpy()
