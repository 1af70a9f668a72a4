"""How good a model is for counting and timing, and what would make it better."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from mmskelseg_behaviour.functional.agreement import best_shift
from mmskelseg_behaviour.functional.framewise import confusion_matrix
from mmskelseg_behaviour.functional.report import (
    Report,
    evaluate_videos,
    merge_tiers,
    of_tier,
)
from mmskelseg_behaviour.functional.segmental import match_segments
from mmskelseg_behaviour.functional.segments import check_pair
from mmskelseg_behaviour.functional.videos import Video, videos_of_tiers
from mmskelseg_io.structures.segments import direct_boundaries, segment_table
from mmskelseg_io.structures.tiers import Tier
from mmskelseg_io.structures.time_budget import time_budget

#: Predictions by the video's id.
Predictions: TypeAlias = Mapping[str, Video]
#: Errors up to these are called good and fair, as shares of the mean of a video.
GOOD, FAIR = 0.1, 0.25
#: Classes with fewer true bouts get no verdict.
FEW = 5
#: Bouts match from this IoU on, as in F1@10.
MATCH = 0.1
# The largest shift of labels that is tried, in seconds, and the share of frames that
# must agree better to call them shifted.
_LONGEST_SHIFT, _CLEARLY = 2.0, 0.1
# A labelled segment is doubted if the model gives its class less than this, and another
# one more than that, on average, and if it lasts some seconds.
_DOUBTED, _SURE, _SHORTEST = 0.1, 0.8, 0.25


@dataclass(frozen=True)
class ClassResult:
    """How a class was found in all videos.

    Attributes:
        name: The class, with its tier if there are several.
        bouts: Number of true and predicted bouts.
        seconds: Total true and predicted seconds.
        mean_seconds: Mean true and predicted duration of a bout; NaN without bouts.
        count_error: Mean absolute error of the number in a video, as a share of its
            mean; NaN without true bouts.
        time_error: The same for the total time in a video.
        edge_error: Median error of starts and ends of found bouts, in seconds; NaN if
            there are none.
        f1: F1@10, in percent; None if the class does not occur.
        ap: Average precision of frames, in percent; None if the class does not occur.
    """

    name: str
    bouts: tuple[int, int]
    seconds: tuple[float, float]
    mean_seconds: tuple[float, float]
    count_error: float
    time_error: float
    edge_error: float
    f1: float | None
    ap: float | None

    @property
    def counting(self) -> str:
        """Whether bouts can be counted: good, fair, poor or too few."""
        return self._verdict(self.count_error)

    @property
    def timing(self) -> str:
        """Whether time can be measured: good, fair, poor or too few."""
        return self._verdict(self.time_error)

    def _verdict(self, error: float) -> str:
        if self.bouts[0] < FEW:
            return 'too few'
        return 'good' if error <= GOOD else 'fair' if error <= FAIR else 'poor'


@dataclass(frozen=True)
class ScoreInterval:
    """Where the score of a new person lies in 95 of 100 cases, in percent.

    It is the prediction interval of a normal distribution, within 0 to 100, estimated
    from the mean scores of ``persons``.
    """

    mean: float
    low: float
    high: float
    persons: int


@dataclass(frozen=True)
class SuspectLabel:
    """A label that may be wrong, from start to end in seconds; None: the whole video.

    ``text`` says what is doubted, and why.
    """

    video: str
    start: float | None
    end: float | None
    text: str


def evaluated(videos: Predictions, metainfo: Mapping) -> Report:
    """Return all scores of some videos; see :func:`merge_tiers`."""
    tiers = videos_of_tiers(videos, metainfo)
    return merge_tiers({tier.name: _scores(own, tier) for tier, own in tiers})


def _scores(videos: Predictions, tier: Tier) -> Report:
    """Return all scores of a tier."""
    report = evaluate_videos(videos, tier.classes, background=tier.background)
    return of_tier(report, tier)


def confusion(videos: Predictions, metainfo: Mapping) -> np.ndarray:
    """Return frames by true (rows) and predicted class of the same tier, (K, K)."""
    count = len(metainfo['classes'])
    frames = np.zeros((count, count), np.int64)
    for tier, own in videos_of_tiers(videos, metainfo):
        for video in own.values():
            found = confusion_matrix(video.pred, video.gt, len(tier.classes))
            frames[tier.rows, tier.rows] += found
    return frames


def person_intervals(
    videos: Predictions, persons: Mapping[str, str], metainfo: Mapping
) -> dict[str, ScoreInterval]:
    """Return the interval of each score for a new person, if two or more have it."""
    from scipy import stats

    groups: dict[str, dict[str, Video]] = {}
    for name, video in videos.items():
        groups.setdefault(persons[name], {})[name] = video
    rows = [evaluated(group, metainfo)['metrics'] for group in groups.values()]
    found = {}
    for name in dict.fromkeys(n for row in rows for n in row):
        values = np.array([row[name] for row in rows if name in row])
        count = len(values)
        if count < 2 or name.endswith('_std'):
            continue
        factor = stats.t.ppf(0.975, count - 1) * np.sqrt(1 + 1 / count)
        mean, reach = values.mean(), factor * values.std(ddof=1)
        low, high = max(0.0, mean - reach), min(100.0, mean + reach)
        found[name] = ScoreInterval(float(mean), float(low), float(high), count)
    return found


def class_results(
    videos: Predictions, fps: Mapping[str, float], metainfo: Mapping
) -> list[ClassResult]:
    """Return how each class was found, without the background."""
    return [
        result
        for tier, own in videos_of_tiers(videos, metainfo)
        for result in _tier_results(own, fps, tier, metainfo['classes'][tier.rows])
    ]


def _tier_results(
    videos: Predictions, fps: Mapping[str, float], tier: Tier, names: Sequence[str]
) -> list[ClassResult]:
    """Return how each class of a tier was found, without the background."""
    count = len(tier.classes)
    per_class = _scores(videos, tier)['per_class']
    budgets, edges = [], [np.empty(0)] * count
    for name, video in videos.items():
        # Without the frames that have no label.
        label, true = check_pair(video.pred, video.gt, count)
        pair = [time_budget(x, count, fps[name]) for x in (true, label)]
        budgets.append(pair)
        for k, error in _edge_errors(label, true):
            edges[k] = np.concatenate([edges[k], error / fps[name]])
    # Shape (N, 2, K): by video, true and predicted.
    bouts, seconds = (
        np.array([[getattr(b, key) for b in pair] for pair in budgets], float)
        for key in ('number', 'total')
    )
    results = []
    for k, name in enumerate(tier.classes):
        if k == tier.background:
            continue
        total, time = bouts[:, :, k].sum(axis=0), seconds[:, :, k].sum(axis=0)
        found = edges[k]
        results.append(
            ClassResult(
                names[k],
                (int(total[0]), int(total[1])),
                (float(time[0]), float(time[1])),
                tuple(np.where(total > 0, time, np.nan) / np.maximum(total, 1)),
                _relative(bouts[:, :, k]),
                _relative(seconds[:, :, k]),
                float(np.median(found)) if found.size else float('nan'),
                per_class[name]['f1@10'],
                per_class[name]['ap'],
            )
        )
    return results


def _relative(pairs: np.ndarray) -> float:
    """Return the mean absolute error (N, 2) as a share of the true mean."""
    true, predicted = pairs.T
    return float(np.abs(predicted - true).sum() / true.sum()) if true.any() else np.nan


def _edge_errors(
    label: np.ndarray, true: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the class and the errors of the ends of each found bout, in frames.

    Where labels begin or end, the end of a bout is not known, and cannot be missed.
    """
    table, true_table = segment_table(label), segment_table(true)
    best, iou = match_segments(table, true_table)
    pairs = np.concatenate([table, true_table[best]], axis=1)[iou >= MATCH]
    known = set(direct_boundaries(true).tolist())
    for start, end, k, true_start, true_end, _ in pairs.tolist():
        ends = ((start, true_start), (end, true_end))
        yield k, np.array([abs(at - own) for at, own in ends if own in known])


