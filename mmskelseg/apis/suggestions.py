"""Which videos, and which stretches of them, to label next."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.fileio.atomic import atomic_write_text
from mmskelseg.fileio.names import file_name
from mmskelseg.interchange import (
    Segment,
    VideoSegments,
    labels_to_segments,
    write_boris,
    write_elan,
    write_label_studio,
)
from mmskelseg.structures.segments import IGNORED, to_segments
from mmskelseg.utils.errors import UserError

# What speaks for a stretch, and how a reason says that it has more of it than others.
CRITERIA = {
    'disagreement': 'members disagree',
    'uncertainty': 'unsure',
    'boundary': 'changes of class',
    'rarity': 'rare classes',
}
_RARITY = list(CRITERIA).index('rarity')
# Seconds beside a predicted boundary up to which a frame is near it.
_NEAR = 1.0
# Seconds below which a gap between labels is left alone.
_SHORTEST = 1.0
# Steps of a stretch in which the places to begin one are tried.
_STEPS = 4
# How many times the average is worth a reason.
_MORE = 1.1


@dataclass(frozen=True)
class Suggestion:
    """A stretch of a video to label, the best first.

    Args:
        video: The video's id.
        start_frame: Its first frame.
        end_frame: The one after its last.
        fps: Frames per second.
        score: What a label there would teach, 1 in an average stretch.
        values: Of each of ``CRITERIA``, likewise.
        classes: Predicted there, in order of time.
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
        """Seconds at which it starts."""
        return self.start_frame / self.fps

    @property
    def end(self) -> float:
        """Seconds at which it ends."""
        return self.end_frame / self.fps

    def row(self) -> dict[str, Any]:
        """Return it for a table or JSON."""
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
    score: np.ndarray, entropy: np.ndarray, label: np.ndarray, fps: float
) -> np.ndarray:
    """Return what speaks for labelling each frame, shape (3, T), each from 0 to 1.

    - Disagreement of an ensemble: the mutual information of class and member, which is
      the entropy of the mean of their probabilities less the mean of their entropies.
    - Uncertainty: the former of the two entropies; like it, as a part of the highest,
      that of equal probabilities.
    - Closeness to a boundary: 1 at a predicted change of class, and 0 from a second on.

    Args:
        score: Probabilities, shape (K, T).
        entropy: The mean of the members' entropies in nats, shape (T,).
        label: The predicted class, shape (T,).
        fps: Frames per second.

    Source: the mutual information as in Houlsby et al., "Bayesian Active Learning for
    Classification and Preference Learning" (2011).
    """
    score = score.astype(np.float64)
    whole = -(score * np.log(np.maximum(score, 1e-12))).sum(axis=0)
    most = math.log(max(len(score), 2))
    # A boundary lies between two frames, half a frame from each.
    cuts = np.flatnonzero(np.diff(label)) + 0.5
    middles = np.arange(label.size)
    distance = np.full(label.size, np.inf)
    for side in (0, -1):
        places = np.searchsorted(cuts, middles) + side
        there = (places >= 0) & (places < cuts.size)
        gaps = np.abs(cuts[places[there]] - middles[there])
        distance[there] = np.minimum(distance[there], gaps)
    near = np.clip(1 - distance / fps / _NEAR, 0, 1)
    return np.stack(
        [np.clip(whole - entropy, 0, None) / most, np.clip(whole / most, 0, 1), near]
    )


