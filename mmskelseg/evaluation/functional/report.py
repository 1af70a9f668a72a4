"""All scores of a set of videos: over the set, per video and per class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmskelseg.evaluation.functional.framewise import (
    confusion_matrix,
    frame_accuracy,
    frame_ap,
    frame_recall,
    mean_ap,
)
from mmskelseg.evaluation.functional.segmental import (
    edit_score,
    f1_from_counts,
    segmental_counts,
)
from mmskelseg.utils.errors import UserError

OVERLAPS = {'f1@10': 0.10, 'f1@25': 0.25, 'f1@50': 0.50}
NAMES = ('acc', 'edit', *OVERLAPS)


@dataclass(frozen=True)
class Video:
    """Labels and scores of one video: pred (T,), gt (T,), scores (K, T)."""

    pred: np.ndarray
    gt: np.ndarray
    scores: np.ndarray


def evaluate_videos(
    videos: Mapping[str, Video],
    classes: Sequence[str],
    *,
    background: int | None = None,
    average: str = 'pooled',
    absent: str = 'skip',
    last_frame: bool = True,
) -> dict[str, Any]:
    """Return every score of a set of videos, in percent, ready for JSON.

    Args:
        videos: Labels and scores by the video's id; each has a labelled frame.
        classes: Names of the K classes in the order of their ids.
        background: Class whose segments do not count in edit score and F1.
        average: 'pooled' counts frames and segments of all videos together (edit
            score: the mean over videos), 'video' takes the mean over videos.
        absent: What a class without true frames counts in mAP: 'skip' or 'zero'.
        last_frame: See :func:`~.segmental.segmental_f1`.

    Returns:
        ``metrics`` (name → score, and ``name_std``, the standard deviation over
        videos), ``per_video`` (id → its scores), ``per_class`` (name → ap,
        f1@10, recall and sizes; None where the class does not occur) and
        ``confusion`` (K, K), frames by true (rows) and predicted class.

    Raises:
        ValueError: As the functions for single videos, or if ``videos`` is empty or
            ``average`` another word.
    """
    if average not in ('pooled', 'video'):
        raise UserError(f"average is {average!r}, but must be 'pooled' or 'video'.")
    if not videos:
        raise UserError('There is no video to evaluate; at least one is needed.')
    counts = np.stack(
        [
            segmental_counts(
                video.pred,
                video.gt,
                list(OVERLAPS.values()),
                num_classes=len(classes),
                background=background,
                last_frame=last_frame,
            )
            for video in videos.values()
        ]
    )  # (V, O, K, 3)
    table = np.column_stack(
        [
            [frame_accuracy(video.pred, video.gt) for video in videos.values()],
            [edit_score(video.pred, video.gt, background) for video in videos.values()],
            f1_from_counts(counts.sum(axis=2)),
        ]
    )  # (V, 2 + O)
    confusion = np.sum(
        [confusion_matrix(v.pred, v.gt, len(classes)) for v in videos.values()], axis=0
    )
    ap = frame_ap(
        np.concatenate([video.scores for video in videos.values()], axis=1),
        np.concatenate([video.gt for video in videos.values()]),
    )
    overall = table.mean(axis=0)
    if average == 'pooled':
        overall[0] = 100 * confusion.trace() / confusion.sum()
        overall[2:] = f1_from_counts(counts.sum(axis=(0, 2)))
    names_std = [f'{name}_std' for name in NAMES]
    return {
        'metrics': {
            **dict(zip(NAMES, overall.tolist(), strict=True)),
            'mAP': mean_ap(ap, absent),
            **dict(zip(names_std, table.std(axis=0).tolist(), strict=True)),
        },
        'per_video': {
            frame_dir: dict(zip(NAMES, row, strict=True))
            for frame_dir, row in zip(videos, table.tolist(), strict=True)
        },
        'per_class': _per_class(classes, ap, counts.sum(axis=0)[0], confusion),
        'confusion': confusion.tolist(),
    }


def _per_class(
    classes: Sequence[str], ap: np.ndarray, counts: np.ndarray, confusion: np.ndarray
) -> dict[str, dict[str, float | int | None]]:
    """Return the rows of the per-class table; a score that does not exist is None."""
    f1 = np.where(counts.any(axis=1), f1_from_counts(counts), np.nan)
    scores = np.stack([ap, f1, frame_recall(confusion)], axis=1)
    segments = counts[:, 0] + counts[:, 2]
    return {
        name: {
            **{
                key: None if np.isnan(value) else float(value)
                for key, value in zip(('ap', 'f1@10', 'recall'), row, strict=True)
            },
            'segments': int(segments[index]),
            'frames': int(confusion[index].sum()),
        }
        for index, (name, row) in enumerate(zip(classes, scores, strict=True))
    }
