"""Post-processing steps by name, with their options as plain values."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mmskelseg.runtime.decoding.filters import (
    median_filter,
    min_duration,
    refine_boundaries,
)
from mmskelseg.runtime.decoding.semi_markov import SegmentGrammar, viterbi
from mmskelseg.runtime.messages.errors import UserError, shown

# The largest exponent of a grammar's probabilities, beyond which no frame counts.
_MOST_WEIGHT = 1e6

#: The prediction for a video: ``pred_label`` (T,) after the previous steps,
#: ``pred_score`` (K, T) and other outputs of the model.
Prediction = Mapping[str, np.ndarray]
LabelFunction = Callable[[Prediction], np.ndarray]


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
    prediction: Prediction, *, grammar: Mapping[str, ArrayLike], weight: float
) -> np.ndarray:
    tables = {key: np.asarray(value, np.float64) for key, value in grammar.items()}
    longest = tables.pop('longest')
    if longest.ndim or longest != np.round(longest):
        raise UserError(f'SegmentGrammar: longest={longest}, but must be whole.')
    grammar_of_tables = SegmentGrammar(**tables, longest=int(longest))
    if not 0 < weight <= _MOST_WEIGHT:
        raise UserError(
            f'SemiMarkovViterbi: weight={weight}, but must be above 0 and up to '
            f'{_MOST_WEIGHT:g}.'
        )
    return viterbi(prediction['pred_score'], grammar_of_tables, weight=weight)


_STEPS: dict[str, Callable[..., np.ndarray]] = {
    'MinDuration': lambda p, *, frames: min_duration(
        p['pred_label'], p['pred_score'], frames
    ),
    'MedianFilter': lambda p, *, frames: median_filter(p['pred_label'], frames),
    'BoundaryRefinement': _refined,
    'SemiMarkovViterbi': _likeliest,
}


def run_step(prediction: Prediction, step: Mapping[str, object]) -> np.ndarray:
    """Return the labels (T,) after a step.

    Args:
        prediction: The output of the model and the previous steps.
        step: ``type`` and options: ``frames`` for ``MinDuration`` and ``MedianFilter``,
            ``threshold`` for ``BoundaryRefinement``, ``weight`` and ``grammar`` (the
            fields of :class:`SegmentGrammar`) for ``SemiMarkovViterbi``.

    Raises:
        UserError: If the step is unknown, its options are invalid, a probability is not
            finite, or labels and probabilities are of different lengths.
    """
    options = {key: value for key, value in step.items() if key != 'type'}
    kind = step.get('type')
    if not isinstance(kind, str) or kind not in _STEPS:
        raise UserError(
            f'There is no post-processing step {kind!r}; known are {", ".join(_STEPS)}.'
        )
    frames = len(prediction['pred_label'])
    if 'pred_score' in prediction and prediction['pred_score'].shape[-1] != frames:
        raise UserError(
            f'{kind}: there are {frames} labels, but probabilities of '
            f'{prediction["pred_score"].shape[-1]} frames; both need one for each '
            'frame.'
        )
    for name in ('pred_score', 'pred_boundary'):
        if name in prediction and not np.isfinite(prediction[name]).all():
            raise UserError(
                f'{kind}: {name} has values that are not finite, so the labels mean '
                'nothing; check the features of the video and the weights of the model.'
            )
    try:
        return _STEPS[kind](prediction, **options)
    except UserError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise UserError(
            f'{kind}: its options {shown(options, 80)} cannot be used ({shown(error)}).'
        ) from None


def decode(
    prediction: Prediction, steps: Sequence[Mapping[str, object] | LabelFunction] = ()
) -> dict[str, np.ndarray]:
    """Return a prediction with the labels that follow from its probabilities.

    Args:
        prediction: The output of the model, with ``pred_score`` (K, T).
        steps: Post-processing: options for :func:`run_step`, or functions that return
            the labels (T,) after a step.

    Returns:
        The prediction with ``pred_label`` (T,) and, if there are steps, ``raw_label``
        (T,), the most likely classes before them.

    >>> score = np.array([[0.9, 0.4, 0.9], [0.1, 0.6, 0.1]])
    >>> step = {'type': 'MedianFilter', 'frames': 3}
    >>> decoded = decode({'pred_score': score}, [step])
    >>> decoded['pred_label'], decoded['raw_label']
    (array([0, 0, 0]), array([0, 1, 0]))
    """
    likeliest = prediction['pred_score'].argmax(axis=0)
    result = {**prediction, 'pred_label': likeliest}
    for step in steps:
        labels = step(result) if callable(step) else run_step(result, step)
        result = {**result, 'pred_label': labels, 'raw_label': likeliest}
    return result
