"""MS-TCN++ and its training written plainly, as what benchmark.py compares with."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmskelseg.models import ActionSegmentor


class PlainMSTCN(nn.Module):
    """MS-TCN++ in ``nn.Conv1d``, with the weights of a segmentor of one modality.

    Args:
        segmentor: With a backbone ``MSTCNPlusPlus`` in its only branch.
    """

    def __init__(self, segmentor: ActionSegmentor) -> None:
        super().__init__()
        branch: Any = next(iter(segmentor.branches.values()))
        stages, classifiers = branch['backbone'].stages, branch['head'].classifiers
        self.dropout = nn.Dropout(stages[0].layers[0].dropout.p)
        self.stages = nn.ModuleList(
            PlainStage(stage, classifier, self.dropout)
            for stage, classifier in zip(stages, classifiers, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the logits (N, K, T) of each stage for features (N, C, T)."""
        outputs = []
        for stage in self.stages:
            outputs.append(stage(x))
            x = outputs[-1].softmax(dim=1)
        return outputs


class PlainStage(nn.Module):
    """A stage with its classifier."""

    def __init__(self, stage: Any, classifier: nn.Conv1d, dropout: nn.Module) -> None:
        super().__init__()
        self.conv_in = _plain(stage.conv_in)
        # Lists of two convolutions, and of three where two are merged.
        layers = [
            [_plain(conv) for conv in layer.children() if isinstance(conv, nn.Conv1d)]
            for layer in stage.layers
        ]
        self.layers = nn.ModuleList(map(nn.ModuleList, layers))
        self.classifier = _plain(classifier)
        self.convs = layers
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K, T)."""
        x = self.conv_in(x)
        for first, second, *merge in self.convs:
            if merge:
                both = torch.cat([first(x), second(x)], dim=1)
                change = F.relu(merge[0](both))
            else:
                change = second(F.relu(first(x)))
            x = x + self.dropout(change)
        return self.classifier(x)


def plain_loss(outputs: list[Tensor], labels: Tensor) -> Tensor:
    """Return cross-entropy and truncated smoothness over all stages.

    Args:
        outputs: Logits (N, K, T) of each stage.
        labels: Shape (N, T).
    """
    total = torch.zeros((), device=labels.device)
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
    named = dict(network.named_parameters())
    # Those of classifiers come last, in their order.
    return [named[name] for name in sorted(named, key=lambda x: '.classifier.' in x)]


def _plain(conv: nn.Conv1d) -> nn.Conv1d:
    plain = nn.Conv1d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size[0],
        padding=conv.padding[0],
        dilation=conv.dilation[0],
    )
    plain.load_state_dict(conv.state_dict())
    return plain
