"""How far observers of the same recordings agree: in frames, segments and measures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from mmskelseg_behaviour.functional.agreement import (
    best_shift,
    cohen_kappa,
    coincidence_matrix,
    common_labels,
    disagreements,
    fleiss_kappa,
    intraclass_correlation,
    krippendorff_alpha,
    one_against_rest,
)
from mmskelseg_behaviour.functional.videos import EvaluatedVideos, Video
from mmskelseg_behaviour.scores import SCORES, Score
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.segments import IGNORED, direct_boundaries
from mmskelseg_io.structures.tiers import Tier, class_name

#: Rows of a table.
Rows: TypeAlias = list[dict[str, Any]]
# Labels (R, T) of each recording, with ids within a tier.
_Labels: TypeAlias = Sequence[np.ndarray]

#: The measures of :data:`~mmskelseg_io.structures.bouts.MEASURES` to compare.
COMPARED = ('bouts', 'total_s', 'mean_s', 'latency_s')
# Time that one has not labelled is mentioned if it is more than this part.
_LITTLE = 1e-3
# A shift of up to half a second, and a part of the longest recording, is mentioned if
# it puts so many of the boundaries into place.
_IN_PLACE, _MOST_SHIFT, _PART = 1 / 4, 50, 20


def compare_observers(
    observers: Sequence[str],
    bouts: Mapping[str, Mapping[str, Bouts]],
    tiers: Sequence[Tier],
    fps: float,
) -> dict[str, Any]:
    """Return how far observers agree, in types of JSON.

    Args:
        observers: Their names, two or more; scores of a pair take the first as truth.
        bouts: Those of each observer in each recording that it has.
        tiers: The tiers of all.
        fps: Frames per second in which labels are compared.

    Returns:
        ``overall`` and ``by_class`` have the coefficients, ``measures`` the errors,
        ``confusion`` the frames of each pair, ``disagreements`` the intervals, the
        longest first, ``shifts`` the pairs who agree more if one is moved, and
        ``unlabelled`` the time that only one of a pair has labelled. What cannot be
        computed is None, and ``why`` says the reason.
    """
    frames = {
        name: observed_labels(observers, own, fps, len(tiers))
        for name, own in bouts.items()
    }
    groups: list[tuple[int, ...]] = [*combinations(range(len(observers)), 2)]
    if len(observers) > 2:
        groups.append(tuple(range(len(observers))))
    content: dict[str, Any] = {
        'observers': list(observers),
        'fps': fps,
        'classes': [class_name(c, tier.name) for tier in tiers for c in tier.classes],
        'recordings': [
            {
                'recording': name,
                'seconds': {who: one.duration for who, one in own.items()},
                'acc': _percent_equal(frames[name]),
            }
            for name, own in bouts.items()
        ],
        **{key: [] for key in ('overall', 'by_class', 'confusion')},
        'measures': list(_measures(observers, bouts, tiers, groups)),
        'unlabelled': list(_unlabelled(observers, frames, fps)),
        'shifts': list(offsets(observers, frames, fps)),
        'disagreements': _intervals(observers, frames, tiers, fps),
    }
    for row, tier in enumerate(tiers):
        begin = tier.rows.start
        labels = [
            np.where(f[row] < 0, IGNORED, f[row] - begin) for f in frames.values()
        ]
        for group in groups:
            names = {'tier': tier.name, 'observers': [observers[i] for i in group]}
            chosen = [one[list(group)] for one in labels]
            for key, rows in agreement(chosen, tier, fps).items():
                content[key] += [{**names, **one} for one in rows]
    return content


def observed_labels(
    observers: Sequence[str], own: Mapping[str, Bouts], fps: float, tiers: int
) -> np.ndarray:
    """Return the ids of a recording's frames, (tiers, R, T); -1 without a label."""
    frames = max(1, *(round(one.duration * fps) for one in own.values()))
    found = np.full((tiers, len(observers), frames), IGNORED)
    for i, who in enumerate(observers):
        if who in own:
            found[:, i] = own[who].labels(fps, frames)
    return found


