"""Losses over the frames of untrimmed videos."""

from mmskelseg.models.losses.segmentation_losses import (
    FrameCrossEntropyLoss,
    TruncatedMSELoss,
)
from mmskelseg.models.losses.uncertainty_weighting import UncertaintyWeighting

__all__ = ['FrameCrossEntropyLoss', 'TruncatedMSELoss', 'UncertaintyWeighting']
