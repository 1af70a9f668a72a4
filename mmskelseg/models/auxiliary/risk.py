"""A head that scores the ergonomic risk of frames."""

import torch
from torch import Tensor, nn

from mmskelseg.models.auxiliary.part import AuxiliaryPart, NetworkOutput, Targets
from mmskelseg.models.layers.padding import frame_mask, masked, stack_frames, to_device
from mmskelseg.models.losses import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count


@MODELS.register_module()
class RiskHead(AuxiliaryPart):
    """An LSTM over features that gives each frame an ergonomic risk score.

    Args:
        in_channels: Channels of the features, C.
        reduced_channels: Number of features per frame that the LSTM reads.
        channels: Width of the LSTM.
        num_layers: Number of layers of the LSTM.
        init_cfg: Initialisation by MMEngine.

    Source: Parsa and Banerjee (WACV 2021), and their code.
    """

    name = 'risk_head'
    reads = 'inputs'
    predicts = 'risk'

    def __init__(
        self,
        in_channels: Count,
        *,
        reduced_channels: Count = 256,
        channels: Count = 1024,
        num_layers: Count = 3,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.reduce = nn.Linear(in_channels, reduced_channels)
        self.lstm = nn.LSTM(reduced_channels, channels, num_layers, batch_first=True)
        self.regress = nn.Linear(channels, 1)

    def forward(self, output: NetworkOutput) -> Tensor:
        """Return a score of each frame, (N, T), which depends on no later frame.

        Raises:
            UserError: If it gets joints or images in place of features of frames.
        """
        if any(x.dim() != 3 for x in output.inputs):
            raise UserError(
                'RiskHead reads (videos, channels, frames) of each branch, but gets '
                f'{[tuple(x.shape) for x in output.inputs]}; it needs features of '
                'frames, or a backbone with a stem that computes them, such as GCNTCN.'
            )
        like = self.regress.weight
        rows = torch.cat([x.to(like) for x in output.inputs], dim=1).transpose(1, 2)
        x = torch.tanh(self.reduce(rows))
        return self.regress(self.lstm(x)[0])[:, :, 0]

    def loss(self, found: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Return the squared error from gt_risk, averaged over the frames of a batch.

        Raises:
            UserError: If a sample has no gt_risk (T,).
        """
        lengths, frames = targets.lengths, found.shape[1]
        risk = stack_frames(
            targets.samples, 'gt_risk', lengths, frames, fill=0, dtype=found.dtype
        )
        errors = (found - to_device(risk, found.device)) ** 2
        mask = frame_mask(lengths, frames, found)
        total = masked(errors[:, None], mask).sum()
        return {'loss_risk': mean_over_ranks(total, sum(lengths))}
