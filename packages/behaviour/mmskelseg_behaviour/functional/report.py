"""Reports: all scores of a set of videos or of a cross-validation, also as text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

import numpy as np
from scipy.linalg import block_diag

from mmskelseg_behaviour.functional.framewise import frame_recall
from mmskelseg_behaviour.functional.segmental import f1_from_counts
from mmskelseg_behaviour.functional.videos import EvaluatedVideos, Video
from mmskelseg_behaviour.scores import SCORES, Score, in_percent, score_of, video_scores
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.tables import text_table
from mmskelseg_io.structures.tiers import Tier

AVERAGES = ('pooled', 'video')


# Scores of one class, None if the class does not occur, and its sizes.
ClassScores = TypedDict(
    'ClassScores',
    {
        'ap': float | None,
        'f1@10': float | None,
        'recall': float | None,
        'segments': int,
        'frames': int,
    },
)


class Conventions(TypedDict):
    """The options of ``SegmentationMetric``, with the name of the background class."""

    average: str
    scores: str
    absent: str
    last_frame: bool
    background: str | None
    std: str


class Report(TypedDict, total=False):
    """The scores of a test, by name, ready for JSON; see :func:`evaluate_videos`.

    ``SegmentationMetric`` adds ``members``, the metrics of each member of an ensemble,
    and ``conventions``.
    """

    metrics: dict[str, float]
    per_video: dict[str, dict[str, float]]
    per_class: dict[str, ClassScores]
    confusion: list[list[int]]
    members: list[dict[str, float]]
    conventions: Conventions


class Spread(TypedDict):
    """Mean and standard deviation of a score; the latter is None for a single value."""

    mean: float
    std: float | None


class Spreads(TypedDict):
    """The spread of each score, and the number of values."""

    count: int
    scores: dict[str, Spread]


class Summary(TypedDict, total=False):
    """Means and deviations over the runs of a cross-validation.

    See :func:`summarize_runs`. ``ensemble`` is the summary of the ensembles over seeds,
    with their reports as ``runs``.
    """

    folds: list[str]
    seeds: list[int]
    over_folds: Spreads
    over_videos: Spreads
    over_seeds: Spreads
    ensemble: 'Summary'
    runs: Sequence[Mapping[str, object]]


def evaluate_videos(
    videos: Mapping[str, Video],
    classes: Sequence[str],
    *,
    background: int | None = None,
    average: str = 'pooled',
    absent: str = 'skip',
    last_frame: bool = True,
) -> Report:
    """Return all scores of a set of videos, in percent.

    Args:
        videos: Labels and scores by the video's id; each has a labelled frame.
        classes: Names of the K classes in the order of their ids.
        background: Class whose segments do not count in edit score and F1.
        average: 'pooled' counts frames and segments of all videos together (edit
            score: the mean over videos), 'video' takes the mean over videos.
        absent: How to treat a class without true frames in mAP: 'skip' or 'zero'.
        last_frame: See :func:`~.segmental.segmental_f1`.

    Returns:
        ``metrics`` (name → score, and ``name_std``, the standard deviation over
        videos), ``per_video`` (id → its scores), ``per_class`` (name → ap, f1@10,
        recall and sizes; None if the class does not occur) and ``confusion`` (K, K),
        frames by true (rows) and predicted class.

    Raises:
        UserError: If there is no video, or ``average`` is something else.
    """
    if not videos:
        raise UserError('There is no video to evaluate; at least one is needed.')
    if average not in AVERAGES:
        raise UserError(f"average is {average!r}, but must be 'pooled' or 'video'.")
    evaluated = EvaluatedVideos(
        list(videos.values()), len(classes), background, absent, last_frame
    )
    found = {
        key: np.asarray(score.of_videos(evaluated), float)
        for key, score in SCORES.items()
        if score.of_videos is not None
    }
    overall = {key: values.mean() for key, values in found.items()}
    for key, score in SCORES.items():
        if score.pooled and (average == 'pooled' or key not in found):
            overall[key] = score.pooled(evaluated)
    return {
        'metrics': {
            **{key: float(overall[key]) for key in SCORES},
            **{f'{key}_std': float(values.std()) for key, values in found.items()},
        },
        'per_video': {
            name: {key: float(values[i]) for key, values in found.items()}
            for i, name in enumerate(videos)
        },
        'per_class': _per_class(classes, evaluated),
        'confusion': evaluated.confusion.tolist(),
    }


def of_tier(report: Report, tier: Tier) -> Report:
    """Return a tier's report; of one class and its absence, mAP is the class's AP."""
    if tier.name and len(tier.classes) == 2 and tier.background is not None:
        name = tier.classes[1 - tier.background]
        report['metrics']['mAP'] = report['per_class'][name]['ap'] or 0.0
    return report


def merge_tiers(reports: Mapping[str, Report]) -> Report:
    """Return the scores of several tiers as one report, with their means.

    ``metrics`` and ``per_video`` have means over the tiers that have labels, and
    ``TIER/NAME`` of each tier; deviations are those of the means in each video;
    ``per_class`` names classes ``TIER: CLASS``. The report of a tier without a name,
    the only one, is returned as it is.

    Args:
        reports: The report of each tier, by its name.
    """
    if '' in reports:
        return reports['']
    merged: Report = {
        'metrics': _joined({n: r['metrics'] for n, r in reports.items()}),
        'per_video': {},
        'per_class': {
            f'{tier}: {name}': row
            for tier, report in reports.items()
            for name, row in report['per_class'].items()
        },
        'confusion': block_diag(*(r['confusion'] for r in reports.values())).tolist(),
    }
    for video in dict.fromkeys(v for r in reports.values() for v in r['per_video']):
        rows = {n: r['per_video'].get(video) for n, r in reports.items()}
        merged['per_video'][video] = _joined({n: row for n, row in rows.items() if row})
    for name in video_scores():
        values = [row[name] for row in merged['per_video'].values()]
        merged['metrics'][f'{name}_std'] = float(np.std(values))
    members = [report['members'] for report in reports.values() if 'members' in report]
    if members:
        merged['members'] = [
            _joined(dict(zip(reports, rows, strict=True)))
            for rows in zip(*members, strict=True)
        ]
    return merged


def _joined(rows: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the means of the scores of tiers, and those of each tier."""
    own = {f'{tier}/{k}': v for tier, row in rows.items() for k, v in row.items()}
    return {**_mean(rows.values()), **own}


