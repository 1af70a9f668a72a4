"""Post-processing of a model's predictions, after the likeliest class of each frame.

It changes ``pred_label`` alone: the probabilities stay those of the model.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmskelseg.decoding import SegmentGrammar, run_step
from mmskelseg.models.layers import Fitted
from mmskelseg.registry import POSTPROCESSORS
from mmskelseg.utils.errors import UserError


class Postprocessor(nn.Module):
    """A step of post-processing; what it has counted is kept with the weights."""

    def step(self) -> dict[str, Any]:
        """Return it as plain values, which :func:`mmskelseg.decoding.run_step` takes.

        A user's own class may have no such form; models with it cannot be exported.
        """
        raise UserError(
            f'model.postprocess: {type(self).__name__} has no step(), by which '
            'it could run without PyTorch; leave it out.'
        )

    def forward(self, prediction: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the new labels (T,).

        Args:
            prediction: ``pred_label`` (T,) as the steps before left it, ``pred_score``
                (K, T) and what else the model predicts.
        """
        return run_step(prediction, self.step())


@POSTPROCESSORS.register_module()
class MinDuration(Postprocessor):
    """Merges segments that are too short; see :func:`mmskelseg.decoding.min_duration`.

    Args:
        frames: The least duration.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        if frames < 1:
            raise UserError(f'MinDuration: frames={frames}, but must be at least 1.')
        self.frames = frames

    def step(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {'type': 'MinDuration', 'frames': self.frames}


@POSTPROCESSORS.register_module()
class MedianFilter(Postprocessor):
    """Smooths labels; see :func:`mmskelseg.decoding.median_filter`.

    Args:
        frames: Length of the window, odd.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        if frames < 1 or frames % 2 == 0:
            raise UserError(
                f'MedianFilter: frames={frames} must be odd, so that a frame is in the '
                'middle of its window.'
            )
        self.frames = frames

    def step(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {'type': 'MedianFilter', 'frames': self.frames}


@POSTPROCESSORS.register_module()
class BoundaryRefinement(Postprocessor):
    """Lets labels change only at boundaries that the model predicts.

    See :func:`mmskelseg.decoding.refine_boundaries`.

    Args:
        threshold: Probability from which a boundary counts.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        super().__init__()
        self.threshold = threshold

    def step(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {'type': 'BoundaryRefinement', 'threshold': self.threshold}


@POSTPROCESSORS.register_module()
class SemiMarkovViterbi(Fitted, Postprocessor):
    """Finds the likeliest segmentation by transitions and durations.

    They are counted on the training labels by ``FitStatisticsHook``, or afterwards by
    ``tools/fit_decoder.py``. See :mod:`mmskelseg.decoding.semi_markov`.

    Args:
        num_classes: K, which the segmentor fills in.
        order: How many classes before decide on the next one, 1 or 2.
        smoothing: See :meth:`mmskelseg.decoding.SegmentGrammar.count`.
        weight: Exponent of the grammar's probabilities.
    """

    start: Tensor
    transitions: Tensor
    duration_mean: Tensor
    duration_std: Tensor
    longest: Tensor

    def __init__(
        self,
        num_classes: int,
        *,
        order: int = 1,
        smoothing: float = 1.0,
        weight: float = 2.0,
    ) -> None:
        super().__init__()
        if order not in (1, 2) or smoothing <= 0 or weight <= 0:
            raise UserError(
                f'SemiMarkovViterbi: order={order} must be 1 or 2, smoothing='
                f'{smoothing} and weight={weight} above 0.'
            )
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
        """Count the labels (T,) of the training videos."""
        grammar = SegmentGrammar.count(
            videos, self.num_classes, order=self.order, smoothing=self.smoothing
        )
        for name, value in vars(grammar).items():
            getattr(self, name).copy_(torch.as_tensor(value))
        self.fitted.fill_(True)

    @property
    def grammar(self) -> SegmentGrammar:
        """What was counted."""
        return SegmentGrammar(
            self.start.cpu().numpy(),
            self.transitions.cpu().numpy(),
            self.duration_mean.cpu().numpy(),
            self.duration_std.cpu().numpy(),
            int(self.longest),
        )

    def step(self) -> dict[str, Any]:
        """Return it as plain values, with what was counted."""
        if not self.is_fitted:
            raise UserError(
                'SemiMarkovViterbi: no transitions and durations have been counted; '
                'run tools/fit_decoder.py on the checkpoint.'
            )
        grammar = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self.grammar).items()
        }
        return {'type': 'SemiMarkovViterbi', 'weight': self.weight, 'grammar': grammar}


def build_postprocessors(
    configs: Sequence[Mapping[str, Any]], num_classes: int
) -> nn.ModuleList:
    """Return the steps of post-processing in their order.

    Raises:
        UserError: If one that starts from probabilities comes after others.
    """
    steps = nn.ModuleList()
    for i, cfg in enumerate(configs):
        cls = POSTPROCESSORS.get(cfg['type']) if isinstance(cfg['type'], str) else None
        if cls is SemiMarkovViterbi:
            cfg = {'num_classes': num_classes, **cfg}
            if i > 0:
                raise UserError(
                    'model.postprocess: SemiMarkovViterbi starts from probabilities, '
                    f'so that the {i} before it would have no effect; put it first.'
                )
        steps.append(POSTPROCESSORS.build(cfg))
    return steps


def postprocess(
    prediction: Mapping[str, Tensor], steps: Sequence[nn.Module] | nn.ModuleList
) -> dict[str, Tensor]:
    """Return a video's prediction after all steps.

    ``pred_label`` is then the last one's, and ``raw_label`` that of the model alone.
    Without steps there is no ``raw_label``.
    """
    if not steps:
        return dict(prediction)
    arrays = {key: value.cpu().numpy() for key, value in prediction.items()}
    for step in steps:
        arrays['pred_label'] = step(arrays)
    raw = prediction['pred_label']
    labels = torch.from_numpy(arrays['pred_label']).to(raw)
    return {**prediction, 'pred_label': labels, 'raw_label': raw}
