"""Suggestions of videos, and of intervals of them, to label next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import Positive, checked
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_io.structures.tiers import flat_label, label_rows, tiers_of

# The criteria, and the words for an interval that is above average in one.
CRITERIA = {
    'disagreement': 'networks of the model disagree',
    'uncertainty': 'the model is unsure',
    'boundary': 'changes of class',
    'rarity': 'rare classes',
}
_RARITY = list(CRITERIA).index('rarity')
# A frame is near a predicted boundary within this many seconds.
_NEAR = 1.0
# Shorter gaps between labels, in seconds, are not suggested.
_SHORTEST = 1.0
# Candidates start this many times per interval length.
_STEPS = 4
# A criterion becomes a reason from this multiple of its average.
_MORE = 1.1
# The largest weight of a criterion.
_HEAVIEST = 1e6


@dataclass(frozen=True)
class Suggestion:
    """An interval of a video that should be labelled.

    Args:
        video: The video's id.
        start_frame: First frame.
        end_frame: Last frame, exclusive.
        fps: Frames per second.
        score: The weighted mean of ``values``.
        values: Each of ``CRITERIA``, as a multiple of its average over all intervals.
        classes: Predicted classes, in temporal order.
        reason: Why it was chosen, in words.
    """

    video: str
    start_frame: int
    end_frame: int
    fps: float
    score: float
    values: Mapping[str, float]
    classes: Sequence[str]
    reason: str

    @property
    def start(self) -> float:
        """Start in seconds."""
        return self.start_frame / self.fps

    @property
    def end(self) -> float:
        """End in seconds."""
        return self.end_frame / self.fps

    def row(self) -> dict[str, str | float]:
        """Return the row of a table, ready for JSON."""
        return {
            'video': self.video,
            'start': round(self.start, 3),
            'end': round(self.end, 3),
            'start_frame': self.start_frame,
            'end_frame': self.end_frame,
            'score': round(self.score, 3),
            **{name: round(value, 3) for name, value in self.values.items()},
            'classes': ', '.join(self.classes),
            'reason': self.reason,
        }


def frame_values(
    score: np.ndarray,
    entropy: np.ndarray,
    label: np.ndarray,
    fps: float,
    tiers: Sequence[int] | None = None,
) -> np.ndarray:
    """Return three criteria of each frame, shape (3, T), each from 0 to 1.

    - Disagreement of the members: the mutual information of class and member, that is,
      the entropy of their mean probabilities minus the mean of their entropies.
    - Uncertainty: the entropy of the mean probabilities. Both are fractions of the
      highest possible entropy, the one of equal probabilities.
    - Proximity to a boundary: 1 at a predicted change of class, falling to 0 within a
      second.

    Entropies of several tiers are added.

    Args:
        score: Mean probabilities, shape (K, T).
        entropy: Mean of the members' entropies in nats, shape (T,).
        label: Predicted class, shape (T,), or (G, T) of G tiers.
        fps: Frames per second.
        tiers: Number of classes of each tier; None for one.

    Source: the mutual information as in Houlsby et al., "Bayesian Active Learning for
    Classification and Preference Learning" (2011).
    """
    score = score.astype(np.float64)
    whole = -(score * np.log(np.maximum(score, 1e-12))).sum(axis=0)
    most = sum(math.log(max(size, 2)) for size in tiers or [len(score)])
    # A boundary lies between two frames, half a frame from each.
    cuts = np.flatnonzero(np.diff(label_rows(label)).any(axis=0)) + 0.5
    middles = np.arange(label.shape[-1])
    distance = np.full(label.shape[-1], np.inf)
    for side in (0, -1):
        places = np.searchsorted(cuts, middles) + side
        there = (places >= 0) & (places < cuts.size)
        gaps = np.abs(cuts[places[there]] - middles[there])
        distance[there] = np.minimum(distance[there], gaps)
    near = np.clip(1 - distance / fps / _NEAR, 0, 1)
    return np.stack(
        [np.clip(whole - entropy, 0, None) / most, np.clip(whole / most, 0, 1), near]
    )


@dataclass(frozen=True)
class RankedVideo:
    """What a ranking keeps of a video.

    Args:
        label: Class id of each frame, shape (T,), or (G, T) of G tiers, -1 without a
            label.
        pred_label: Predicted class, alike.
        pred_score: Probabilities, shape (K, T).
        fps: Frames per second.
        filename: The video file, if any.
        person: The individual of the video, if it is one of several.
    """

    label: np.ndarray
    pred_label: np.ndarray
    pred_score: np.ndarray
    fps: float
    filename: str | None = None
    person: str = ''


@checked
@dataclass
class IntervalRanking:
    """A ranking of intervals of videos, from which the best are chosen.

    Each criterion is divided by its average over all intervals. Rare classes have few
    labelled seconds: a class with s seconds counts ``m / (m + s)``, where m is the mean
    over the classes, so that a class without labels counts 1. An interval weights the
    classes by their probabilities. Once chosen, it counts as labelled, so that the next
    ones show something else. Without any labels, predicted probabilities replace them.

    Args:
        classes: Names of the K classes, of all tiers.
        interval: Length of an interval in seconds. A shorter video, or gap between
            labels, is an interval of its own.
        ignore_labels: Whether to suggest labelled frames as well.
        tiers: The classes of each tier, if there are several.
        videos: The videos so far, by id.
    """

    classes: Sequence[str]
    interval: Positive = 20.0
    ignore_labels: bool = False
    tiers: Mapping[str, list[str]] | None = None
    videos: dict[str, RankedVideo] = field(default_factory=dict)
    _known: np.ndarray = field(init=False)
    # Video, start and end of each interval, and its means: criteria and probabilities.
    _intervals: list[tuple[str, int, int, np.ndarray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start without any labels."""
        self._known = np.zeros(len(self.classes))
        meta: Metainfo = {'classes': list(self.classes)}
        if self.tiers is not None:
            meta['tiers'] = self.tiers
        self.rows = tiers_of(meta)

    def add_labels(self, label: np.ndarray, fps: float) -> None:
        """Count the labels (T,) or (G, T) of a video, even of one not ranked."""
        label = flat_label(label, self.rows)
        counts = np.bincount(label[label != IGNORED], minlength=len(self.classes))
        self._known += counts / fps

    def add(self, prediction: Prediction) -> None:
        """Add a video.

        Args:
            prediction: A prediction of :class:`mmskelseg.apis.SkelSegInferencer`. Its
                ``label``, if any, states what is labelled already.
        """
        name, fps = prediction['frame_dir'], prediction['fps']
        nothing = np.full_like(prediction['pred_label'], IGNORED)
        label = np.asarray(prediction.get('label', nothing))
        counted = nothing if self.ignore_labels else label
        self.add_labels(counted, fps)
        score, predicted = prediction['pred_score'], prediction['pred_label']
        sizes = [len(tier.classes) for tier in self.rows]
        values = frame_values(score, prediction['pred_entropy'], predicted, fps, sizes)
        sums = np.concatenate([values, score]).astype(np.float64).cumsum(axis=1)
        sums = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
        # A frame that lacks the label of a tier is to be labelled.
        open_ = np.where(label_rows(counted).min(axis=0) == IGNORED, IGNORED, 0)
        for start, end in intervals_of(open_, self.interval, fps):
            mean = (sums[:, end] - sums[:, start]) / (end - start)
            self._intervals.append((name, start, end, mean))
        self.videos[name] = RankedVideo(
            label, predicted, score, fps, prediction.get('filename'),
            prediction.get('person', '') if 'people' in prediction else '',
        )  # fmt: skip

    @checked
    def choose(
        self, budget: Positive, weights: Mapping[str, float] | None = None
    ) -> list[Suggestion]:
        """Return intervals to label that do not overlap, the best first.

        Args:
            budget: The most minutes to label, in total.
            weights: Weights of ``CRITERIA``; by default 1 each.

        Raises:
            UserError: If there is nothing to label, a weight is unknown or below 0, or
                no interval fits into the budget.
        """
        weighed = self._weights(weights)
        if not self._intervals:
            raise UserError(
                f'All frames of the {len(self.videos)} videos are labelled; name '
                'others, or ignore their labels (--ignore-labels).'
            )
        names, begins, ends, means = map(np.array, zip(*self._intervals, strict=True))
        means, shares = np.split(means, [_RARITY], axis=1)
        seconds = (ends - begins) / [self.videos[name].fps for name in names]
        left = 60 * budget
        if seconds.min() > left + 1e-6:
            raise UserError(
                f'The budget of {budget:g} minutes is shorter than any interval; raise '
                '--budget, or lower --stretch.'
            )
        known = self._known.copy() if self._known.any() else seconds @ shares
        middle = max(known.mean(), 1e-9)
        rarity = middle / (middle + known)
        means = np.column_stack([means, shares @ rarity])
        average = means.mean(axis=0)
        free, chosen = np.ones(len(shares), bool), []
        while (open_ := free & (seconds <= left + 1e-6)).any():
            rarity = middle / (middle + known)
            means[:, _RARITY] = shares @ rarity
            # 0 if it never occurs, such as disagreement of a single model.
            ratios = np.divide(
                means, average, out=np.zeros_like(means), where=average > 1e-9
            )
            totals = ratios @ weighed / weighed.sum()
            best = int(np.where(open_, totals, -1).argmax())
            weights_of = shares[best] * rarity
            chosen.append(
                self._suggestion(best, totals[best], ratios[best], weighed, weights_of)
            )
            left -= seconds[best]
            known += seconds[best] * shares[best]
            beside = (ends <= begins[best]) | (begins >= ends[best])
            free &= (names != names[best]) | beside
        return chosen

    def _weights(self, given: Mapping[str, float] | None) -> np.ndarray:
        weights = dict.fromkeys(CRITERIA, 1.0)
        for name, value in (given or {}).items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if name not in weights or not is_number or not 0 <= value <= _HEAVIEST:
                raise UserError(
                    f'weights: {name}={value!r}, expected a number from 0 to '
                    f'{_HEAVIEST:g} for one of {", ".join(CRITERIA)}.'
                )
            weights[name] = float(value)
        if not any(weights.values()):
            raise UserError('weights: all are 0; set at least one above 0.')
        return np.array(list(weights.values()))

    def _suggestion(
        self,
        index: int,
        total: float,
        ratios: np.ndarray,
        weights: np.ndarray,
        by_class: np.ndarray,
    ) -> Suggestion:
        name, start, end, _ = self._intervals[index]
        video = self.videos[name]
        labels = label_rows(flat_label(video.pred_label, self.rows))[:, start:end]
        segments = sorted(part for row in labels for part in to_segments(row))
        reasons = []
        for i in np.argsort(-ratios * weights, kind='stable'):
            if weights[i] and ratios[i] >= _MORE:
                text = list(CRITERIA.values())[i]
                if i == _RARITY:
                    text += f' such as {self.classes[int(by_class.argmax())]}'
                reasons.append(f'{text} ({ratios[i]:.1f} times the average)')
        return Suggestion(
            name,
            start,
            end,
            video.fps,
            float(total),
            dict(zip(CRITERIA, ratios.tolist(), strict=True)),
            [self.classes[k] for *_, k in segments],
            ', '.join(reasons) or 'the best of what is left',
        )


