"""Metrics over single frames.

Accuracy, average precision and recall are in percent; errors of a frame-wise score are
in the unit of the score, or its square.

Functions raise a ``UserError`` (a ``ValueError``) if arrays are empty, differ in length
or hold impossible values, or if no frame has a label.
"""

import numpy as np

from mmskelseg_behaviour.functional.segments import check_pair, check_truth
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.segments import IGNORED


def frame_accuracy(pred: np.ndarray, gt: np.ndarray) -> float:
    """Return the percentage of labelled frames that are predicted correctly.

    Args:
        pred: Predicted label of each frame, shape (T,).
        gt: Ground truth label of each frame, shape (T,); frames with -1 have no label
            and do not count.

    >>> frame_accuracy(np.array([0, 1, 1, 2, 0]), np.array([0, 1, 2, 2, -1]))
    75.0
    """
    pred, gt = check_pair(pred, gt)
    labelled = gt != IGNORED
    return 100 * float(np.mean(pred[labelled] == gt[labelled]))


def confusion_matrix(pred: np.ndarray, gt: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the number of frames by true and predicted class, shape (K, K).

    Rows are true classes, columns predicted ones; frames without a label do not count.

    Args:
        pred: Predicted label of each frame, shape (T,), below K.
        gt: Ground truth label of each frame, shape (T,), below K.
        num_classes: K.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    pred, gt = check_pair(pred, gt, num_classes)
    labelled = gt != IGNORED
    cells = np.bincount(
        gt[labelled] * num_classes + pred[labelled], minlength=num_classes**2
    )
    return cells.reshape(num_classes, num_classes)


def frame_recall(confusion: np.ndarray) -> np.ndarray:
    """Return the percentage of each class's frames that are predicted correctly, (K,).

    It is NaN for a class without true frames. Rows of the confusion matrix (K, K) are
    true classes, columns predicted ones.

    >>> frame_recall(np.array([[1, 3], [0, 0]]))
    array([25., nan])
    """
    frames = confusion.sum(axis=1)
    hits = np.where(frames > 0, confusion.diagonal(), np.nan)
    return 100 * hits / np.maximum(frames, 1)


def check_scores(scores: np.ndarray, frames: int) -> np.ndarray:
    """Return scores (K, T) as an array, after checking them for T frames.

    Raises:
        UserError: If they have another shape, or are not finite.
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or scores.shape[1] != frames:
        raise UserError(
            f'scores has shape {scores.shape}, but (K, {frames}) is needed for '
            f'{frames} labels.'
        )
    wrong = ~np.isfinite(scores)
    if wrong.any():
        raise UserError(
            f'scores holds {wrong.sum()} values that are not finite, such as '
            f'{scores[wrong][0]}; look for a loss that became NaN in training.'
        )
    return scores


def frame_ap(scores: np.ndarray, gt: np.ndarray) -> np.ndarray:
    """Return each class's average precision over frames, in percent, shape (K,).

    Frames are ranked by their score for the class; scores of several videos are
    concatenated along the last axis, not averaged. It is NaN for a class without true
    frames.

    Args:
        scores: Score of each class in each frame, shape (K, T). Probabilities and
            logits rank frames differently and give different results.
        gt: Ground truth label of each frame, shape (T,); frames with -1 have no label
            and do not count.
    """
    scores = check_scores(scores, len(gt))
    gt = check_truth(gt, len(scores))
    labelled = gt != IGNORED
    gt = gt[labelled]
    ap = np.full(len(scores), np.nan)
    for label in np.flatnonzero(np.bincount(gt, minlength=len(scores))):
        # One class at a time, to save a second array (K, T).
        ap[label] = 100 * _average_precision(scores[label, labelled], gt == label)
    return ap


def _average_precision(scores: np.ndarray, hits: np.ndarray) -> float:
    """Return the average precision of a ranking of frames, a fraction.

    It is the mean, over all hits, of the precision among the frames that score at least
    as high. Frames of equal score are added together, as in scikit-learn's
    ``average_precision_score``.
    """
    thresholds = np.sort(scores[hits])
    found = len(thresholds) - np.searchsorted(thresholds, thresholds)
    kept = len(scores) - np.searchsorted(np.sort(scores), thresholds)
    return float(np.mean(found / kept))


def frame_map(scores: np.ndarray, gt: np.ndarray, absent: str = 'skip') -> float:
    """Return the mean over classes of the frame-level average precision, in percent.

    Args:
        scores: Score of each class in each frame, shape (K, T).
        gt: Ground truth label of each frame, shape (T,); frames with -1 have no label
            and do not count.
        absent: How to treat a class without true frames: 'skip' excludes it from the
            mean, 'zero' counts it as 0.

    >>> scores = np.array([[0.9, 0.8, 0.1], [0.1, 0.2, 0.9], [0.0, 0.0, 0.0]])
    >>> frame_map(scores, np.array([0, 0, 1]))
    100.0
    >>> round(frame_map(scores, np.array([0, 0, 1]), absent='zero'), 2)
    66.67
    """
    return mean_ap(frame_ap(scores, gt), absent)


def mean_ap(ap: np.ndarray, absent: str = 'skip') -> float:
    """Return the mean of a result of :func:`frame_ap`, (K,); see :func:`frame_map`.

    Raises:
        UserError: If ``absent`` is neither 'skip' nor 'zero'.
    """
    if absent not in ('skip', 'zero'):
        raise UserError(f"absent is {absent!r}, but must be 'skip' or 'zero'.")
    return float(np.nanmean(ap) if absent == 'skip' else np.nan_to_num(ap).mean())


def frame_mse(pred: np.ndarray, gt: np.ndarray) -> float:
    """Return the mean squared error over one video's frames.

    Args:
        pred: Predicted score of each frame, shape (T,).
        gt: Ground truth score of each frame, shape (T,).

    >>> frame_mse(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    2.0
    """
    return float(np.mean(_differences(pred, gt) ** 2))


def frame_mae(pred: np.ndarray, gt: np.ndarray) -> float:
    """Return the mean absolute error over one video's frames; see :func:`frame_mse`.

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
        if wrong := np.count_nonzero(~np.isfinite(values)):
            raise UserError(
                f'{name} holds {wrong} values that are not finite; look for a loss '
                'that became NaN in training, or at the annotation file.'
            )
    return pred - gt