def agreement(labels: _Labels, tier: Tier, fps: float) -> dict[str, Rows]:
    """Return rows of the agreement of a group of observers in a tier.

    Args:
        labels: Those of R observers in each recording, (R, T); -1 without a label. In
            scores of two, the first counts as the truth.
        tier: The tier, with ids as in labels.
        fps: Frames per second.

    Returns:
        A row ``overall``, one of each class in ``by_class``, and of two observers their
        ``confusion``, as those of :func:`compare_observers`.
    """
    size, tables = len(tier.classes), []
    common = [one for one in map(common_labels, labels) if (one != IGNORED).any()]
    frames = sum(np.count_nonzero(one[0] != IGNORED) for one in common)
    pooled = np.sum([coincidence_matrix(one, size) for one in labels], axis=0)
    scores: dict[str, float | None] = dict.fromkeys(one.key for one in pair_scores())
    kappa: Callable[[np.ndarray], float] = fleiss_kappa
    whole = sum(
        (coincidence_matrix(one, size) for one in common), np.zeros((size, size))
    )
    if len(labels[0]) == 2:
        kappa, whole = cohen_kappa, np.zeros((size, size), int)
        if common:
            videos = [Video(pred, gt, np.empty((size, 0))) for gt, pred in common]
            evaluated = EvaluatedVideos(videos, size, tier.background)
            whole = evaluated.confusion
            scores = {one.key: _score(one, evaluated) for one in pair_scores()}
        tables = [{'classes': list(tier.classes), 'frames': whole.tolist()}]

    def row(used: np.ndarray, any_: np.ndarray, alone: str) -> dict[str, Any]:
        found, why = _finite(kappa(used)), ''
        if found is None:
            why = alone if frames else 'no time in common'
        return {'kappa': found, 'alpha': _finite(krippendorff_alpha(any_)), 'why': why}

    own, every = one_against_rest(whole), one_against_rest(pooled)
    overall = row(whole, pooled, 'all of it has one class')
    return {
        'overall': [{'seconds': frames / fps, **overall, **scores}],
        'by_class': [
            {'class': name, **row(a, b, 'always' if a[0, 0] else 'never used')}
            for name, a, b in zip(tier.classes, own, every, strict=True)
        ],
        'confusion': tables,
    }


def pair_scores() -> list[Score]:
    """Return the scores of the labels of two observers."""
    return [one for one in SCORES.values() if one.of_labels and one.of_videos]


def _score(score: Score, evaluated: EvaluatedVideos) -> float:
    if score.pooled:
        return float(score.pooled(evaluated))
    assert score.of_videos is not None
    return float(np.mean(score.of_videos(evaluated)))


def _measures(
    observers: Sequence[str],
    bouts: Mapping[str, Mapping[str, Bouts]],
    tiers: Sequence[Tier],
    groups: Sequence[Sequence[int]],
) -> Iterator[dict[str, Any]]:
    """Yield errors of numbers, durations and latencies of each class.

    Recordings count in which both have labelled the tier of the class.
    """
    classes = [(tier.name, name) for tier in tiers for name in tier.classes]
    missing = dict.fromkeys(COMPARED, np.full(len(classes), np.nan))
    found = [
        [_numbers(own[o], len(classes)) if o in own else missing for o in observers]
        for own in bouts.values()
    ]
    for k, (tier, name) in enumerate(classes):
        for measure in COMPARED:
            table = np.array([[m[measure][k] for m in row] for row in found])
            for group in groups:
                values = table[:, list(group)]
                values = values[~np.isnan(values).any(axis=1)]
                yield {
                    'tier': tier,
                    'class': name,
                    'measure': measure,
                    'observers': [observers[i] for i in group],
                    **_errors(values),
                }


def _numbers(bouts: Bouts, classes: int) -> dict[str, np.ndarray]:
    """Return the measures of classes, NaN in tiers without a label."""
    found = bouts.statistics(classes)
    each = found.measures()
    return {key: np.where(found.observed > 0, each[key], np.nan) for key in COMPARED}


