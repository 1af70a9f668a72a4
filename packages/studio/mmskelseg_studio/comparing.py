"""Where two observers of the same recordings disagree, and what was settled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmskelseg_behaviour.functional.agreement import (
    cohen_kappa,
    common_labels,
    disagreements,
    one_against_rest,
)
from mmskelseg_behaviour.functional.segmental import f1_from_counts
from mmskelseg_behaviour.functional.videos import EvaluatedVideos, Video
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.project import Change, LabelSegment, Project


@dataclass(frozen=True)
class _Pair:
    """A tier of both, its index in the first project, and the classes of either."""

    index: int
    mine: LabelTier
    theirs: LabelTier

    @property
    def classes(self) -> list[str]:
        return [*dict.fromkeys([*self.mine.ids, *self.theirs.ids])]

    def labels(self, mine: Project, theirs: Project, name: str) -> np.ndarray:
        """Return the labels of both in a recording, (2, T), by the order of classes."""
        rows = []
        for project, tier in ((mine, self.mine), (theirs, self.theirs)):
            places = [self.classes.index(one) for one in tier.ids]
            ids = project.frame_labels(name, [tier])
            rows.append(np.array([*places, IGNORED])[ids])
        return np.stack(rows)


def compare(
    mine: Project, theirs: Project, observer: str, names: Sequence[str]
) -> dict[str, Any]:
    """Return how far the labels of two projects agree, in types of JSON.

    As in `mmskelseg agree`, time that one of them has not labelled does not count, and
    tiers and classes are those of the same name.

    Args:
        mine: The project whose ids classes and tiers have.
        theirs: That of the ``observer``.
        names: The recordings to compare, which ``mine`` has.

    Returns:
        ``overall`` has a row for each tier: kappa, F1@50 in percent, seconds with two
        labels, the same of each class, and of each recording. ``disagreements`` are the
        longest first, each with what was settled. ``labels`` are theirs: by recording
        and tier, start, end, class, no score, and name. ``notes`` say what is left out.
    """
    pairs, notes = _paired(mine, theirs)
    common, more = _common(mine, theirs, names)
    verdicts = _verdicts(mine, observer)
    overall, found = [], []
    for pair in pairs:
        labels = {name: pair.labels(mine, theirs, name) for name in common}
        overall.append(_agreement(labels, pair, mine))
        for name, own in labels.items():
            for row in _disagreements(own, pair):
                key = (name, pair.index, row['start'], row['end'], row['mine'])
                take = verdicts.get(key, '')
                where = {'recording': name, 'tier': pair.index}
                seconds = (row['end'] - row['start']) / mine.recordings[name].fps
                found.append({**where, **row, 'seconds': seconds, 'take': take})
    return {
        'overall': overall,
        'disagreements': sorted(found, key=lambda row: -row['seconds']),
        'labels': {name: _rows(theirs, pairs, mine, name) for name in common},
        'notes': [*notes, *more],
    }


def _paired(mine: Project, theirs: Project) -> tuple[list[_Pair], list[str]]:
    """Return the tiers of both, by name or as the only ones, and notes on others."""
    own = {tier.name: tier for tier in mine.states}
    others = {tier.name: tier for tier in theirs.states}
    if len(own) == len(others) == 1:
        # It may have got another name.
        others = dict(zip(own, others.values(), strict=True))
    pairs = [
        _Pair(mine.tiers.index(tier), tier, others[name])
        for name, tier in own.items()
        if name in others
    ]
    alone = {*own} ^ {*others}
    notes = [f'Only one of you has the tier {name!r}.' for name in sorted(alone)]
    return pairs, notes


def _common(
    mine: Project, theirs: Project, names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the recordings of both, and notes on those of other frames."""
    common, notes = [], []
    for name in names:
        own, other = mine.recordings[name], theirs.recordings.get(name)
        if other is None:
            continue
        if (own.frames, own.fps) == (other.frames, other.fps):
            common.append(name)
        else:
            notes.append(
                f'{name} is left out: you labelled {own.frames} frames at {own.fps:g} '
                f'fps, and the other {other.frames} at {other.fps:g}.'
            )
    return common, notes


