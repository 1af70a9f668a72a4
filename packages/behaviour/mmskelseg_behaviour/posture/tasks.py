"""Ergonomic risk of a recording: by frame, by task, and its worst moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmskelseg_behaviour.posture.angles import ANGLES, NEEDED, SIDES, Posture, measure
from mmskelseg_behaviour.posture.scores import (
    BODY,
    METHODS,
    Bounds,
    Work,
    points_of,
    reba_parts,
)
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.skeleton import Skeleton
from mmskelseg_io.structures.tiers import flat_label, tiers_of

#: The action levels of which tables have the share of the time.
LEVELS = (2, 3, 4)
# A moment lasts this long, in seconds, and is so far from the next.
_MOMENT, _APART = 0.5, 2.0


@dataclass(frozen=True)
class Risk:
    """REBA and RULA of the T frames of a recording, by their names in ``METHODS``.

    ``label`` has the ids of all classes, (tiers, T), -1 for none. ``seen`` (T,) says
    where the flexion of the trunk and of an arm is known; other frames are left out of
    all numbers, since almost any score may be theirs, and so are those that ``failed``
    (T,), in which some angle is none that people have. ``parts`` are those of
    :func:`~mmskelseg_behaviour.posture.scores.reba_parts`.
    """

    scores: Mapping[str, Bounds]
    label: np.ndarray
    fps: float
    seen: np.ndarray
    failed: np.ndarray
    parts: Mapping[str, Bounds] = field(default_factory=dict)

    def task_rows(self, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield a row for each method and class of which something is seen.

        It has the seconds of the class, and the percentage of them in which enough is
        seen, and of those that failed; of what is seen, the mean score, of the low and
        the high ends of its range; the share of the time in percent at an action level
        of 2, 3 or 4 or above, of both; and the score and the time of its worst moment.
        """
        for name, method in METHODS.items():
            score = self.scores[name]
            ends = {'low': score.low, 'high': score.high}
            for k, task in enumerate(classes):
                whole = (self.label == k).any(axis=0)
                own = whole & self.seen
                if not own.any():
                    continue
                (worst,) = self.worst(name, 1, own)
                row: dict[str, Any] = {
                    'class': task,
                    'method': name.upper(),
                    'seconds': float(whole.sum() / self.fps),
                    'seen_percent': 100 * float(own.sum() / whole.sum()),
                    'failed_percent': 100 * float(self.failed[whole].mean()),
                }
                row |= {f'mean_{e}': float(v[own].mean()) for e, v in ends.items()}
                for level in LEVELS:
                    for end, values in ends.items():
                        share = (method.level(values[own]) >= level).mean()
                        row[f'level_{level}_{end}'] = 100 * float(share)
                row |= {f'worst_{e}': int(v[worst]) for e, v in ends.items()}
                yield {**row, 'worst_s': worst / self.fps}

    def worst(self, method: str, most: int, own: np.ndarray | None = None) -> list[int]:
        """Return the frames of the worst moments, the worst first, apart by seconds.

        A moment lasts half a second, so that single frames do not count; it is within
        ``own`` (T,), by default wherever enough is seen.
        """
        score, length = self.scores[method].middle, max(1, round(_MOMENT * self.fps))
        count = np.convolve(np.ones(len(score)), np.ones(length), 'same')
        mean = np.convolve(score, np.ones(length), 'same')[: len(score)]
        mean = mean / count[: len(score)]
        left = np.where(self.seen if own is None else own, mean, -np.inf)
        found: list[int] = []
        while len(found) < most and np.isfinite(left).any():
            # The highest score of the moments that are equally bad.
            best = np.flatnonzero(left == left.max())
            frame = int(best[score[best].argmax()])
            found.append(frame)
            begin = max(0, frame - round(_APART * self.fps))
            left[begin : frame + round(_APART * self.fps) + 1] = -np.inf
        return found

    def task(self, frame: int, classes: Sequence[str]) -> tuple[int, str]:
        """Return the first class of a frame, -1 for none, and the names of all."""
        ids = [int(k) for k in self.label[:, frame] if k >= 0]
        return (*ids, -1)[0], ' + '.join(classes[k] for k in ids) or 'unlabelled'

    def words(self, frame: int, posture: Posture) -> str:
        """Return scores, and those of REBA's parts that are not at their best.

        Such as ``REBA 7-8, RULA 6: trunk 4 (75°), load 2``, with flexions.
        """
        degrees = posture.flexions(frame)
        scores = (
            f'{name.upper()} {_range(score, frame)}'
            for name, score in self.scores.items()
        )
        parts = (
            f'{name} {_range(score, frame)}'
            + (f' ({degrees[name]}°)' if name in degrees else '')
            for name, score in self.parts.items()
            if score.low[frame] > (name in BODY)
        )
        return ': '.join(filter(None, (', '.join(scores), ', '.join(parts))))


