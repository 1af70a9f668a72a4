"""Errors of a score of each frame, in the unit of the score or its square."""

import numpy as np

from mmskelseg.utils.errors import UserError


def frame_mse(pred: np.ndarray, gt: np.ndarray) -> float:
    """Return the mean squared error of one video's frames.

    Args:
        pred: Predicted score of each frame, shape (T,).
        gt: Annotated score of each frame, shape (T,).

    Raises:
        ValueError: If the two differ in shape, are empty or not finite.

    >>> frame_mse(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    """
    return float(np.mean(_differences(pred, gt) ** 2))


def frame_mae(pred: np.ndarray, gt: np.ndarray) -> float:
    """Return the mean absolute error of one video's frames.

    Args and errors are those of :func:`frame_mse`.

    >>> frame_mae(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    1.0
    """
    return float(np.mean(np.abs(_differences(pred, gt))))


def _differences(pred: np.ndarray, gt: np.ndarray) -> np.ndarray:
    pred, gt = np.asarray(pred, np.float64), np.asarray(gt, np.float64)
    if pred.shape != gt.shape or pred.ndim != 1 or not pred.size:
        raise UserError(
            f'pred has shape {pred.shape} and gt {gt.shape}, but both need a score of '
            'each frame, shape (T,), of the same frames.'
        )
    for name, values in (('pred', pred), ('gt', gt)):
        if not np.isfinite(values).all():
            raise UserError(
                f'{name} holds {(~np.isfinite(values)).sum()} values that are not '
                'finite; look for a loss that became NaN in training, or at the '
                'annotation file.'
            )
    return pred - gt