def suspect_labels(
    videos: Predictions, fps: Mapping[str, float], metainfo: Mapping
) -> list[SuspectLabel]:
    """Return labels that look wrong or shifted, the most doubtful first."""
    found = [
        pair
        for tier, own in videos_of_tiers(videos, metainfo)
        for pair in _tier_suspects(own, fps, tier, metainfo['classes'][tier.rows])
    ]
    return [suspect for _, suspect in sorted(found, key=lambda pair: -pair[0])]


def _tier_suspects(
    videos: Predictions, fps: Mapping[str, float], tier: Tier, classes: Sequence[str]
) -> Iterator[tuple[float, SuspectLabel]]:
    """Yield how doubtful a tier's labels are that look wrong or shifted."""
    which = f'all labels of {tier.name!r}' if tier.name else 'all labels'
    for name, video in videos.items():
        most = min(round(_LONGEST_SHIFT * fps[name]), video.gt.size // 2)
        shift, now, then = best_shift([np.stack([video.pred, video.gt])], most)
        if (gain := then - now) > _CLEARLY:
            seconds = abs(shift) / fps[name]
            way = 'later' if shift > 0 else 'earlier'
            text = (
                f'{which} may be shifted: {100 * gain:.0f} % more frames agree with '
                f'the model if they are moved {seconds:.1f} s {way}'
            )
            yield 1 + gain, SuspectLabel(name, None, None, text)
            continue
        for start, end, label in segment_table(video.gt).tolist():
            score = video.scores[:, start:end].mean(axis=1)
            other = int(score.argmax())
            if (end - start) / fps[name] < _SHORTEST:
                continue
            if score[label] < _DOUBTED and score[other] > _SURE:
                text = f'labelled {classes[label]!r}, but looks like {classes[other]!r}'
                place = start / fps[name], end / fps[name]
                yield score[other] - score[label], SuspectLabel(name, *place, text)


def remaining(half: float, whole: float, full: float, share: float = 0.5) -> float:
    """Return what is left of an error with twice as many labels.

    It shrinks with the labels by a power law, as from half of them to all.

    Args:
        half: The error of short trainings on about half of the labels.
        whole: That of short trainings on all.
        full: That of full trainings on all.
        share: The share of the labels that is about half of them.

    >>> remaining(half=20, whole=10, full=8)
    4.0
    """
    ratio = whole / half if 0 <= whole < half else 1.0
    return full * ratio ** (math.log(2) / -math.log(share))