def _range(score: Bounds, frame: int) -> str:
    return range_of(int(score.low[frame]), int(score.high[frame]))


def range_of(low: int, high: int) -> str:
    """Return a range of scores in words.

    >>> range_of(3, 5), range_of(4, 4)
    ('3-5', '4')
    """
    return str(low) if low == high else f'{low}-{high}'


def assess(
    video: VideoAnnotation,
    label: np.ndarray,
    metainfo: Metainfo,
    station: Mapping[str, Work],
) -> tuple[Posture, Risk]:
    """Return posture and risk of the person of a video.

    Args:
        video: See :func:`~mmskelseg_behaviour.posture.angles.measure`.
        label: Ids of all classes, (T,) or (tiers, T), -1 for none.
        metainfo: Its classes, and up, view and skeleton of the joints.
        station: The work in each class, see
            :func:`~mmskelseg_behaviour.posture.scores.read_station`.

    Raises:
        UserError: If the joints are not those of a person.
    """
    skeleton = Skeleton.get(metainfo['skeleton'])
    posture = measure(video, skeleton, metainfo)
    if posture is None:
        raise UserError(
            f'{video["frame_dir"]}: joint angles, REBA and RULA are of people, but '
            f'the joints of {skeleton.name} have no left and right '
            f'{", ".join(NEEDED)}; name them so, if they are those of a person.'
        )
    points = points_of(label, metainfo['classes'], station)
    scores = {name: one.score(posture, points) for name, one in METHODS.items()}
    angles = [posture[f'{side}_shoulder_flexion'] for side in SIDES]
    failed = posture.failures.frames
    seen = np.isfinite(posture['trunk_flexion']) & np.isfinite(angles).any(axis=0)
    rows, parts = np.atleast_2d(label), reba_parts(posture, points)
    fps = float(video['fps'])
    return posture, Risk(scores, rows, fps, seen & ~failed, failed, parts)


def rows_of_videos(
    videos: Sequence[VideoAnnotation], metainfo: Metainfo
) -> list[dict[str, Any]]:
    """Return the rows of :meth:`Risk.task_rows` of all labelled videos together.

    They are without load, grip and activity; ``worst_video`` names the video of the
    worst moment. None without joints of people in 3D, since others leave wide ranges.
    """
    own = [video for video in videos if 'keypoint_3d' in video]
    skeleton, tiers = Skeleton.get(metainfo['skeleton']), tiers_of(metainfo)
    if not own or measure(own[0], skeleton, metainfo) is None:
        return []
    risks = [
        assess(video, flat_label(video['label'], tiers), metainfo, {})[1]
        for video in own
    ]
    ends = np.cumsum([risk.label.shape[1] for risk in risks])
    scores = {
        name: Bounds(
            np.concatenate([risk.scores[name].low for risk in risks]),
            np.concatenate([risk.scores[name].high for risk in risks]),
        )
        for name in METHODS
    }
    label = np.concatenate([risk.label for risk in risks], axis=1)
    seen, failed = (
        np.concatenate(each)
        for each in zip(*((risk.seen, risk.failed) for risk in risks), strict=True)
    )
    together = Risk(scores, label, risks[0].fps, seen, failed)
    rows = []
    for row in together.task_rows(metainfo['classes']):
        frame = round(row['worst_s'] * together.fps)
        i = int(np.searchsorted(ends, frame, 'right'))
        seconds = (frame - ends[i] + risks[i].label.shape[1]) / together.fps
        name = own[i]['frame_dir']
        rows.append({**row, 'worst_video': name, 'worst_s': float(seconds)})
    return rows


def frame_rows(
    posture: Posture, risk: Risk, classes: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield a row for each frame: time, class, scores and angles in degrees.

    ``seen`` is 1 where the frame counts, else 0; ``failures`` says which angles are
    none that people have, so that it does not.
    """
    names = [*classes, '']
    for i, ids in enumerate(risk.label.T):
        yield {
            'time_s': i / risk.fps,
            'class': ' + '.join(filter(None, (names[k] for k in ids))),
            'seen': int(risk.seen[i]),
            'failures': posture.failures.reasons(i),
            **{
                f'{name}_{end}': int(values[i])
                for name, score in risk.scores.items()
                for end, values in (('low', score.low), ('high', score.high))
            },
            **{name: float(posture[name][i]) for name in ANGLES},
        }
