"""A head that finds the boundaries of segments."""

import torch
from mmengine.model import ModuleList
from torch import Tensor
from torch.nn import functional as F

from mmskelseg.models.auxiliary.part import AuxiliaryPart, NetworkOutput, Targets
from mmskelseg.models.backbones.ms_tcn import DilatedResidualLayer, refinement_stages
from mmskelseg.models.layers.padding import masked, to_device
from mmskelseg.models.layers.temporal_conv import TemporalConv1d
from mmskelseg.models.losses import mean_over_ranks
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.options import Count, CountOrZero, Fraction, Positive


@MODELS.register_module()
class BoundaryHead(AuxiliaryPart):
    """A detector of frames in which a segment begins, with refinement stages.

    The 1x1 classifier reads the features of the first stage of each branch. Each
    refinement stage, a stage of MS-TCN, reads the probabilities of the previous one. A
    frame is a boundary if it and the previous frame have labels, and these differ.

    Args:
        in_channels: Total channels of the features of all branches, C.
        channels: Width of each stage.
        num_layers: Number of layers of each stage.
        num_refinements: Number of refinement stages.
        dropout: Probability of dropout in every layer.
        positive_weight: Weight of a boundary in the loss, relative to other frames.
            None: the number of frames per boundary in the batch.
        loss_weight: Factor of the loss.
        init_cfg: Initialisation by MMEngine.

    Note:
        The code of ASRF uses the number of frames per boundary in all training videos
        as weight, also counts the first frame of a video as a boundary, and averages
        the losses, including those of the classes, over the stages.

    Source: Ishikawa et al., "Alleviating Over-segmentation Errors by Detecting Action
    Boundaries" (WACV 2021), its boundary regression branch; the defaults from its code.
    """

    name = 'boundary_head'
    reads = 'first'
    predicts = 'boundary'

    def __init__(
        self,
        in_channels: Count,
        *,
        channels: Count = 64,
        num_layers: Count = 10,
        num_refinements: CountOrZero = 3,
        dropout: Fraction = 0.5,
        positive_weight: Positive | None = None,
        loss_weight: Positive = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.positive_weight = positive_weight
        self.loss_weight = loss_weight
        self.stages = ModuleList(
            refinement_stages(
                1,
                channels,
                lambda dilation: DilatedResidualLayer(channels, dilation, dropout),
                num_layers,
                num_refinements,
            )
        )
        self.context = sum(stage.context for stage in self.stages)
        self.classifiers = ModuleList(
            TemporalConv1d(width, 1, 1)
            for width in [in_channels] + num_refinements * [channels]
        )

    def forward(self, output: NetworkOutput) -> Tensor:
        """Return the logits of the classifier and of each refinement, (S, N, 1, T)."""
        first = self.classifiers[0](output.stages[0].features)
        # Mixed precision ends here.
        first = first.to(self.classifiers[0].weight)
        logits = [masked(first, output.mask)]
        for stage, head in zip(self.stages, self.classifiers[1:], strict=True):
            logits.append(output.in_chunks(stage, logits[-1].sigmoid(), head))
        return torch.stack(logits)

    def predict(self, found: Tensor) -> Tensor:
        """Return the probability that a segment begins in a frame, (N, T)."""
        return found[-1, :, 0].sigmoid()

    def loss(self, found: Tensor, targets: Targets) -> dict[str, Tensor]:
        """Return the binary cross-entropy, summed over the stages.

        With several tiers, a frame is a boundary if it is one in any of them.
        """
        labels = to_device(targets.labels, found.device)
        rows = labels[:, None] if labels.dim() == 2 else labels
        valid = (rows >= 0).any(dim=1)
        boundary = torch.stack([label_boundaries(row) for row in rows.unbind(1)])
        boundary = boundary.any(dim=0)
        errors = F.binary_cross_entropy_with_logits(
            found[:, :, 0],
            boundary.to(found).expand(len(found), -1, -1),
            reduction='none',
        )
        positive = torch.where(boundary, errors, 0).sum()
        negative = torch.where(valid & ~boundary, errors, 0).sum()
        if self.positive_weight is None:
            # The same as a weight of frames / boundaries and a mean over the frames.
            loss = mean_over_ranks(positive, boundary.sum())
            loss = loss + mean_over_ranks(negative, valid.sum())
        else:
            total = self.positive_weight * positive + negative
            loss = mean_over_ranks(total, valid.sum())
        return {'loss_boundary': self.loss_weight * loss}


def label_boundaries(labels: Tensor) -> Tensor:
    """Return whether a segment begins in each frame, (N, T), given labels (N, T).

    It does where the label differs from the previous frame's and neither is -1.
    """
    begins = torch.zeros_like(labels, dtype=torch.bool)
    before, after = labels[:, :-1], labels[:, 1:]
    begins[:, 1:] = (before != after) & (before >= 0) & (after >= 0)
    return begins
