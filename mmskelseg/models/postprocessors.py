"""Post-processing of a model's predicted labels.

It only changes ``pred_label``: the probabilities stay those of the model.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmskelseg.models.layers.standardizer import Fitted
from mmskelseg.registry import POSTPROCESSORS, build_part
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import (
    Count,
    CountOrZero,
    Factor,
    Fraction,
    Positive,
)
from mmskelseg_io.structures.segments import next_actions, segment_table
from mmskelseg_runtime.decoding import run_step
from mmskelseg_runtime.decoding.orders import order_logs, segment_evidence

#: The part of the segments in training that have more evidence than a segment costs.
SURE = 0.8


class Postprocessor(nn.Module):
    """A post-processing step; its statistics are stored with the weights."""

    def step(self) -> dict[str, object]:
        """Return the step as plain values for :func:`run_step`.

        A model cannot be exported if a step of your own lacks this form.

        Raises:
            UserError: If it has no such form.
        """
        raise UserError(
            f'model.postprocess: {type(self).__name__} has no step(), which it needs '
            'to run without PyTorch; leave it out.'
        )

    def forward(self, prediction: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the new labels (T,).

        Args:
            prediction: ``pred_label`` (T,) after the previous steps, ``pred_score``
                (K, T), and the model's other predictions.
        """
        return run_step(prediction, self.step())


class Counted(Fitted, Postprocessor):
    """A step with options that are counted on the training labels."""

    #: What to do if nothing has been counted.
    remedy = 'train again with it, or leave it out'

    def options(self) -> dict[str, object]:
        """Return the options of the step as plain values."""
        raise NotImplementedError

    def step(self) -> dict[str, object]:
        """Return the step as plain values.

        Raises:
            UserError: If nothing has been counted.
        """
        if not self.is_fitted:
            raise UserError(
                f'{type(self).__name__}: has no counts from the training labels; '
                f'{self.remedy}.'
            )
        return {'type': type(self).__name__, **self.options()}

    def extra_repr(self) -> str:
        """Return the duration, for logs."""
        return f'frames={self.options()["frames"]}'


@POSTPROCESSORS.register_module()
class MinDuration(Counted):
    """Merging of segments that are too short: :func:`min_duration`.

    Args:
        frames: The shortest duration that is kept. By default, 95 % of the segments in
            the training labels last at least as long.
    """

    remedy = 'set its `frames`, or train again with it'
    shortest: Tensor

    def __init__(self, frames: Count | None = None) -> None:
        counted = frames is None
        super().__init__(needed=counted)
        self.frames = frames
        shortest = torch.tensor(frames or 1)
        self.register_buffer('shortest', shortest, persistent=counted)

    def fit(self, videos: Iterable[np.ndarray]) -> None:
        """Find the shortest duration in the labels (T,) of the training videos."""
        tables = [segment_table(label) for label in videos]
        durations = np.concatenate([table[:, 1] - table[:, 0] for table in tables])
        if len(durations):
            self.shortest.fill_(int(np.percentile(durations, 5)))
        self.fitted.fill_(True)

    def options(self) -> dict[str, object]:
        """Return the shortest duration."""
        return {'frames': int(self.shortest)}


@POSTPROCESSORS.register_module()
class CausalMinDuration(MinDuration):
    """A minimum duration that streams can keep, too: :func:`causal_min_duration`.

    It adds ``frames - 1`` frames to their lookahead.
    """


