"""What turns features into classes, and compares these with the labels."""

from typing import Any

from mmengine.model import BaseModule, ModuleList
from torch import Tensor

from mmskelseg.models.layers import TemporalConv1d
from mmskelseg.models.layers.padding import to_device
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
            labels: Shape (N, T), int64, -1 for frames that do not count; on the host,
                where they are checked without waiting for a GPU.

        Raises:
            UserError: If a label is not one of the classes.
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
