"""Fusion of the features of several modalities."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from mmskelseg.models.layers import TemporalConv1d
from mmskelseg.registry import MODELS


@MODELS.register_module()
class ConcatFusion(BaseModule):
    """Concatenates the features of all modalities and reduces them by a 1x1 (Fig. 3c).

    Args:
        in_channels: Channels of all modalities together.
        num_stages: How many stages have a fusion of their own.
        out_channels: Channels of the fused features.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: int,
        num_stages: int,
        *,
        out_channels: int = 64,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = out_channels
        self.convs = ModuleList(
            TemporalConv1d(in_channels, out_channels, 1) for _ in range(num_stages)
        )

    def forward(self, features: Sequence[Tensor], stage: int) -> Tensor:
        """Return the fused features (N, out_channels, T) of each (N, C, T)."""
        return self.convs[stage](torch.cat(list(features), dim=1))