@dataclass
class StretchRanking:
    """Ranks stretches of videos that come one after another, and chooses the best.

    Each criterion counts as a multiple of its average over all stretches. Rare classes
    are those with few labelled seconds: a class of s seconds counts ``m / (m + s)``,
    with the mean m over the classes, so that one without a label counts 1, and each
    second by the probability of the class. A chosen stretch counts as labelled from
    then on, so that the next one is of something else. Without any label, rare is what
    is rarely predicted.

    Args:
        classes: Names of the K classes.
        stretch: Seconds of a stretch; shorter videos, and gaps between labels, are one.
        ignore_labels: Whether labels that are there do not count.
    """

    classes: Sequence[str]
    stretch: float = 20.0
    ignore_labels: bool = False
    videos: dict[str, dict[str, Any]] = field(default_factory=dict)
    _known: np.ndarray = field(init=False)
    _means: list[np.ndarray] = field(default_factory=list)
    _shares: list[np.ndarray] = field(default_factory=list)
    _places: list[tuple[str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start without a labelled second."""
        self._known = np.zeros(len(self.classes))

    def add_labels(self, label: np.ndarray, fps: float) -> None:
        """Count labels (T,) of a video that is not to be ranked itself."""
        counts = np.bincount(label[label != IGNORED], minlength=len(self.classes))
        self._known += counts / fps

    def add(self, prediction: Mapping[str, Any]) -> None:
        """Add a video.

        Args:
            prediction: Of :class:`mmskelseg.apis.SkelSegInferencer`; its ``label``, if
                it has one, says what is labelled.
        """
        name, fps = prediction['frame_dir'], prediction['fps']
        frames = prediction['total_frames']
        label = np.full(frames, IGNORED)
        if not self.ignore_labels and 'label' in prediction:
            label = np.asarray(prediction['label'])
        self.add_labels(label, fps)
        score, predicted = prediction['pred_score'], prediction['pred_label']
        values = frame_values(score, prediction['pred_entropy'], predicted, fps)
        sums = np.concatenate([values, score]).astype(np.float64).cumsum(axis=1)
        sums = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
        for start, end in stretches_of(label, self.stretch, fps):
            mean = (sums[:, end] - sums[:, start]) / (end - start)
            self._means.append(mean[:_RARITY])
            self._shares.append(mean[_RARITY:])
            self._places.append((name, start, end))
        kept = ('fps', 'total_frames', 'filename', 'frame_dir')
        self.videos[name] = {key: prediction[key] for key in kept if key in prediction}
        self.videos[name] |= {
            'label': label, 'pred_label': predicted, 'pred_score': score
        }  # fmt: skip

    def choose(
        self, budget: float, weights: Mapping[str, float] | None = None
    ) -> list[Suggestion]:
        """Return stretches to label, the best first, none of which overlap.

        Args:
            budget: Minutes to label, all together; no stretch goes beyond.
            weights: Of each of ``CRITERIA``, 1 where it is not named.

        Raises:
            UserError: If there is nothing to label, a weight is of no criterion or
                below 0, or no stretch fits into the budget.
        """
        weighed = self._weights(weights)
        if not self._places:
            raise UserError(
                f'All frames of the {len(self.videos)} videos are labelled, so that '
                'nothing is left to suggest; name others, or ignore their labels '
                '(--ignore-labels).'
            )
        shares = np.stack(self._shares)
        rates = np.array([self.videos[video]['fps'] for video, *_ in self._places])
        begins, ends = (np.array([p[i] for p in self._places]) for i in (1, 2))
        names = np.array([video for video, *_ in self._places])
        seconds = (ends - begins) / rates
        left = 60 * budget
        if seconds.min() > left + 1e-6:
            raise UserError(
                f'The budget of {budget:g} minutes is shorter than each stretch; raise '
                '--budget, or lower --stretch.'
            )
        known = self._known.copy() if self._known.any() else seconds @ shares
        middle = max(known.mean(), 1e-9)
        means = np.column_stack([*np.stack(self._means).T, np.zeros(len(shares))])
        means[:, _RARITY] = shares @ (middle / (middle + known))
        average = means.mean(axis=0)
        free, chosen = np.ones(len(shares), bool), []
        while (open_ := free & (seconds <= left + 1e-6)).any():
            rarity = middle / (middle + known)
            means[:, _RARITY] = shares @ rarity
            # 0 where there is none of it, such as disagreement of a single model.
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
            if name not in weights or not is_number or not 0 <= value < math.inf:
                raise UserError(
                    f'weights: {name}={value!r}, but a weight is a number from 0, of '
                    f'one of {", ".join(CRITERIA)}.'
                )
            weights[name] = float(value)
        if not any(weights.values()):
            raise UserError('weights: all are 0; give at least one that is larger.')
        return np.array(list(weights.values()))

    def _suggestion(
        self,
        index: int,
        total: float,
        ratios: np.ndarray,
        weights: np.ndarray,
        by_class: np.ndarray,
    ) -> Suggestion:
        name, start, end = self._places[index]
        video = self.videos[name]
        segments = to_segments(video['pred_label'][start:end])
        reasons = []
        for i in np.argsort(-ratios * weights, kind='stable'):
            if weights[i] and ratios[i] >= _MORE:
                text = f'{list(CRITERIA.values())[i]} {ratios[i]:.1f}x'
                if i == _RARITY:
                    text += f' ({self.classes[int(by_class.argmax())]})'
                reasons.append(text)
        return Suggestion(
            name,
            start,
            end,
            video['fps'],
            float(total),
            dict(zip(CRITERIA, ratios.tolist(), strict=True)),
            [self.classes[k] for *_, k in segments],
            ', '.join(reasons) or 'the best of those that are left',
        )


def stretches_of(
    label: np.ndarray, seconds: float, fps: float
) -> list[tuple[int, int]]:
    """Return the stretches without a label among which to choose: (start, end).

    They begin a quarter of a stretch apart, and the last one ends where a label begins.

    >>> stretches_of(np.array([-1] * 6 + [2] * 3 + [-1] * 3), 4, 1)
    [(0, 4), (1, 5), (2, 6), (9, 12)]
    """
    length = max(round(seconds * fps), 1)
    step = max(length // _STEPS, 1)
    found = []
    for begin, end, _ in to_segments(np.where(label == IGNORED, 0, IGNORED)):
        if end - begin <= length:
            is_long = (end - begin) / fps >= min(_SHORTEST, seconds)
            # A video that is shorter is as good as any other.
            found += [(begin, end)] * (is_long or end - begin == label.size)
        else:
            last = end - length
            starts = [*range(begin, last, step), last]
            found += [(start, start + length) for start in starts]
    return found


def by_video(suggestions: Iterable[Suggestion]) -> list[tuple[str, float, float]]:
    """Return each video, its seconds to label and its best score, the best first."""
    found: dict[str, tuple[float, float]] = {}
    for item in suggestions:
        seconds, best = found.get(item.video, (0.0, 0.0))
        found[item.video] = (seconds + item.end - item.start, max(best, item.score))
    ranked = sorted(found.items(), key=lambda item: -item[1][1])
    return [(name, seconds, best) for name, (seconds, best) in ranked]


def drafts(
    ranking: StretchRanking, suggestions: Sequence[Suggestion]
) -> list[VideoSegments]:
    """Return each video with a suggestion, to be corrected in a labelling tool.

    Its segments are the labels that are there, and in the stretches what is predicted;
    elsewhere it has none, so that nothing that nobody has looked at becomes a label.
    Its marks are the stretches.
    """
    videos = []
    for name, *_ in by_video(suggestions):
        video = ranking.videos[name]
        chosen = [item for item in suggestions if item.video == name]
        predicted = np.full_like(video['pred_label'], IGNORED)
        for item in chosen:
            part = slice(item.start_frame, item.end_frame)
            predicted[part] = video['pred_label'][part]
        fps, classes = video['fps'], ranking.classes
        segments = [
            *labels_to_segments(video['label'], fps, classes),
            *labels_to_segments(predicted, fps, classes, video['pred_score']),
        ]
        videos.append(
            VideoSegments(
                name,
                sorted(segments, key=lambda segment: segment.start),
                fps,
                video['total_frames'],
                video.get('filename'),
                tuple(
                    Segment(item.start, item.end, item.reason)
                    for item in sorted(chosen, key=lambda item: item.start_frame)
                ),
            )
        )
    return videos


def write_suggestions(
    suggestions: Sequence[Suggestion], folder: str | os.PathLike, **more: Any
) -> list[Path]:
    """Write ``suggestions.csv`` and ``.json``, with whatever else the latter says."""
    rows = [{'rank': i, **item.row()} for i, item in enumerate(suggestions, 1)]
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    content = json.dumps({**more, 'stretches': rows}, ensure_ascii=False, indent=1)
    files = {'suggestions.csv': table.getvalue(), 'suggestions.json': content}
    for name, text in files.items():
        atomic_write_text(Path(folder, name), text)
    return [Path(folder, name) for name in files]


def write_drafts(
    videos: Sequence[VideoSegments],
    classes: Sequence[str],
    folder: str | os.PathLike,
    tool: str,
) -> list[Path]:
    """Write drafts for ``boris``, ``elan`` or ``label_studio``."""
    if tool == 'elan':
        paths = [Path(folder, f'{file_name(video.name)}.eaf') for video in videos]
        for path, video in zip(paths, videos, strict=True):
            write_elan(path, video, classes)
        return paths
    if tool == 'boris':
        path = Path(folder, 'drafts.boris')
        write_boris(path, videos, classes)
    else:
        path = Path(folder, 'label_studio.json')
        write_label_studio(path, videos)
    return [path]