def intervals_of(
    label: np.ndarray, seconds: float, fps: float
) -> list[tuple[int, int]]:
    """Return the candidates ``(start, end)`` of a video, which have no labels.

    They start a quarter of their length apart; the last one ends with the gap.

    >>> intervals_of(np.array([-1] * 6 + [2] * 3 + [-1] * 3), 4, 1)
    [(0, 4), (1, 5), (2, 6), (9, 12)]
    """
    length = max(round(seconds * fps), 1)
    step = max(length // _STEPS, 1)
    found = []
    for begin, end, _ in to_segments(np.where(label == IGNORED, 0, IGNORED)):
        if end - begin <= length:
            is_long = (end - begin) / fps >= min(_SHORTEST, seconds)
            # A whole video is a candidate however short it is.
            if is_long or end - begin == label.size:
                found.append((begin, end))
        else:
            last = end - length
            starts = [*range(begin, last, step), last]
            found += [(start, start + length) for start in starts]
    return found


def totals_of_videos(
    suggestions: Iterable[Suggestion],
) -> list[tuple[str, float, float]]:
    """Return the seconds to label and the best score of each video, sorted by score."""
    found: dict[str, tuple[float, float]] = {}
    for item in suggestions:
        seconds, best = found.get(item.video, (0.0, 0.0))
        found[item.video] = (seconds + item.end - item.start, max(best, item.score))
    ranked = sorted(found.items(), key=lambda item: -item[1][1])
    return [(name, seconds, best) for name, (seconds, best) in ranked]
