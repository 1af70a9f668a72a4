"""Bouts from files of labels and predictions, and tables of their statistics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from logging import WARNING
from math import inf, isnan
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.inputs import MOST_SECONDS
from mmskelseg_io.files.metainfo_checks import check_metainfo
from mmskelseg_io.files.parsing import FilePath, read_json
from mmskelseg_io.files.typed import Name, Rate, typed
from mmskelseg_io.labels.segments import (
    Classes,
    Ethogram,
    Segment,
    VideoSegments,
    by_tier,
    check_segment,
    make_segment,
    tiers_to_segments,
)
from mmskelseg_io.labels.text import write_rows
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.errors import UserError, misfit, reads_file
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.annotations import AnnotationFile
from mmskelseg_io.structures.bouts import MEASURES, Bouts, BoutStatistics
from mmskelseg_io.structures.tiers import Tier, flat_classes, tiers_of

# BORIS ends a state a millisecond before the next one of its kind begins.
_TOUCH = 0.002
# Start, end and class of a bout.
_Row = tuple[float, float, int]


@dataclass(frozen=True)
class _Span:
    start: float
    end: float
    label: str
    tier: str = ''


@dataclass(frozen=True)
class _Prediction:
    frame_dir: Name
    fps: Rate
    total_frames: int
    classes: list[str]
    segments: list[_Span]
    tiers: dict[str, list[str]] | None = None
    background: str | int | dict[str, str | int | None] | None = None
    colors: dict[str, str] = field(default_factory=dict)


@reads_file
def read_prediction(path: FilePath) -> tuple[VideoSegments, Classes] | None:
    """Return segments and classes of a ``segments.json`` of `mmskelseg segment`.

    Return None for any other file.
    """
    if Path(path).suffix.lower() != '.json' or Path(path).is_dir():
        return None
    content = read_json(path, '`mmskelseg segment`')
    if not isinstance(content, dict) or 'total_frames' not in content:
        return None
    found = typed(content, _Prediction, path, 'segment the video again')
    fps, frames = float(found.fps), found.total_frames
    stated = {
        'classes': found.classes,
        'background': found.background,
        'colors': found.colors,
        **({'tiers': found.tiers} if found.tiers else {}),
    }
    check_metainfo(stated, str(path))
    if not 0 <= frames <= MOST_SECONDS * fps:
        expected = f'from none to ten years at {fps:g} fps'
        raise misfit(path, 'total_frames', frames, expected, 'segment the video again')
    segments = [
        make_segment(f'{path}: segment {i}', s.start, s.end, s.label, tier=s.tier)
        for i, s in enumerate(found.segments)
    ]
    known = found.tiers or found.classes
    about = stated_by(tiers_of(stated))
    return VideoSegments(found.frame_dir, segments, fps, frames, **about), known


def annotated(data: AnnotationFile) -> tuple[list[VideoSegments], Classes]:
    """Return the segments of the videos of annotations, and their classes."""
    meta, videos = data['metainfo'], []
    tiers = tiers_of(meta)
    for video in data['annotations']:
        fps = float(video['fps'])
        segments = tiers_to_segments(video['label'], fps, tiers)
        frames = video['total_frames']
        name = video['frame_dir']
        videos.append(VideoSegments(name, segments, fps, frames, **stated_by(tiers)))
    return videos, meta.get('tiers') or list(meta['classes'])


def stated_by(tiers: Sequence[Tier]) -> dict[str, Any]:
    """Return what tiers state, as :class:`VideoSegments` has it."""
    rests = [pair for tier in tiers for pair in tier.rests]
    return {'rests': rests, 'ethogram': Ethogram.of(tiers)}


def to_bouts(
    video: VideoSegments,
    classes: Classes,
    place: str,
    *,
    background: str | None = None,
    absences: Mapping[str, str] | None = None,
    duration: float | None = None,
) -> Bouts:
    """Return the bouts of a recording; segments of one class that touch are one bout.

    Args:
        video: Its segments.
        classes: Names in the order of ids; of several tiers, by their names.
        background: Class of unlabelled time, in the tiers that have it; by default it
            counts as not observed.
        absences: Class of unlabelled time in further tiers, by their names.
        duration: Length of the recording in seconds; by default as its file states it,
            or else until its last segment.

    Raises:
        UserError: If segments overlap or are outside of the recording, or if its
            duration is needed for the background and unknown.
    """
    duration = video.seconds if duration is None else duration
    if duration is None and background is not None:
        raise UserError(
            f'{place}: its file does not state how long the recording is, so the time '
            f'of {background!r} is unknown; give --duration SECONDS.'
        )
    stated = {'tiers' if isinstance(classes, Mapping) else 'classes': classes}
    tiers = tiers_of(stated)
    found = []
    for tier in tiers:
        own = [segment for segment in video.segments if segment.tier == tier.name]
        found.append(_rows(own, tier.classes, place, duration))
    if duration is None:
        duration = max((end for own in found for _, end, _ in own), default=0.0)
    rows: list[_Row] = []
    for tier, of_tier in zip(tiers, found, strict=True):
        fill = background if background in tier.classes else None
        fill = (absences or {}).get(tier.name, fill)
        if fill is not None:
            of_tier = _filled(of_tier, tier.classes.index(fill), duration)
        joined = _merged(of_tier)
        rows += [(start, end, tier.rows.start + k) for start, end, k in joined]
    table = np.array(rows, float).reshape(-1, 3)
    label = table[:, 2].astype(np.int64)
    ids = tuple(tier.rows for tier in tiers)
    return Bouts(table[:, 0], table[:, 1], label, duration, ids)


def _rows(
    segments: Sequence[Segment],
    classes: Sequence[str],
    place: str,
    duration: float | None,
) -> list[_Row]:
    """Return start, end and class of the segments of a tier."""
    rows: list[_Row] = []
    before: Segment | None = None
    for segment in sorted(segments, key=lambda s: (s.start, s.end)):
        check_segment(segment, duration or inf, classes, place)
        start, end = max(segment.start, 0.0), min(segment.end, duration or inf)
        at = rows[-1][1] if rows else 0.0
        if start < at - _TOUCH:
            raise UserError(
                f'{place}: {before} and {segment} overlap; a recording has one class '
                'at a time, so correct one of them.'
            )
        start = at if start < at + _TOUCH else start
        if start >= end:
            print_log(f'{place}: {segment} is too short and is left out.', WARNING)
            continue
        rows.append((start, end, classes.index(segment.label)))
        before = segment
    return rows


def _filled(rows: Sequence[_Row], other: int, duration: float) -> list[_Row]:
    """Return rows with those of another class in their gaps."""
    edges = [(0.0, 0.0, other), *rows, (duration, duration, other)]
    gaps = [(a[1], b[0], other) for a, b in pairwise(edges) if a[1] < b[0]]
    return sorted([*rows, *gaps])


def _merged(rows: Iterable[_Row]) -> list[_Row]:
    """Return rows of which those of one class that touch are one."""
    merged: list[_Row] = []
    for start, end, label in rows:
        if merged and merged[-1][1:] == (start, label):
            start = merged.pop()[0]
        merged.append((start, end, label))
    return merged


def write_table(path: FilePath, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows with equal columns as CSV; NaN becomes an empty cell."""
    each = iter(rows)
    first = next(each)
    cells = ([_cell(*item) for item in row.items()] for row in chain([first], each))
    write_rows(path, first, cells)


