"""Losses over the frames of untrimmed videos."""

from mmskelseg.models.losses.segmentation_losses import (
    FrameCrossEntropyLoss,
    TruncatedMSELoss,
)

__all__ = ['FrameCrossEntropyLoss', 'TruncatedMSELoss']
