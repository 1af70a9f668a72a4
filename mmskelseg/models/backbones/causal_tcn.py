"""Dilated convolutions over past frames, for what must answer while it watches."""

from mmengine.model import BaseModule, ModuleList

from mmskelseg.models.backbones.ms_tcn import DilatedResidualLayer, TemporalStage
from mmskelseg.models.layers import TemporalConv1d
from mmskelseg.registry import MODELS


@MODELS.register_module()
class CausalTCN(BaseModule):
    """One stage as those of MS-TCN++, in which a frame depends on no later one.

    Args:
        in_channels: Features of a frame, C.
        num_classes: Not used, since no stage reads classes.
        channels: Width of the stage.
        num_layers: Layer i reads frames 2**i and 2 * 2**i back.
        dropout: Probability of dropout in every layer.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        channels: int = 64,
        num_layers: int = 10,
        dropout: float = 0.5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.out_channels = channels
        layers = [
            CausalResidualLayer(channels, 2**i, dropout) for i in range(num_layers)
        ]
        self.stages = ModuleList([TemporalStage(in_channels, channels, layers)])
        self.stage_order = (0,)


class CausalResidualLayer(DilatedResidualLayer):
    """A layer of MS-TCN++ whose dilated convolution reads past frames alone."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__(channels, dilation, dropout)
        self.context = 2 * dilation
        self.conv_dilated = TemporalConv1d(
            channels, channels, 3, padding=2 * dilation, dilation=dilation
        )
