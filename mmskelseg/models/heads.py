"""Heads, which turn features into classes, boundaries or risk scores."""

import math
from collections.abc import Mapping, Sequence

import torch
from mmengine.model import BaseModule, ModuleList
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models.layers.padding import to_device
from mmskelseg.models.layers.stages import for_each_stage
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.models.layers.tiers import within_tiers
from mmskelseg.models.losses import counted, shares
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Count


@MODELS.register_module()
class SegmentationHead(BaseModule):
    """A 1x1 classifier for each stage, with the losses of all stages (Eq. 7).

    Args:
        in_channels: Channels of the features, C, or those of each stage.
        num_classes: Number of classes, K.
        num_stages: Number of stages; each has its own classifier.
        loss_cls: Classification loss of each frame.
        loss_smooth: Loss of the changes between frames; None to leave it out.
        tiers: Number of classes of each tier, which add up to K; None for one tier.
        init_cfg: Initialisation by MMEngine.
    """

    def __init__(
        self,
        in_channels: Count | Sequence[Count],
        num_classes: Count,
        num_stages: Count,
        *,
        loss_cls: Mapping[str, object],
        loss_smooth: Mapping[str, object] | None = None,
        tiers: Sequence[Count] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.tiers = tuple(tiers or (num_classes,))
        self.classifiers = ModuleList(
            self.classifier(width, num_classes)
            for width in for_each_stage(in_channels, num_stages)
        )
        self.loss_cls = MODELS.build(loss_cls)
        self.loss_smooth = MODELS.build(loss_smooth) if loss_smooth else None

    def classifier(self, channels: int, num_classes: int) -> nn.Module:
        """Return what makes logits (N, K, T) of the features (N, C, T) of a stage."""
        return TemporalConv1d(channels, num_classes, 1)

    def forward(self, features: Tensor, stage: int) -> Tensor:
        """Return the logits (N, K, T) for features (N, C, T) of a stage."""
        return self.classifiers[stage](features)

    def loss(
        self,
        logits: Tensor,
        labels: Tensor,
        inputs: Sequence[Tensor] = (),
        valid: Tensor | None = None,
        votes: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return each loss, summed over the stages; with G tiers, its mean over them.

        With several tiers, ``loss_joint`` is the classification loss of combinations
        of classes, one of each tier, divided by G. The combination in a frame competes
        with all others in the batch.

        Args:
            logits: Shape (S, N, K, T).
            labels: Classes, shape (N, T) or (N, G, T), int64, -1 for frames that do not
                count; on the host, where they are checked without synchronising with a
                GPU.
            inputs: The input features of each modality, (N, C, T) or (N, C, T, V).
            valid: Which frames are smoothed, shape (N, 1, T); by default those that
                count.
            votes: How many observers give each frame each class, (N, K, T). Where there
                are any, ``loss_cls`` is that of their shares, in place of the label.

        Raises:
            UserError: If a label is no class of the model.
        """
        if labels.dim() == 2:
            labels = labels[:, None]
        losses: dict[str, Tensor] = {}
        begin = 0
        for size, row in zip(self.tiers, labels.unbind(dim=1), strict=True):
            if row.max() >= size:
                raise UserError(
                    f'A label is {int(row.max())}, but the model has the classes 0 to '
                    f'{size - 1}; set model.num_classes to the number of classes in '
                    "the data set's annotation file."
                )
            rows = slice(begin, begin + size)
            begin = rows.stop
            row = to_device(row, logits.device)
            if votes is not None:
                row = shares(row, to_device(votes[:, rows], logits.device))
            parts = self._losses(logits[:, :, rows], row, rows, inputs, valid)
            for key, loss in parts.items():
                losses[key] = loss + losses[key] if key in losses else loss
        if len(self.tiers) > 1:
            losses['loss_joint'] = self._joint_loss(logits, labels)
            losses = {key: loss / len(self.tiers) for key, loss in losses.items()}
        return losses

    def _joint_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of combinations; labels are (N, G, T), on the host."""
        found, ids = (
            labels.transpose(1, 2).flatten(0, 1).unique(dim=0, return_inverse=True)
        )
        known = (found >= 0).all(dim=1)
        new_ids = torch.where(known, known.cumsum(0) - 1, -1)
        # One at least, so that every rank of a distributed training has a loss.
        combinations = found[known] if known.any() else torch.zeros_like(found[:1])
        ids = to_device(new_ids[ids].view(labels[:, 0].shape), logits.device)
        sizes = torch.tensor(self.tiers)
        rows = combinations + sizes.cumsum(0) - sizes
        parts = F.one_hot(rows, logits.shape[2]).sum(dim=1)
        parts = to_device(parts.to(logits.dtype), logits.device)
        log_scores = within_tiers(torch.log_softmax, logits, self.tiers, 2)
        return sum(self.loss_cls(parts @ stage, ids, rows) for stage in log_scores)

    def _losses(
        self,
        logits: Tensor,
        targets: Tensor,
        rows: slice,
        inputs: Sequence[Tensor],
        valid: Tensor | None,
    ) -> dict[str, Tensor]:
        """Return the losses of one tier, whose targets are those of ``loss_cls``."""
        which = (rows,) if len(self.tiers) > 1 else ()
        classified = [self.loss_cls(stage, targets, *which) for stage in logits]
        losses = {'loss_cls': sum(classified)}
        if self.loss_smooth is not None:
            mask = counted(targets).to(logits) if valid is None else valid
            weights = self.loss_smooth.similarities(inputs, logits)
            losses['loss_smooth'] = sum(
                self.loss_smooth(stage, mask, weights) for stage in logits
            )
        return losses


def average_logits(logits: Tensor, tiers: Sequence[int]) -> Tensor:
    """Return the logarithm of the mean class probabilities of several members.

    Args:
        logits: Logits of L members, shape (L, ..., K, T). The result is (..., K, T);
            its softmax is the mean of their softmaxes.
        tiers: Number of classes of each tier.
    """
    log_scores = within_tiers(torch.log_softmax, logits, tiers, -2)
    return log_scores.logsumexp(dim=0) - math.log(len(logits))
