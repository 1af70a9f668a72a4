"""What an auxiliary part is, and what it reads."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from mmaction.structures import ActionDataSample
from mmengine.model import BaseModule
from torch import Tensor

from mmskelseg.registry import MODELS, build_part
from mmskelseg_io.messages.errors import UserError


class StageOutput(NamedTuple):
    """The output of a stage.

    Attributes:
        features: Features of all branches, (N, C, T), if a part reads them.
        logits: Logits (N, K, T) of each classifier, by branch or ``fused``.
    """

    features: Any = None
    logits: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class NetworkOutput:
    """What a network computed for a batch.

    Attributes:
        inputs: What the first stages read, (N, C, T) of each branch; on any device, in
            any precision.
        stages: The stages in their order; in predictions, only the last has logits.
        mask: Shape (N, 1, T); None without padding.
        in_chunks: Function that returns ``head(stage(x))`` for further stages; in
            predictions, it computes long videos in chunks.
    """

    inputs: Sequence[Tensor] = ()
    stages: Sequence[StageOutput] = ()
    mask: Tensor | None = None
    in_chunks: Callable[..., Tensor] = lambda stage, x, head: head(stage(x))

    @cached_property
    def logits(self) -> dict[str, Tensor]:
        """The logits of all stages, (S, N, K, T), by the prefix of their losses."""
        names = list(self.stages[0].logits)
        return {
            f'{name}.' if len(names) > 1 else '': torch.stack(
                [stage.logits[name] for stage in self.stages]
            )
            for name in names
        }


@dataclass(frozen=True)
class Targets:
    """What a batch should be.

    Attributes:
        labels: Classes (N, T), or (N, G, T) of G tiers, int64, -1 for frames that do
            not count; on the host.
        given: These labels before a part has completed them.
        lengths: Number of frames of each of the N videos.
        samples: Samples with all annotations.
        tiers: Number of classes of each tier; None for one.
        smoothed: Which frames the smoothness loss counts, shape (N, 1, T); None: those
            with a label.
        votes: How many observers give each frame each class, (N, K, T), float32, on the
            host; 0 where only the label counts. None: everywhere.
    """

    labels: Tensor
    given: Tensor
    lengths: Sequence[int] = ()
    samples: Sequence[ActionDataSample] = ()
    tiers: Sequence[int] | None = None
    smoothed: Tensor | None = None
    votes: Tensor | None = None


class AuxiliaryPart(BaseModule):
    """A part of a network that reads what the stages compute.

    It may have losses, and predict a number for each frame. A part that takes
    ``in_channels`` gets the number of channels of what it reads.

    Attributes:
        name: The name of its weights in checkpoints.
        reads: ``inputs``, what the first stages read; or the features of the ``first``,
            the ``last``, or ``all`` stages; or nothing but logits.
        predicts: NAME of the field ``pred_NAME`` (T,) of predictions, if it has one.
        context: Frames to each side of those that it reads, on which a prediction
            depends; infinite for all.
    """

    name: ClassVar[str]
    reads: ClassVar[Literal['inputs', 'first', 'last', 'all', '']] = ''
    predicts: ClassVar[str] = ''
    context: float = torch.inf

    def forward(self, output: NetworkOutput) -> Any:
        """Return what losses and predictions are computed from."""
        return output

    def complete(self, output: NetworkOutput, targets: Targets) -> Targets:
        """Return the targets of all losses."""
        return targets

    def loss(self, found: Any, targets: Targets) -> dict[str, Tensor]:
        """Return losses by name, given the result of :meth:`forward`."""
        return {}

    def predict(self, found: Any) -> Tensor:
        """Return the prediction (N, T), given the result of :meth:`forward`."""
        return found

    def weigh(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses of the whole network, weighted."""
        return losses


def build_auxiliary(place: str, cfg: Any, channels: Mapping[str, int]) -> AuxiliaryPart:
    """Return a part, given the channels of what it could read.

    Raises:
        UserError: If the config is not a dict with the type of an auxiliary part.
    """
    kind = cfg.get('type')
    part = MODELS.get(kind) if isinstance(kind, str) else kind
    given = {}
    if inspect.isclass(part):
        if not issubclass(part, AuxiliaryPart):
            raise UserError(f'{place} is {part.__name__}, which is no AuxiliaryPart.')
        if 'in_channels' in inspect.signature(part).parameters:
            given = {'in_channels': channels[part.reads]}
    return build_part(place, cfg, **given)
