"""Post-processing steps by name, with their options as plain values."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from mmskelseg_io.messages.errors import OF_CONTENT, UserError, shown
from mmskelseg_io.messages.options import hints_of, misfits
from mmskelseg_runtime.decoding.filters import (
    causal_min_duration,
    min_duration,
    refine_boundaries,
)
from mmskelseg_runtime.decoding.orders import action_order

#: The prediction for a video: ``pred_label`` (T,) after the previous steps,
#: ``pred_score`` (K, T) and other outputs of the model.
Outputs = Mapping[str, np.ndarray]
LabelFunction = Callable[[Outputs], np.ndarray]


#: The function of each step, and the predictions that it reads.
STEPS: dict[str, tuple[Callable[..., np.ndarray], Sequence[str]]] = {
    'MinDuration': (min_duration, ('pred_label', 'pred_score')),
    'CausalMinDuration': (causal_min_duration, ('pred_label',)),
    'ActionOrder': (action_order, ('pred_label', 'pred_score')),
    'BoundaryRefinement': (refine_boundaries, ('pred_label', 'pred_boundary')),
}


def run_step(prediction: Outputs, step: Mapping[str, object]) -> np.ndarray:
    """Return the labels (T,) after a step.

    Args:
        prediction: The output of the model and the previous steps.
        step: ``type`` and options: ``frames`` for ``MinDuration``
            and ``CausalMinDuration``, those of :func:`action_order` for
            ``ActionOrder``, ``threshold`` for ``BoundaryRefinement``.

    Raises:
        UserError: If the step is unknown, its options are invalid, a probability is not
            finite, or labels and probabilities are of different lengths.
    """
    options = {key: value for key, value in step.items() if key != 'type'}
    kind = step.get('type')
    if not isinstance(kind, str) or kind not in STEPS:
        raise UserError(
            f'There is no post-processing step {kind!r}; known: {", ".join(STEPS)}.'
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
    function, fields = STEPS[kind]
    if 'pred_boundary' in fields and 'pred_boundary' not in prediction:
        raise UserError(
            f'{kind} reads pred_boundary, which the model does not predict; add a '
            'BoundaryHead to its `auxiliary`.'
        )
    for problem in misfits(hints_of(function), options):
        raise UserError(f'{kind}: {problem}')
    try:
        return function(*(prediction[field] for field in fields), **options)
    except UserError:
        raise
    except OF_CONTENT as error:
        raise UserError(
            f'{kind}: its options {shown(options, 80)} cannot be used ({shown(error)}).'
        ) from None


Steps: TypeAlias = Sequence[Mapping[str, object] | LabelFunction]


def decode(
    prediction: Outputs,
    tiers: Sequence[int] | None = None,
    steps: Sequence[Steps] = (),
) -> dict[str, np.ndarray]:
    """Return a prediction with the labels that follow from its probabilities.

    Args:
        prediction: The output of the model, with ``pred_score`` (K, T).
        tiers: Number of classes of each of the G tiers, which add up to K; None for
            one.
        steps: The post-processing of each tier, if any: options for :func:`run_step`,
            or functions that return the labels (T,) after a step.

    Returns:
        The prediction with ``pred_label`` and, if there are steps, ``raw_label``, the
        most likely classes before them; (T,) for one tier and (G, T) for several.

    >>> score = np.array([[0.9, 0.4, 0.9], [0.1, 0.6, 0.1]])
    >>> step = {'type': 'CausalMinDuration', 'frames': 2}
    >>> decoded = decode({'pred_score': score}, steps=[[step]])
    >>> decoded['pred_label'], decoded['raw_label']
    (array([0, 0, 0]), array([0, 1, 0]))
    """
    sizes = tiers or [len(prediction['pred_score'])]
    scores = np.split(prediction['pred_score'], np.cumsum(sizes)[:-1])
    own = list(steps) or [()] * len(sizes)
    parts = [
        _labels({**prediction, 'pred_score': score}, each)
        for score, each in zip(scores, own, strict=True)
    ]
    if len(parts) == 1:
        return {**prediction, **parts[0]}
    found = {
        key: np.stack([part[key] for part in parts])
        for key in ('pred_label', 'raw_label')
        if all(key in part for part in parts)
    }
    return {**prediction, **found}


def _labels(prediction: Outputs, steps: Steps) -> dict[str, np.ndarray]:
    """Return the labels (T,) of a tier, and those before the steps if there are any."""
    likeliest = prediction['pred_score'].argmax(axis=0)
    result = {'pred_label': likeliest}
    for step in steps:
        given = {**prediction, **result}
        labels = step(given) if callable(step) else run_step(given, step)
        result = {'pred_label': labels, 'raw_label': likeliest}
    return result