def _errors(values: np.ndarray) -> dict[str, Any]:
    """Return how observers differ in numbers (N, R) of N recordings."""
    icc, why = _finite(intraclass_correlation(values)), ''
    if icc is None:
        why = 'the same value in all recordings'
        if len(values) < 2:
            why = f'{counted(len(values), "recording")}, but two are needed'
    means = differences = np.full(2, np.nan)
    if values.shape[1] == 2 and len(values):
        means, differences = values.mean(axis=0), values[:, 1] - values[:, 0]
    return {
        'recordings': len(values),
        'mean_first': _finite(means[0]),
        'mean_second': _finite(means[1]),
        'difference': _finite(differences.mean()),
        'error': _finite(np.abs(differences).mean()),
        'icc': icc,
        'why': why,
    }


def _unlabelled(
    observers: Sequence[str], frames: Mapping[str, np.ndarray], fps: float
) -> Iterator[dict[str, Any]]:
    """Yield the time that one of a pair has labelled in recordings of both."""
    for i, j in combinations(range(len(observers)), 2):
        pairs = [(one[:, [i, j]] != IGNORED) for one in frames.values()]
        both = [pair for pair in pairs if pair.any(axis=(0, 2)).all()]
        first = sum(np.count_nonzero(p[:, 0] & ~p[:, 1]) for p in both)
        second = sum(np.count_nonzero(p[:, 1] & ~p[:, 0]) for p in both)
        if first + second > _LITTLE * sum(p[:, 0].size for p in both):
            yield {
                'observers': [observers[i], observers[j]],
                'only_first_s': first / fps,
                'only_second_s': second / fps,
            }


def offsets(
    observers: Sequence[str], frames: Mapping[str, np.ndarray], fps: float
) -> Iterator[dict[str, Any]]:
    """Yield the pairs of observers who agree more if the second is moved.

    ``frames`` are the labels of R observers in each recording, (tiers, R, T).
    """
    longest = max(one.shape[-1] for one in frames.values())
    most = min(round(fps / 2), _MOST_SHIFT, longest // _PART)
    for i, j in combinations(range(len(observers)), 2):
        pairs = [row[[i, j]] for one in frames.values() for row in one]
        best, now, then = best_shift(pairs, most)
        cuts = sum(direct_boundaries(first).size for first, _ in pairs)
        labelled = sum(np.count_nonzero(first != IGNORED) for first, _ in pairs)
        if best and (then - now) * labelled >= _IN_PLACE * abs(best) * cuts > 0:
            yield {
                'observers': [observers[i], observers[j]],
                'frames': best,
                'acc': 100 * now,
                'acc_shifted': 100 * then,
            }


def offset_words(row: Mapping[str, Any]) -> str:
    """Return a row of :func:`offsets` in words."""
    first, second = row['observers']
    later = 'later' if row['frames'] > 0 else 'earlier'
    return (
        f'{first} and {second} would agree in {row["acc_shifted"]:.1f} % of the time '
        f'instead of {row["acc"]:.1f} % if all labels of {second} were '
        f'{counted(abs(row["frames"]), "frame")} {later}; check that both had the same '
        'video'
    )


def _intervals(
    observers: Sequence[str],
    frames: Mapping[str, np.ndarray],
    tiers: Sequence[Tier],
    fps: float,
) -> Rows:
    """Return the intervals in which observers disagree, the longest first."""
    names = [name for tier in tiers for name in tier.classes]
    found = [
        {
            'recording': recording,
            'tier': tier.name,
            'start_s': start / fps,
            'end_s': end / fps,
            'seconds': (end - start) / fps,
            'said': {
                who: names[k] if k != IGNORED else None
                for who, k in zip(observers, labels[:, start].tolist(), strict=True)
            },
        }
        for recording, of_tiers in frames.items()
        for tier, labels in zip(tiers, of_tiers, strict=True)
        for start, end in disagreements(labels)
    ]
    return sorted(found, key=lambda row: -row['seconds'])


def _percent_equal(frames: np.ndarray) -> float | None:
    """Return in how much of the time with two labels, in percent, all are equal."""
    labelled = sum(((row != IGNORED).sum(axis=0) > 1).sum() for row in frames)
    differ = sum(end - start for row in frames for start, end in disagreements(row))
    return float(100 - 100 * differ / labelled) if labelled else None


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