@POSTPROCESSORS.register_module()
class ActionOrder(Counted):
    """Preference of the orders of the training videos: :func:`action_order`.

    Args:
        num_classes: Number of classes, K, which the model fills in, as the temperature.
        background: Index of the class that is no action, and may be between any two.
        frames: How many frames an order counts as much as; 1 where it says little. By
            default, half of the median duration of an action in the training labels,
            which helps in a script and misleads elsewhere.
        cost: What a segment costs, in nats. By default, it is found after the last
            epoch, and 0 before.
        temperature: By what the model divides the logarithms of its probabilities.
    """

    follows: Tensor
    weight: Tensor
    cost: Tensor

    def __init__(
        self,
        num_classes: Count,
        background: CountOrZero | None = None,
        frames: Count | None = None,
        cost: Factor | None = None,
        *,
        temperature: Positive = 1.0,
    ) -> None:
        super().__init__()
        self.background = background
        self.frames = frames
        self.is_weighed = cost is not None
        self.temperature = temperature
        follows = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        self.register_buffer('follows', follows)
        self.register_buffer('weight', torch.tensor(frames or 1))
        self.register_buffer('cost', torch.tensor(float(cost or 0) * temperature))

    def fit(self, videos: Iterable[np.ndarray]) -> None:
        """Count what follows what in the labels (T,) of the training videos."""
        durations: list[int] = []
        for label in videos:
            for before, after in next_actions(label, self.background):
                self.follows[before, after] += 1
            for start, end, action in segment_table(label).tolist():
                durations += [end - start] * (action != self.background)
        if durations and self.frames is None:
            self.weight.fill_(max(int(np.median(durations)) // 2, 1))
        self.fitted.fill_(True)

    def weigh(self, videos: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        """Find the cost in labels (T,) and probabilities (K, T) of training videos.

        It is what ``SURE`` of the segments have as evidence, if that is above 0, and at
        most that of a semi-Markov model: ``log(m - 1)`` for durations of m frames on
        average, minus the mean logarithm of how likely what follows follows.
        """
        evidence, durations = [np.empty(0)], [np.empty(0)]
        for label, score in videos:
            table = segment_table(label)
            durations.append(table[:, 1] - table[:, 0])
            evidence.append(segment_evidence(label, score))
        found = np.concatenate(evidence)
        if not len(found):
            return
        mean = float(np.concatenate(durations).mean())
        _, order = order_logs(self.follows.cpu().numpy())
        most = math.log(max(mean - 1, 1)) - order
        cost = min(float(np.percentile(found, 100 * (1 - SURE))), most)
        self.cost.fill_(max(cost, 0.0) * self.temperature)

    def options(self) -> dict[str, object]:
        """Return the counts, the weight and the cost."""
        return {
            'follows': self.follows.tolist(),
            'frames': int(self.weight),
            'background': self.background,
            'cost': float(self.cost) / self.temperature,
        }


@POSTPROCESSORS.register_module()
class BoundaryRefinement(Postprocessor):
    """Restriction of label changes to the boundaries that the model predicts.

    See :func:`mmskelseg_runtime.decoding.refine_boundaries`.

    Args:
        threshold: The least probability of a boundary.
    """

    def __init__(self, threshold: Fraction = 0.5) -> None:
        super().__init__()
        self.threshold = threshold

    def step(self) -> dict[str, object]:
        """Return the step as plain values."""
        return {'type': 'BoundaryRefinement', 'threshold': self.threshold}


def build_postprocessors(
    configs: Sequence[Mapping[str, object]],
    tiers: Sequence[int],
    *,
    has_boundaries: bool = True,
    temperature: float = 1.0,
) -> nn.ModuleList:
    """Return the post-processing steps in their order; for G tiers, G lists of them.

    Args:
        configs: Config of each step.
        tiers: Number of classes of each tier.
        has_boundaries: Whether the model predicts boundaries.
        temperature: By what it divides the logarithms of its probabilities.

    Raises:
        UserError: If a step is not a dict with its type, or needs boundaries that the
            model does not predict.
    """
    orders = [{'num_classes': classes, 'temperature': temperature} for classes in tiers]
    lists = [_steps(configs, order, has_boundaries) for order in orders]
    if len(lists) == 1:
        return lists[0]
    for i, steps in enumerate(lists):
        for step in steps:
            if isinstance(step, Fitted):
                step.tier = i
    return nn.ModuleList(lists)


def _steps(
    configs: Sequence[Mapping[str, object]],
    order: Mapping[str, object],
    has_boundaries: bool,
) -> nn.ModuleList:
    """Return the steps of one tier, given what the model knows of its orders."""
    steps = nn.ModuleList()
    for i, cfg in enumerate(configs):
        place = f'model.postprocess.{i}'
        is_order = isinstance(cfg, Mapping) and cfg.get('type') == 'ActionOrder'
        given = order if is_order else {}
        steps.append(build_part(place, cfg, POSTPROCESSORS, **given))
        if isinstance(steps[-1], BoundaryRefinement) and not has_boundaries:
            raise UserError(
                f'{place}: BoundaryRefinement needs boundaries, which the model does '
                'not predict; add a BoundaryHead to its `auxiliary`.'
            )
    return steps