def _per_class(
    classes: Sequence[str], evaluated: EvaluatedVideos
) -> dict[str, ClassScores]:
    """Return the scores of each class; None for those that are undefined."""
    counts, confusion = evaluated.counts[:, 0].sum(axis=0), evaluated.confusion
    f1 = np.where(counts.any(axis=1), f1_from_counts(counts), np.nan)
    scores = np.stack([evaluated.ap, f1, frame_recall(confusion)], axis=1)
    segments = counts[:, 0] + counts[:, 2]
    rows = [[None if np.isnan(x) else float(x) for x in row] for row in scores]
    return {
        name: {
            'ap': row[0],
            'f1@10': row[1],
            'recall': row[2],
            'segments': int(segments[index]),
            'frames': int(confusion[index].sum()),
        }
        for index, (name, row) in enumerate(zip(classes, rows, strict=True))
    }


def format_report(report: Report) -> str:
    """Return ``SegmentationMetric.report`` as aligned tables, with its conventions."""
    metrics, conventions = report['metrics'], report['conventions']
    videos = len(report['per_video'])
    tiers = [key.removesuffix('/acc') for key in metrics if key.endswith('/acc')]
    has_raw = 'raw_acc' in metrics
    header = ['', 'score', *[''] * (videos > 1)]
    header += [*['before post-processing'] * has_raw, *tiers]
    rows = []
    for key, score in SCORES.items():
        row = [score.title, score.text(metrics[key])]
        if videos > 1:
            std = metrics.get(f'{key}_std')
            row.append('' if std is None else f'± {score.text(std)}')
        if has_raw:
            row.append(score.text(metrics.get(f'raw_{key}', metrics[key])))
        row += [score.text(metrics[f'{tier}/{key}']) for tier in tiers]
        rows.append(row)
    classes = [
        [
            name,
            *map(_cell, (row['ap'], row['f1@10'], row['recall'])),
            str(row['segments']),
            str(row['frames']),
        ]
        for name, row in report['per_class'].items()
    ]
    return '\n'.join(
        [
            f'Scores of {counted(videos, "video")} {in_percent(SCORES.values())}, '
            f'{_averaged(conventions["average"])}; '
            f'{"± standard deviation over videos; " * (videos > 1)}'
            f'{"means over tiers; " * bool(tiers)}'
            f'background: {conventions["background"] or "none"}',
            *text_table([header, *rows]),
            '',
            'By class, in percent (a dash: not in these videos):',
            *text_table(
                [['', 'AP', 'F1@10', 'recall', 'segments', 'frames'], *classes]
            ),
        ]
    )


def format_members(report: Report, names: Sequence[str]) -> str:
    """Return the scores of an ensemble and of each of its members as a table.

    Args:
        report: The report of ``SegmentationMetric`` for an ensemble, with ``members``.
        names: Name of each member.
    """
    rows = {f'ensemble of {len(names)}': report['metrics']}
    rows |= dict(zip(names, report['members'], strict=True))
    cells = [
        [name, *(score.text(row[key]) for key, score in SCORES.items())]
        for name, row in rows.items()
    ]
    head = ['', *(score.title for score in SCORES.values())]
    unit = in_percent(SCORES.values())
    title = f'The ensemble and each of its members, {unit}:'
    return '\n'.join([title, *text_table([head, *cells])])


def _averaged(average: str) -> str:
    """Return in words how scores of videos become one."""
    means = [s.title for s in SCORES.values() if s.of_videos and s.pooled is None]
    if average == 'video':
        return 'mean over videos'
    return (
        f'over all frames and segments together ({", ".join(means)}: mean over videos)'
    )


