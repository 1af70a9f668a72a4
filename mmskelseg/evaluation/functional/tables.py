"""Reports of :func:`~.report.evaluate_videos` as text."""

from typing import Any

from mmskelseg.evaluation.functional.report import NAMES
from mmskelseg.utils.tables import text_table

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
