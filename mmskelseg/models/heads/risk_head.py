"""What turns features into a score of each frame."""

from collections.abc import Sequence

import torch
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmskelseg.models.layers import masked
from mmskelseg.models.layers.padding import frame_mask, stack_frames, to_device
from mmskelseg.models.losses.mean_over_ranks import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class RiskHead(BaseModule):
    """An LSTM over features, which gives an ergonomic risk score of each frame.

    Args:
        in_channels: Channels of the features, C.
        reduced_channels: Features of a frame that the LSTM reads.
        channels: Width of the LSTM.
        num_layers: Layers of it.
        init_cfg: Initialisation by MMEngine.

    Source: Parsa and Banerjee (WACV 2021), and their code.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        reduced_channels: int = 256,
        channels: int = 1024,
        num_layers: int = 3,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.reduce = nn.Linear(in_channels, reduced_channels)
        self.lstm = nn.LSTM(reduced_channels, channels, num_layers, batch_first=True)
        self.regress = nn.Linear(channels, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return a score (N, T) of each frame, from those up to it alone.

        Args:
            features: Of each branch, shape (N, C, T), with all channels together as
                many as ``in_channels``.

        Raises:
            ValueError: If they are not of this shape.
        """
        if any(x.dim() != 3 for x in features):
            raise UserError(
                'RiskHead reads (videos, channels, frames) of each branch, but gets '
                f'{[tuple(x.shape) for x in features]}; it needs features of frames, '
                'or a backbone with a stem that makes them, such as GCNTCN.'
            )
        rows = torch.cat(list(features), dim=1).transpose(1, 2)
        x = torch.tanh(self.reduce(rows))
        return self.regress(self.lstm(x)[0])[:, :, 0]

    def loss(
        self, pred: Tensor, lengths: Sequence[int], samples: Sequence[ActionDataSample]
    ) -> dict[str, Tensor]:
        """Return the squared error, averaged over the frames of a batch.

        Args:
            pred: Predicted score of each frame, shape (N, T).
            lengths: Frames of each video, N.
            samples: With gt_risk (T,).

        Raises:
            UserError: If a video lacks its risk.
        """
        frames = pred.shape[1]
        risk = stack_frames(
            samples, 'gt_risk', lengths, frames, fill=0, dtype=pred.dtype
        )
        errors = (pred - to_device(risk, pred.device)) ** 2
        mask = frame_mask(lengths, frames, pred)
        total = masked(errors[:, None], mask).sum()
        return {'loss_risk': mean_over_ranks(total, sum(lengths))}