def _agreement(
    labels: Mapping[str, np.ndarray], pair: _Pair, mine: Project
) -> dict[str, Any]:
    """Return the agreement in a tier: overall, by class, and by recording."""
    rows, videos, seconds = {}, [], 0.0
    for name, own in labels.items():
        first, second = common_labels(own)
        both = np.count_nonzero(first != IGNORED) / mine.recordings[name].fps
        if both:
            videos.append(Video(second, first, np.empty((len(pair.classes), 0))))
            rows[name] = {'seconds': both, **_scores(videos[-1:], pair)[0]}
            seconds += both
    overall, classes = _scores(videos, pair)
    return {
        'tier': pair.mine.name,
        'seconds': seconds,
        **overall,
        'classes': classes,
        'recordings': rows,
    }


def _scores(
    videos: Sequence[Video], pair: _Pair
) -> tuple[dict[str, float | None], list[dict[str, Any]]]:
    """Return kappa and F1@50 of recordings, and those of each class."""
    if not videos:
        return {'kappa': None, 'f1': None}, []
    tier, classes = pair.mine, pair.classes
    background = None if tier.background is None else tier.names[tier.background]
    place = None if background is None else classes.index(background)
    evaluated = EvaluatedVideos(videos, len(classes), place)
    # Of the largest overlap.
    counts = evaluated.counts[:, -1].sum(axis=0)
    confusion = evaluated.confusion
    of_classes = [
        {'class': name, **_row(table, count)}
        for name, table, count in zip(
            classes, one_against_rest(confusion), counts, strict=True
        )
    ]
    return _row(confusion, counts.sum(axis=0)), of_classes


def _row(confusion: np.ndarray, counts: np.ndarray) -> dict[str, float | None]:
    kappa = cohen_kappa(confusion)
    return {
        'kappa': None if np.isnan(kappa) else kappa,
        'f1': float(f1_from_counts(counts)) if counts.any() else None,
    }


def _disagreements(labels: np.ndarray, pair: _Pair) -> Iterator[dict[str, Any]]:
    """Yield start, end, my class and the name of theirs, where they differ."""
    classes = pair.classes
    for start, end in disagreements(labels):
        mine, theirs = labels[:, start].tolist()
        yield {
            'start': start,
            'end': end,
            'mine': pair.mine.ids[classes[mine]],
            'theirs': classes[theirs],
        }


def _verdicts(
    project: Project, observer: str
) -> Mapping[tuple[str, int, int, int, int], str]:
    """Return what was settled, by recording, tier, start, end and the class then."""
    found = {}
    for entry in project.history[: len(project.history) - project.undone]:
        if not isinstance(entry, Change) or entry.settled is None:
            continue
        given = entry.settled
        if given['observer'] == observer:
            where = entry.recording, entry.tier, given['start'], given['end']
            kinds = [k for a, b, k, *_ in entry.after if a <= given['start'] < b]
            found.update({(*where, kind): given['take'] for kind in kinds})
    return found


def _rows(
    theirs: Project, pairs: Sequence[_Pair], mine: Project, name: str
) -> list[list[tuple[int, int, int, None, str]]]:
    """Return their segments of a recording by my tiers; a class I lack has id -2."""
    rows: list[list] = [[] for _ in mine.tiers]
    own: Sequence[Sequence[LabelSegment]] = theirs.visible(name)
    for pair in pairs:
        names, ids = pair.theirs.names, pair.mine.ids
        rows[pair.index] = [
            (start, end, ids.get(names[kind], -2), None, names[kind])
            for start, end, kind, *_ in own[theirs.tiers.index(pair.theirs)]
            if kind != IGNORED
        ]
    return rows
