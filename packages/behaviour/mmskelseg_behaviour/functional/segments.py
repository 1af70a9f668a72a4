"""Checks of labels, shared by all metrics.

The label -1 means "no label"; such frames are removed from both prediction and ground
truth.
"""

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.segments import IGNORED, check_labels


def check_truth(gt: np.ndarray, num_classes: int | None = None) -> np.ndarray:
    """Return ground truth labels as int64, shape (T,), after checking them.

    Raises:
        UserError: If no frame has a label, or a label is neither -1 nor a class.
    """
    gt = check_labels(gt, 'gt')
    if not gt.size:
        raise UserError('gt is empty, but at least one frame is needed.')
    if (gt == IGNORED).all():
        raise UserError(
            f'gt has a label in none of its {gt.size} frames (all are -1); '
            'remove this video.'
        )
    _check_range(gt[gt != IGNORED], 'gt', num_classes)
    return gt


def check_pair(
    pred: np.ndarray, gt: np.ndarray, num_classes: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return both label sequences as int64, with the prediction -1 where ``gt`` is -1.

    Raises:
        UserError: If the lengths differ, or as :func:`check_truth` does.
    """
    pred, gt = check_labels(pred, 'pred'), check_labels(gt, 'gt')
    if pred.size != gt.size:
        raise UserError(
            f'pred has {pred.size} frames, but gt has {gt.size}; '
            'both must come from the same frames.'
        )
    gt = check_truth(gt, num_classes)
    labelled = gt != IGNORED
    _check_range(pred[labelled], 'pred', num_classes)
    return np.where(labelled, pred, IGNORED), gt


def _check_range(labels: np.ndarray, name: str, num_classes: int | None) -> None:
    wrong = labels < 0
    if num_classes is not None:
        wrong |= labels >= num_classes
    if wrong.any():
        last = 'K-1' if num_classes is None else num_classes - 1
        raise UserError(
            f'{name} holds the label {labels[wrong][0]}, but class ids run from 0 to '
            f'{last}; only gt may hold -1, for frames without a label.'
        )
