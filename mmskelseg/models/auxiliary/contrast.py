"""A loss that compares the features of segments."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmskelseg.models.auxiliary.part import AuxiliaryPart, NetworkOutput, Targets
from mmskelseg.models.losses import mean_over_ranks, segments_of
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Factor, Positive


@MODELS.register_module()
class SegmentContrastLoss(AuxiliaryPart):
    """Pulls the features of segments of a class together, and other classes apart.

    The mean features of a segment are compared, by cosine similarity, with those of all
    others in the batch. The loss is the mean negative log-probability of a segment of
    its class, where probabilities are a softmax over the similarities. Short segments
    count as much as long ones.

    Args:
        loss_weight: Factor of the loss.
        temperature: What similarities are divided by.

    Source: Khosla et al., "Supervised Contrastive Learning" (NeurIPS 2020), Eq. 2,
    there for images.
    """

    name = 'contrast'
    reads = 'all'

    def __init__(
        self, loss_weight: Factor = 0.3, *, temperature: Positive = 0.1
    ) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.temperature = temperature

    def loss(self, found: NetworkOutput, targets: Targets) -> dict[str, Tensor]:
        """Return the loss, summed over stages; 0 where no class has two segments.

        Those of several tiers are averaged.
        """
        stages = [self._of_stage(s.features, targets.labels) for s in found.stages]
        return {'loss_contrast': torch.stack(stages).sum()}

    def _of_stage(self, features: Tensor, labels: Tensor) -> Tensor:
        rows = labels.to(features.device).reshape(len(labels), -1, labels.shape[-1])
        losses = [self._of_tier(features.float(), tier) for tier in rows.unbind(1)]
        return self.loss_weight * torch.stack(losses).mean()

    def _of_tier(self, features: Tensor, labels: Tensor) -> Tensor:
        segments, lengths = segments_of(labels)
        frames = features.transpose(1, 2).flatten(0, 1)
        mean = frames.new_zeros(len(lengths), frames.shape[1])
        mean = mean.index_add(0, segments.flatten(), frames) / lengths[:, None]
        classes = labels.new_empty(len(lengths))
        classes[segments] = labels
        labelled = classes >= 0
        unit, classes = F.normalize(mean[labelled]), classes[labelled]
        is_own = torch.eye(len(classes), dtype=torch.bool, device=classes.device)
        # Not -inf, which would give NaN where a segment is alone.
        similarity = (unit @ unit.T / self.temperature).masked_fill(is_own, -1e4)
        same = (classes[:, None] == classes) & ~is_own
        count = same.sum(dim=1)
        total = (similarity.log_softmax(dim=1) * same).sum(dim=1) / count.clamp(min=1)
        return mean_over_ranks(-total.sum(), (count > 0).sum())
