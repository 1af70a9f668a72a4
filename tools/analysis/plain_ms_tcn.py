"""MS-TCN++ and its training written plainly, as what benchmark.py compares with."""

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn import functional as F


class PlainMSTCN(nn.Module):
    """MS-TCN++ in ``nn.Conv1d``, with the weights of a segmentor of one modality.

    Args:
        segmentor: With a backbone ``MSTCNPlusPlus`` in its only branch.
    """

    def __init__(self, segmentor: BaseModel) -> None:
        super().__init__()
        backbone, head = next(iter(segmentor.branches.values())).values()
        self.stages = nn.ModuleList(
            nn.ModuleList(
                [
                    _plain(stage.conv_in),
                    *[nn.ModuleList(map(_plain, _convs(la))) for la in stage.layers],
                    _plain(classifier),
                ]
            )
            for stage, classifier in zip(backbone.stages, head.classifiers, strict=True)
        )
        self.dropout = nn.Dropout(backbone.stages[0].layers[0].dropout.p)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits (N, K, T) of each stage for features (N, C, T)."""
        outputs = []
        for conv_in, *layers, classifier in self.stages:
            x = conv_in(x)
            for layer in layers:
                if len(layer) == 3:
                    far, near, merge = layer
                    change = F.relu(merge(torch.cat([far(x), near(x)], dim=1)))
                else:
                    dilated, pointwise = layer
                    change = pointwise(F.relu(dilated(x)))
                x = x + self.dropout(change)
            outputs.append(classifier(x))
            x = outputs[-1].softmax(dim=1)
        return outputs


def plain_loss(outputs: list[Tensor], labels: Tensor) -> Tensor:
    """Return cross-entropy and truncated smoothness over all stages.

    Args:
        outputs: Logits (N, K, T) of each stage.
        labels: Shape (N, T).
    """
    total = torch.zeros(())
    for logits in outputs:
        total = total + F.cross_entropy(logits, labels)
        steps = F.log_softmax(logits, dim=1)
        change = F.mse_loss(
            steps[:, :, 1:], steps.detach()[:, :, :-1], reduction='none'
        )
        total = total + 0.15 * change.clamp(0, 16).mean()
    return total


def plain_parameters(network: PlainMSTCN) -> list[Tensor]:
    """Return its parameters in the order of those of the segmentor."""
    classifiers = [p for stage in network.stages for p in stage[-1].parameters()]
    rest = [p for stage in network.stages for m in stage[:-1] for p in m.parameters()]
    return rest + classifiers


def _convs(layer: nn.Module) -> list[nn.Module]:
    names = ('conv_far', 'conv_near', 'merge', 'conv_dilated', 'conv_out')
    return [getattr(layer, name) for name in names if hasattr(layer, name)]


def _plain(conv: nn.Conv1d) -> nn.Conv1d:
    options = {'padding': conv.padding, 'dilation': conv.dilation}
    plain = nn.Conv1d(conv.in_channels, conv.out_channels, conv.kernel_size, **options)
    plain.load_state_dict(conv.state_dict())
    return plain
