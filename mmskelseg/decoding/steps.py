"""Steps of post-processing by name, with their options as plain values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mmskelseg.decoding.filters import median_filter, min_duration, refine_boundaries
from mmskelseg.decoding.semi_markov import SegmentGrammar, viterbi
from mmskelseg.utils.errors import UserError

# Of a segment in frames: more than a day.
_LONGEST = 10**7
#: ``pred_label`` (T,) of a video as the steps before left it, ``pred_score`` (K, T) and
#: what else the model predicts.
Prediction = Mapping[str, np.ndarray]


def _refined(prediction: Prediction, *, threshold: float) -> np.ndarray:
    if 'pred_boundary' not in prediction:
        raise UserError(
            'BoundaryRefinement reads pred_boundary, which the model does not '
            'predict; give it a `boundary_head`.'
        )
    return refine_boundaries(
        prediction['pred_label'], prediction['pred_boundary'], threshold
    )


def _likeliest(
    prediction: Prediction, *, grammar: Mapping[str, Any], weight: float
) -> np.ndarray:
    tables = {key: np.asarray(value, np.float64) for key, value in grammar.items()}
    longest = int(tables.pop('longest'))
    if not 0 < longest <= _LONGEST:
        raise UserError(
            f'SemiMarkovViterbi: a segment of {longest} frames is too long.'
        )
    grammar_of_tables = SegmentGrammar(**tables, longest=longest)
    return viterbi(prediction['pred_score'], grammar_of_tables, weight=weight)


_STEPS: dict[str, Callable[..., np.ndarray]] = {
    'MinDuration': lambda p, *, frames: min_duration(
        p['pred_label'], p['pred_score'], frames
    ),
    'MedianFilter': lambda p, *, frames: median_filter(p['pred_label'], frames),
    'BoundaryRefinement': _refined,
    'SemiMarkovViterbi': _likeliest,
}


def run_step(prediction: Prediction, step: Mapping[str, Any]) -> np.ndarray:
    """Return the labels (T,) after a step.

    Args:
        prediction: What the model and the steps before predict.
        step: ``type`` and options: ``frames`` of ``MinDuration`` and ``MedianFilter``,
            ``threshold`` of ``BoundaryRefinement``, ``weight`` and ``grammar``, the
            fields of :class:`SegmentGrammar`, of ``SemiMarkovViterbi``.

    Raises:
        UserError: If there is no such step, or its options are others.
    """
    options = {key: value for key, value in step.items() if key != 'type'}
    kind = step.get('type')
    if kind not in _STEPS:
        raise UserError(
            f'There is no step of post-processing {kind!r}; known are '
            f'{", ".join(_STEPS)}.'
        )
    try:
        return _STEPS[kind](prediction, **options)
    except UserError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise UserError(
            f'{kind}: its options {str(options)[:80]} cannot be used ({error}).'
        ) from None


def run_steps(
    prediction: Prediction, steps: Sequence[Mapping[str, Any]]
) -> dict[str, np.ndarray]:
    """Return a prediction whose ``pred_label`` is that after all steps."""
    result = dict(prediction)
    for step in steps:
        result['pred_label'] = run_step(result, step)
    return result
