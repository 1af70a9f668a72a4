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
from mmskelseg.utils.tables import text_table

OVERLAPS = {'f1@10': 0.10, 'f1@25': 0.25, 'f1@50': 0.50}
NAMES = ('acc', 'edit', *OVERLAPS)
AVERAGES = {
    'pooled': 'over all frames and segments together (edit: mean over videos)',
    'video': 'mean over videos',
}


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
    pairs = [(video.pred, video.gt) for video in videos.values()]
    counts = np.stack(
        [
            segmental_counts(
                *pair,
                list(OVERLAPS.values()),
                num_classes=len(classes),
                background=background,
                last_frame=last_frame,
            )
            for pair in pairs
        ]
    )  # (V, O, K, 3)
    table = np.column_stack(
        [
            [frame_accuracy(*pair) for pair in pairs],
            [edit_score(*pair, background) for pair in pairs],
            f1_from_counts(counts.sum(axis=2)),
        ]
    )  # (V, 2 + O)
    confusion = np.sum([confusion_matrix(*p, len(classes)) for p in pairs], axis=0)
    ap = frame_ap(
        np.concatenate([video.scores for video in videos.values()], axis=1),
        np.concatenate([gt for _, gt in pairs]),
    )
    overall = table.mean(axis=0)
    if average == 'pooled':
        overall[0] = 100 * confusion.trace() / confusion.sum()
        overall[2:] = f1_from_counts(counts.sum(axis=(0, 2)))
    spread = zip(NAMES, table.std(axis=0).tolist(), strict=True)
    return {
        'metrics': {
            **dict(zip(NAMES, overall.tolist(), strict=True)),
            'mAP': mean_ap(ap, absent),
            **{f'{name}_std': std for name, std in spread},
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
    """Return the scores of each class; None where one does not exist."""
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


def format_report(report: dict[str, Any]) -> str:
    """Return ``SegmentationMetric.report`` as aligned tables, and the conventions."""
    metrics, conventions = report['metrics'], report['conventions']
    videos = len(report['per_video'])
    scores = [[name, f'{metrics[name]:.2f}'] for name in (*NAMES, 'mAP')]
    if videos > 1:
        for row in scores[: len(NAMES)]:
            row.append(f'± {metrics[f"{row[0]}_std"]:.2f}')
        scores[-1].append('')
    classes = [
        [
            name,
            *(_cell(row[key]) for key in ('ap', 'f1@10', 'recall')),
            str(row['segments']),
            str(row['frames']),
        ]
        for name, row in report['per_class'].items()
    ]
    return '\n'.join(
        [
            f'Scores of {videos} video{"s" if videos > 1 else ""} in percent, '
            f'{AVERAGES[conventions["average"]]}; '
            f'{"± standard deviation over videos; " * (videos > 1)}'
            f'background: {conventions["background"] or "none"}',
            *text_table([['', 'score', ''][: len(scores[0])], *scores]),
            '',
            'By class, in percent (a dash: not in these videos):',
            *text_table(
                [['', 'AP', 'F1@10', 'recall', 'segments', 'frames'], *classes]
            ),
        ]
    )


def _cell(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'
