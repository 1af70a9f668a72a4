"""Means and deviations of the scores of a cross-validation, by what they run over."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mmskelseg.utils.errors import UserError


def summarize_runs(runs: Mapping[tuple[str, int], Mapping[str, Any]]) -> dict[str, Any]:
    """Return mean and standard deviation over folds, over videos and over seeds.

    - ``over_folds``: over the folds, of each fold's mean over seeds.
    - ``over_videos``: over the test videos of all folds, of each video's mean over
      seeds. A video that several folds test counts once for each. Without mAP, which
      a single video does not have.
    - ``over_seeds``: over the seeds, of each seed's mean over folds.

    Deviations are numpy's, without Bessel's correction; that of a single value is None.

    Args:
        runs: What each (fold, seed) gave: ``metrics`` (name → score) and ``per_video``
            (id → name → score).

    Returns:
        ``folds``, ``seeds``, and by each of the names above ``count`` and ``scores``
        (name → ``mean`` and ``std``).

    Raises:
        ValueError: If there is no run, or that of a fold and seed is missing, since a
            mean over those at hand would compare different folds.

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


def format_summary(summary: Mapping[str, Any]) -> str:
    """Return a summary of :func:`summarize_runs` as a Markdown table."""
    columns = {
        f'over {_number(summary[key]["count"], unit)}{rest}': summary[key]['scores']
        for key, unit, rest in (
            ('over_folds', 'fold', ' (each the mean over seeds)'),
            ('over_videos', 'video', ' of all folds (each the mean over seeds)'),
            ('over_seeds', 'seed', ' (each the mean over folds)'),
        )
    }
    rows = [['Score', *columns], ['---'] * 4]
    for name in summary['over_folds']['scores']:
        cells = (format_score(scores.get(name)) for scores in columns.values())
        rows.append([name, *cells])
    return '\n'.join(
        [
            'Mean ± standard deviation, scores in percent, last epoch; '
            f'folds: {", ".join(summary["folds"])}; '
            f'seeds: {", ".join(map(str, summary["seeds"]))}.',
            '',
            *(f'| {" | ".join(row)} |' for row in rows),
        ]
    )


def format_score(score: Mapping[str, float | None] | None) -> str:
    """Return a score with its deviation, where there is one.

    >>> format_score({'mean': 93.824, 'std': 2.9})
    '93.82 ± 2.90'
    """
    if score is None:
        return '-'
    std = score.get('std')
    return f'{score["mean"]:.2f}' + ('' if std is None else f' ± {std:.2f}')


def _mean(scores: Iterable[Mapping[str, float]]) -> dict[str, float]:
    first, *others = scores
    return {name: float(np.mean([s[name] for s in (first, *others)])) for name in first}


def _spread(scores: list[dict[str, float]]) -> dict[str, Any]:
    spread: dict[str, dict[str, float | None]] = {}
    for name in scores[0]:
        values = [score[name] for score in scores]
        std = float(np.std(values)) if len(values) > 1 else None
        spread[name] = {'mean': float(np.mean(values)), 'std': std}
    return {'count': len(scores), 'scores': spread}


def _number(count: int, unit: str) -> str:
    return f'{count} {unit}' + ('' if count == 1 else 's')