def _cell(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def summarize_runs(runs: Mapping[tuple[str, int], Report]) -> Summary:
    """Return mean and standard deviation over folds, over videos and over seeds.

    - ``over_folds``: over the folds, of each fold's mean over seeds.
    - ``over_videos``: over the test videos of all folds, of each video's mean over
      seeds. A video that is tested in several folds counts once for each. mAP is not
      included, since it is not defined for a single video.
    - ``over_seeds``: over the seeds, of each seed's mean over folds.

    Standard deviations are numpy's, without Bessel's correction; None for one value.

    Args:
        runs: The report of each (fold, seed), with ``metrics`` and ``per_video``.

    Returns:
        ``folds``, ``seeds``, and for each of the names above ``count`` and ``scores``
        (name → ``mean`` and ``std``).

    Raises:
        ValueError: If there is no run, or the run of a fold and seed is missing, since
            means would then be over different folds.

    >>> runs = {
    ...     (fold, 0): {'metrics': {'acc': acc}, 'per_video': {fold: {'acc': acc}}}
    ...     for fold, acc in (('a', 80.0), ('b', 90.0))
    ... }
    >>> summarize_runs(runs)['over_folds']
    {'count': 2, 'scores': {'acc': {'mean': 85.0, 'std': 5.0}}}
    """
    folds = list(dict.fromkeys(fold for fold, _ in runs))
    seeds = list(dict.fromkeys(seed for _, seed in runs))
    if not runs:
        raise UserError('There is no run to summarize; at least one is needed.')
    for fold in folds:
        for seed in seeds:
            if (fold, seed) not in runs:
                raise UserError(
                    f'Fold {fold} was not run with seed {seed}, but others were; run '
                    'every fold with every seed.'
                )
    metrics = {run: content['metrics'] for run, content in runs.items()}
    by_fold = [_mean(metrics[fold, seed] for seed in seeds) for fold in folds]
    by_seed = [_mean(metrics[fold, seed] for fold in folds) for seed in seeds]
    by_video = [
        _mean(runs[fold, seed]['per_video'][frame_dir] for seed in seeds)
        for fold in folds
        for frame_dir in runs[fold, seeds[0]]['per_video']
    ]
    return {
        'folds': folds,
        'seeds': seeds,
        'over_folds': _spread(by_fold),
        'over_videos': _spread(by_video),
        'over_seeds': _spread(by_seed),
    }


def format_summary(summary: Summary) -> str:
    """Return a summary of :func:`summarize_runs` as a Markdown table.

    If it has ``ensemble``, the summary of the ensembles over all seeds, one per fold,
    each score of the ensemble gets a row, too.
    """
    columns = {
        f'over {counted(spreads["count"], unit)}{rest}': spreads['scores']
        for spreads, unit, rest in (
            (summary['over_folds'], 'fold', ' (each the mean over seeds)'),
            (
                summary['over_videos'],
                'video',
                ' of all folds (each the mean over seeds)',
            ),
            (summary['over_seeds'], 'seed', ' (each the mean over folds)'),
        )
    }
    rows = [['Score', *columns], ['---'] * 4]
    known = {name: score_of(name) for name in summary['over_folds']['scores']}
    for name, score in known.items():
        cells = (format_score(scores.get(name), score) for scores in columns.values())
        rows.append([score.title, *cells])
    if 'ensemble' in summary:
        over_folds = summary['ensemble']['over_folds']['scores']
        over_videos = summary['ensemble']['over_videos']['scores']
        title = f'ensemble of {counted(len(summary["seeds"]), "seed")}'
        for name in over_folds:
            score = score_of(name)
            values = over_folds[name], over_videos.get(name), None
            cells = (format_score(value, score) for value in values)
            rows.append([f'{score.title}, {title}', *cells])
    return '\n'.join(
        [
            f'Mean ± standard deviation, scores {in_percent(known.values())}, last '
            f'epoch; folds: {", ".join(summary["folds"])}; '
            f'seeds: {", ".join(map(str, summary["seeds"]))}.',
            '',
            *(f'| {" | ".join(row)} |' for row in rows),
        ]
    )


def format_score(spread: Spread | None, score: Score = SCORES['acc']) -> str:
    """Return the mean of a score with its standard deviation, if it has one.

    >>> format_score({'mean': 93.824, 'std': 2.9})
    '93.82 ± 2.90'
    """
    if spread is None:
        return '-'
    std = spread.get('std')
    return score.text(spread['mean']) + ('' if std is None else f' ± {score.text(std)}')


def _mean(scores: Iterable[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean(values)) for name, values in _by_name(scores).items()}


def _spread(scores: list[dict[str, float]]) -> Spreads:
    spread: dict[str, Spread] = {}
    for name, values in _by_name(scores).items():
        std = float(np.std(values)) if len(values) > 1 else None
        spread[name] = {'mean': float(np.mean(values)), 'std': std}
    return {'count': len(scores), 'scores': spread}


def _by_name(scores: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return the values of each score; those of a tier are missing without labels."""
    values: dict[str, list[float]] = {}
    for row in scores:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return values
