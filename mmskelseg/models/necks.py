"""Necks, which fuse the features of several modalities."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from mmskelseg.models.layers.stages import for_each_stage
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Count


@MODELS.register_module()
class ConcatFusion(BaseModule):
    """Concatenation of the features of all modalities, reduced by a 1x1 (Fig. 3c).

    Args:
        in_channels: Total channels of all modalities, or those of each stage.
        num_stages: Number of stages; each has its own fusion.
        out_channels: Channels of the fused features.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: Count | Sequence[Count],
        num_stages: Count,
        *,
        out_channels: Count = 64,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = out_channels
        widths = for_each_stage(in_channels, num_stages)
        self.convs = ModuleList(
            TemporalConv1d(width, out_channels, 1) for width in widths
        )

    def forward(self, features: Sequence[Tensor], stage: int) -> Tensor:
        """Return fused features (N, out_channels, T) for features (N, C, T) of each."""
        return self.convs[stage](torch.cat(list(features), dim=1))
