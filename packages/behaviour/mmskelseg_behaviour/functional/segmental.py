"""Metrics over segments: edit score and segmental F1, in percent.

Functions raise a ``UserError`` (a ``ValueError``) if labels are empty, differ in length
or are impossible, or if no frame has a label.

Source: Lea et al., "Segmental Spatiotemporal CNNs" (ECCV 2016), Sec. 4, and Lea et
al., "Temporal Convolutional Networks" (CVPR 2017), Sec. 4.
"""

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from mmskelseg_behaviour.functional.segments import check_pair
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.segments import segment_table


def edit_score(
    pred: np.ndarray, gt: np.ndarray, background: int | None = None
) -> float:
    """Return the segmental edit score of one video, in percent.

    It compares the order of segments and ignores their lengths:
    ``100 * (1 - levenshtein(pred, gt) / max(segments))``.

    Args:
        pred: Predicted label of each frame, shape (T,).
        gt: Ground truth label of each frame, shape (T,); frames with -1 have no label
            and are removed from both.
        background: Class whose segments do not count. If both only have background,
            the score is 100.

    >>> edit_score(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    100.0
    >>> edit_score(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    50.0
    """
    pred_order, gt_order = (
        [label for label in segment_table(labels)[:, 2].tolist() if label != background]
        for labels in check_pair(pred, gt)
    )
    return 100 * Levenshtein.normalized_similarity(pred_order, gt_order)


def segmental_f1(
    pred: np.ndarray,
    gt: np.ndarray,
    overlap: float,
    background: int | None = None,
    last_frame: bool = True,
) -> float:
    """Return the segmental F1 score of one video at one overlap, in percent.

    Each predicted segment is matched to the true segment of its class with the highest
    intersection over union (IoU), the first one if several are equal. It is a true
    positive if the IoU is at least ``overlap`` and no earlier predicted segment matches
    the same true segment.

    Args:
        pred: Predicted label of each frame, shape (T,).
        gt: Ground truth label of each frame, shape (T,); frames with -1 have no label
            and are removed from both.
        overlap: Smallest IoU of a match, a fraction such as 0.1.
        background: Class whose segments do not count. If both only have background,
            the score is 100.
        last_frame: Whether the last frame counts; if not, the last segment ends one
            frame early, as in several public evaluators.

    >>> segmental_f1(np.array([0, 1, 1, 0]), np.array([0, 0, 1, 1]), 0.25)
    80.0
    """
    counts = segmental_counts(
        pred, gt, [overlap], background=background, last_frame=last_frame
    )
    return float(f1_from_counts(counts.sum(axis=1))[0])


def segmental_counts(
    pred: np.ndarray,
    gt: np.ndarray,
    overlaps: Sequence[float],
    *,
    num_classes: int | None = None,
    background: int | None = None,
    last_frame: bool = True,
) -> np.ndarray:
    """Return true positives, false positives and false negatives of one video.

    Args:
        pred: Predicted label of each frame, shape (T,).
        gt: Ground truth label of each frame, shape (T,).
        overlaps: Smallest IoUs of a match, fractions.
        num_classes: K; by default the highest label plus 1.
        background: Class whose segments do not count; its counts are 0.
        last_frame: See :func:`segmental_f1`.

    Returns:
        Counts of segments, shape (len(overlaps), K, 3).

    Raises:
        UserError: If an overlap is no fraction above 0.

    >>> segmental_counts(np.array([0, 0, 1, 0]), np.array([0, 0, 1, 1]), [0.5]).tolist()
    [[[1, 1, 0], [1, 0, 0]]]
    """
    for overlap in overlaps:
        if not 0 < overlap <= 1:
            raise UserError(
                f'overlap is {overlap}, but a fraction in (0, 1] is needed, '
                'such as 0.1 for F1@10.'
            )
    pred, gt = check_pair(pred, gt, num_classes)
    classes = num_classes or int(max(pred.max(), gt.max())) + 1
    pred_table, gt_table = segment_table(pred), segment_table(gt)
    if not last_frame:
        pred_table[-1, 1] -= 1
        gt_table[-1, 1] -= 1
    best, iou = match_segments(pred_table, gt_table)
    predicted = np.bincount(pred_table[:, 2], minlength=classes)
    actual = np.bincount(gt_table[:, 2], minlength=classes)
    counts = np.empty((len(overlaps), classes, 3), dtype=np.int64)
    for row, overlap in zip(counts, overlaps, strict=True):
        # If several predictions match a true segment, only the first one counts.
        matched = np.zeros(len(gt_table), dtype=bool)
        matched[best[iou >= overlap]] = True
        hits = np.bincount(gt_table[matched, 2], minlength=classes)
        row[:] = np.stack([hits, predicted - hits, actual - hits], axis=1)
    if background is not None:
        counts[:, background : background + 1] = 0
    return counts


def match_segments(
    pred_table: np.ndarray, gt_table: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best true segment of each predicted segment, and their IoU, each (P,).

    Both tables divide the same frames, so two segments overlap exactly if one of them
    starts inside the other: there are P + G candidates instead of P * G. If no true
    segment of the class overlaps, the IoU is 0.

    Args:
        pred_table: Rows (start, end, label) in temporal order, shape (P, 3).
        gt_table: Rows (start, end, label) in temporal order, shape (G, 3).
    """
    # Equal starts give a candidate twice, which has no effect. A stable sort merges the
    # two sorted halves, several times faster than np.union1d.
    starts = np.sort(np.concatenate((pred_table[:, 0], gt_table[:, 0])), kind='stable')
    pred_index = np.searchsorted(pred_table[:, 0], starts, side='right') - 1
    gt_index = np.searchsorted(gt_table[:, 0], starts, side='right') - 1
    pred_start, pred_end, pred_label = pred_table[pred_index].T
    gt_start, gt_end, gt_label = gt_table[gt_index].T
    shared = np.minimum(pred_end, gt_end) - np.maximum(pred_start, gt_start)
    covered = np.maximum(pred_end, gt_end) - np.minimum(pred_start, gt_start)
    # Without the last frame, the length of a segment may be 0, hence the 1.
    iou = np.where(pred_label == gt_label, shared / np.maximum(covered, 1), 0.0)
    # Candidates are in temporal order, and lexsort is stable.
    order = np.lexsort((-iou, pred_index))
    first = order[np.searchsorted(pred_index, np.arange(len(pred_table)))]
    return gt_index[first], iou[first]


def f1_from_counts(counts: np.ndarray) -> np.ndarray:
    """Return F1 in percent, shape (...), from counts (..., 3) of TP, FP and FN.

    If all three are 0, there is nothing to find and nothing was predicted: F1 is 100.

    >>> f1_from_counts(np.array([[2, 1, 1], [0, 3, 0], [0, 0, 0]])).round(1)
    array([ 66.7,   0. , 100. ])
    """
    hits = 2 * counts[..., 0]
    total = hits + counts[..., 1] + counts[..., 2]
    return 100 * np.where(total, hits, 1) / np.maximum(total, 1)
