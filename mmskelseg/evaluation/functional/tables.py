"""Reports of :func:`~.report.evaluate_videos` as text."""

from collections.abc import Sequence
from typing import Any

from mmskelseg.evaluation.functional.report import NAMES

AVERAGES = {
    'pooled': 'over all frames and segments together (edit: mean over videos)',
    'video': 'mean over videos',
}


def format_report(report: dict[str, Any]) -> str:
    """Return two aligned tables, of the scores and of the classes, and what they mean.

    Args:
        report: ``SegmentationMetric.report``.
    """
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
            f'{"± standard deviation over videos; " if videos > 1 else ""}'
            f'background: {conventions["background"] or "none"}',
            *align([['', 'score', ''][: len(scores[0])], *scores]),
            '',
            'By class, in percent (a dash: not in these videos):',
            *align([['', 'AP', 'F1@10', 'recall', 'segments', 'frames'], *classes]),
        ]
    )


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines of equal columns, the first to the left, others right.

    >>> align([['', 'AP'], ['walk', '9.5']])
    ['       AP', 'walk  9.5']
    """
    first, *rest = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        '  '.join(
            [
                row[0].ljust(first),
                *(cell.rjust(width) for cell, width in zip(row[1:], rest, strict=True)),
            ]
        ).rstrip()
        for row in rows
    ]


def _cell(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'
