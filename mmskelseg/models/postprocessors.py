"""Post-processing of a model's predicted labels.

It only changes ``pred_label``: the probabilities stay those of the model.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from mmskelseg.models.layers import Fitted
from mmskelseg.registry import POSTPROCESSORS, build_part
from mmskelseg.runtime.decoding import SegmentGrammar, run_step
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.options import Count, Fraction, OddCount, Positive
from mmskelseg.runtime.structures.segments import segment_table


class Postprocessor(nn.Module):
    """A post-processing step; its statistics are stored with the weights."""

    def step(self) -> dict[str, object]:
        """Return the step as plain values for :func:`run_step`.

        A model cannot be exported if a step of your own lacks this form.
        """
        raise UserError(
            f'model.postprocess: {type(self).__name__} has no step(), which it needs '
            'to run without PyTorch; leave it out.'
        )

    def check_fitted(self) -> None:
        """Raise a UserError if the step needs counts but has none."""
        if not self.is_fitted:
            raise UserError(
                f'{type(self).__name__}: has no counts from the training labels; '
                'run mmskelseg fit-decoder on the checkpoint.'
            )

    def forward(self, prediction: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the new labels (T,).

        Args:
            prediction: ``pred_label`` (T,) after the previous steps, ``pred_score``
                (K, T), and the model's other predictions.
        """
        return run_step(prediction, self.step())


@POSTPROCESSORS.register_module()
class MinDuration(Fitted, Postprocessor):
    """Merging of segments that are too short: :func:`min_duration`.

    Args:
        frames: The shortest duration that is kept. By default, 95 % of the segments in
            the training labels last at least as long.
    """

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

    def step(self) -> dict[str, object]:
        """Return the step as plain values."""
        self.check_fitted()
        return {'type': type(self).__name__, 'frames': int(self.shortest)}

    def extra_repr(self) -> str:
        """Return the duration, for logs."""
        return f'frames={int(self.shortest)}'


@POSTPROCESSORS.register_module()
class CausalMinDuration(MinDuration):
    """A minimum duration that streams can keep, too: :func:`causal_min_duration`.

    It adds ``frames - 1`` frames to their lookahead.
    """


@POSTPROCESSORS.register_module()
class MedianFilter(Postprocessor):
    """Smoothing of labels; see :func:`mmskelseg.runtime.decoding.median_filter`.

    Args:
        frames: Length of the window, an odd number.
    """

    def __init__(self, frames: OddCount) -> None:
        super().__init__()
        self.frames = frames

    def step(self) -> dict[str, object]:
        """Return the step as plain values."""
        return {'type': 'MedianFilter', 'frames': self.frames}


@POSTPROCESSORS.register_module()
class BoundaryRefinement(Postprocessor):
    """Restriction of label changes to the boundaries that the model predicts.

    See :func:`mmskelseg.runtime.decoding.refine_boundaries`.

    Args:
        threshold: The least probability of a boundary.
    """

    def __init__(self, threshold: Fraction = 0.5) -> None:
        super().__init__()
        self.threshold = threshold

    def step(self) -> dict[str, object]:
        """Return the step as plain values."""
        return {'type': 'BoundaryRefinement', 'threshold': self.threshold}


@POSTPROCESSORS.register_module()
class SemiMarkovViterbi(Fitted, Postprocessor):
    """Viterbi decoding of the likeliest segmentation, by transitions and durations.

    ``FitStatisticsHook`` counts these on the training labels, or
    ``tools/fit_decoder.py`` afterwards. See :mod:`semi_markov`.

    Args:
        num_classes: Number of classes, K; the segmentor fills it in.
        order: Number of previous classes on which the next one depends, 1 or 2. With 2,
            decoding takes more than K times as long.
        smoothing: See :meth:`mmskelseg.runtime.decoding.SegmentGrammar.count`.
        weight: Exponent of the grammar's probabilities.
    """

    start: Tensor
    transitions: Tensor
    duration_mean: Tensor
    duration_std: Tensor
    longest: Tensor

    def __init__(
        self,
        num_classes: Count,
        *,
        order: Literal[1, 2] = 1,
        smoothing: Positive = 1.0,
        weight: Positive = 2.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.order = order
        self.smoothing = smoothing
        self.weight = weight
        before = (num_classes,) if order == 1 else (num_classes + 1, num_classes)
        shapes = {
            'start': (num_classes,),
            'transitions': (*before, num_classes),
            'duration_mean': (num_classes,),
            'duration_std': (num_classes,),
            'longest': (),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def fit(self, videos: Iterable[np.ndarray]) -> None:
        """Count transitions and durations in the labels (T,) of the training videos."""
        grammar = SegmentGrammar.count(
            videos, self.num_classes, order=self.order, smoothing=self.smoothing
        )
        for name, value in vars(grammar).items():
            getattr(self, name).copy_(torch.as_tensor(value))
        self.fitted.fill_(True)

    @property
    def grammar(self) -> SegmentGrammar:
        """The transitions and durations that were counted."""
        return SegmentGrammar(
            self.start.cpu().numpy(),
            self.transitions.cpu().numpy(),
            self.duration_mean.cpu().numpy(),
            self.duration_std.cpu().numpy(),
            # In a damaged checkpoint, it may not be a number.
            int(self.longest.nan_to_num()),
        )

    def step(self) -> dict[str, object]:
        """Return the step as plain values, with the grammar."""
        self.check_fitted()
        grammar = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self.grammar).items()
        }
        return {'type': 'SemiMarkovViterbi', 'weight': self.weight, 'grammar': grammar}


def build_postprocessors(
    configs: Sequence[Mapping[str, object]],
    tiers: Sequence[int],
    *,
    has_boundaries: bool = True,
) -> nn.ModuleList:
    """Return the post-processing steps in their order; for G tiers, G lists of them.

    Raises:
        UserError: If a step is not a dict with its type, if one that decodes
            probabilities follows others or is for other classes, or if one needs
            boundaries that the model does not predict.
    """
    if len(tiers) == 1:
        return _steps(configs, tiers[0], has_boundaries)
    lists = [_steps(configs, size, has_boundaries) for size in tiers]
    for i, steps in enumerate(lists):
        for step in steps:
            if isinstance(step, Fitted):
                step.tier = i
    return nn.ModuleList(lists)


def _steps(
    configs: Sequence[Mapping[str, object]], num_classes: int, has_boundaries: bool
) -> nn.ModuleList:
    """Return the steps of one tier."""
    steps = nn.ModuleList()
    for i, cfg in enumerate(configs):
        place = f'model.postprocess.{i}'
        kind = cfg.get('type') if isinstance(cfg, Mapping) else None
        cls = POSTPROCESSORS.get(kind) if isinstance(kind, str) else None
        given = {'num_classes': num_classes} if cls is SemiMarkovViterbi else {}
        if given and cfg.get('num_classes', num_classes) != num_classes:
            raise UserError(
                f'{place}: num_classes={cfg["num_classes"]}, but the model has '
                f'{num_classes} classes; leave it out.'
            )
        if given and i > 0:
            raise UserError(
                'model.postprocess: SemiMarkovViterbi starts from probabilities, so '
                f'the {i} steps before it would have no effect; put it first.'
            )
        steps.append(build_part(place, cfg, POSTPROCESSORS, **given))
        if cls is BoundaryRefinement and not has_boundaries:
            raise UserError(
                f'{place}: BoundaryRefinement needs boundaries, which the model does '
                'not predict; give it a `boundary_head`.'
            )
    return steps