def _cell(column: str, value: object) -> object:
    if not isinstance(value, float):
        return value
    text = f'{value:.4g}' if column in ('p', 'p_holm') else f'{value:.3f}'
    return '' if isnan(value) else text


def bout_rows(
    statistics: BoutStatistics, classes: Sequence[str]
) -> list[dict[str, object]]:
    """Return a row for each class: its measures, and how often each class follows."""
    following = statistics.budget.transitions.tolist()
    rows = zip(*statistics.measures().values(), strict=True)
    return [
        {
            'class': name,
            **dict(zip(MEASURES, map(float, values), strict=True)),
            'bouts': int(values[0]),
            'observed_s': float(statistics.observed[k]),
            **{f'next: {c}': n for c, n in zip(classes, following[k], strict=True)},
        }
        for k, (name, values) in enumerate(zip(classes, rows, strict=True))
    ]


@register_export('bouts', 'bouts.csv', 'Bout statistics (CSV)', is_of_one=True)
def write_bouts(
    path: FilePath, videos: Sequence[VideoSegments], classes: Classes
) -> None:
    """Write the statistics of each class of each recording as a table."""
    names = flat_classes(by_tier(classes))
    rows: list[dict[str, object]] = []
    for video in videos:
        statistics = to_bouts(video, classes, video.name).statistics(len(names))
        rows += [{'video': video.name, **row} for row in bout_rows(statistics, names)]
    write_table(path, rows)
