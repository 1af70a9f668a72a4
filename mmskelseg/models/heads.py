"""Heads: features into classes, or into a score of each frame."""

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn

from mmskelseg.models.layers import (
    TemporalConv1d,
    frame_mask,
    masked,
    stack_frames,
    to_device,
)
from mmskelseg.models.losses import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class SegmentationHead(BaseModule):
    """A 1x1 classifier for each stage, and the losses of all of them (Eq. 7).

    Args:
        in_channels: Channels of the features, C.
        num_classes: Number of classes, K.
        num_stages: How many stages have a classifier of their own.
        loss_cls: Loss of the class of each frame.
        loss_smooth: Loss of the change between frames; None for none.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        num_stages: int,
        *,
        loss_cls: dict[str, Any],
        loss_smooth: dict[str, Any] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.classifiers = ModuleList(
            TemporalConv1d(in_channels, num_classes, 1) for _ in range(num_stages)
        )
        self.loss_cls = MODELS.build(loss_cls)
        self.loss_smooth = MODELS.build(loss_smooth) if loss_smooth else None

    def forward(self, features: Tensor, stage: int) -> Tensor:
        """Return the logits (N, K, T) of features (N, C, T) of a stage."""
        return self.classifiers[stage](features)

    def loss(self, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return each loss, summed over the stages.

        Args:
            logits: Shape (S, N, K, T).
            labels: Classes, shape (N, T), int64, -1 for frames that do not count; on
                the host, where they are checked without waiting for a GPU.
        """
        if labels.max() >= self.num_classes:
            raise UserError(
                f'A label is {int(labels.max())}, but the model has the classes 0 to '
                f'{self.num_classes - 1}; set model.num_classes to the number of '
                "classes in the data set's annotation file."
            )
        labels = to_device(labels, logits.device)
        losses = {'loss_cls': sum(self.loss_cls(stage, labels) for stage in logits)}
        if self.loss_smooth is not None:
            mask = (labels >= 0)[:, None].to(logits.dtype)
            losses['loss_smooth'] = sum(self.loss_smooth(s, mask) for s in logits)
        return losses


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

        Features are (N, C, T) of each branch, all channels together ``in_channels``.
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
        """
        frames = pred.shape[1]
        risk = stack_frames(
            samples, 'gt_risk', lengths, frames, fill=0, dtype=pred.dtype
        )
        errors = (pred - to_device(risk, pred.device)) ** 2
        mask = frame_mask(lengths, frames, pred)
        total = masked(errors[:, None], mask).sum()
        return {'loss_risk': mean_over_ranks(total, sum(lengths))}
