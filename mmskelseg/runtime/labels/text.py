"""Segments as text: tables, subtitles (SubRip, ``.srt``) and time budgets.

A table has the columns ``start``, ``end`` and ``label``, and optionally ``score``,
``video`` and ``tier``. Times are in seconds; cells are separated by commas, semicolons
or tabs.
"""

import csv
import io
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import add, itemgetter

import numpy as np

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.files.parsing import FilePath, as_dicts, number, read_rows
from mmskelseg.runtime.labels.reading import LABEL_FORMATS, video_name
from mmskelseg.runtime.labels.segments import (
    Classes,
    Segment,
    VideoSegments,
    by_tier,
    make_segment,
    sorted_videos,
)
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.structures.time_budget import TimeBudget

_NEEDED = ('start', 'end', 'label')


@LABEL_FORMATS.register('csv', dict.fromkeys(('.csv', '.tsv', '.txt')))
def read_csv_segments(path: FilePath) -> list[VideoSegments]:
    """Return the segments of each video in a table with a header.

    Without the column ``video``, the video is named after the file.
    """
    rows = read_rows(path)
    header = rows[0][1] if rows else []
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise UserError(
            f'{path}: the columns are {", ".join(header) or "none"}, without '
            f'{", ".join(missing)}; the first line must be a header with '
            f'{", ".join(_NEEDED)}.'
        )
    found: dict[str, list[Segment]] = {}
    for place, row in as_dicts(rows, path):
        start, end = (number(row[side], place, side) for side in ('start', 'end'))
        score = number(row['score'], place, 'score') if row.get('score') else None
        more = (row['label'], score, row.get('tier', ''))
        segment = make_segment(place, start, end, *more)
        name = row.get('video') or video_name(str(path))
        found.setdefault(name, []).append(segment)
    videos = [VideoSegments(*item) for item in found.items()]
    return sorted_videos(videos, path)


def write_rows(
    path: FilePath, columns: Iterable[str], rows: Iterable[Iterable[object]]
) -> None:
    """Write a table as CSV, with the names of its columns."""
    table = io.StringIO()
    csv.writer(table, lineterminator='\n').writerows([columns, *rows])
    atomic_write_text(path, table.getvalue())


def write_csv_segments(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write the columns video, start, end, label and score; seconds have 6 decimals.

    A score of None becomes an empty cell. If segments have tiers, so has the table.
    """
    rows = []
    tiers = any(segment.tier for video in videos for segment in video.segments)
    for video in videos:
        for segment in video.segments:
            times = [f'{time:.6f}' for time in (segment.start, segment.end)]
            score = '' if segment.score is None else f'{segment.score:.6f}'
            names = [video.name, segment.tier][: 1 + tiers]
            rows.append([*names, *times, segment.label, score])
    columns = ['video', 'tier'][: 1 + tiers]
    write_rows(path, [*columns, *_NEEDED, 'score'], rows)


def write_time_budget(
    path: FilePath,
    budgets: Mapping[str, TimeBudget] | Mapping[str, Mapping[str, TimeBudget]],
    classes: Classes,
) -> None:
    """Write the time budgets of videos as a table, followed by the sum of several.

    Each row is a class in a video: its number of segments, their total and mean
    duration in seconds, the share of the video's time in percent, and how often each
    class comes next. Unlabelled time, if any, has a row as well. Budgets of several
    tiers are by the tier's name, which then has a column.
    """
    names = list(dict.fromkeys(c for own in by_tier(classes).values() for c in own))
    of_videos = {
        video: budget if isinstance(budget, Mapping) else {'': budget}
        for video, budget in budgets.items()
    }
    if len(of_videos) > 1:
        of_videos['all'] = {
            tier: reduce(add, (own[tier] for own in of_videos.values()))
            for tier in by_tier(classes)
        }
    head = ['video', 'tier'][: 1 + isinstance(classes, Mapping)]
    rows: list[list[object]] = []
    for video, of_tiers in of_videos.items():
        for tier, own in by_tier(classes).items():
            budget, place = of_tiers[tier], [video, tier][: len(head)]
            for k, name in enumerate(own):
                mean = budget.mean[k]
                values = (
                    f'{budget.total[k]:.3f}',
                    '' if np.isnan(mean) else f'{mean:.3f}',
                    f'{budget.share[k]:.3f}',
                )
                next_of = dict(zip(own, budget.transitions[k].tolist(), strict=True))
                following = (next_of.get(c, '') for c in names)
                rows.append([*place, name, budget.number[k], *values, *following])
            if budget.unlabelled > 0:
                share = f'{100 - budget.share.sum() / budget.tiers:.3f}'
                times = ['', f'{budget.unlabelled:.3f}', '', share]
                rows.append([*place, 'unlabelled', *times, *[''] * len(names)])
    columns = [*head, 'class', 'segments', 'total_s', 'mean_s', 'share_percent']
    write_rows(path, [*columns, *(f'next: {c}' for c in names)], rows)


def write_srt(path: FilePath, segments: Sequence[Segment]) -> None:
    """Write a subtitle for each segment, with its confidence, if there is one.

    Players show the file with a video of the same name. Since few show two subtitles at
    once, a subtitle has a line for each tier, and ends when one of them changes.
    """
    shown = [(segment.start, segment.end, [segment]) for segment in segments]
    if any(segment.tier for segment in segments):
        edges = sorted({time for start, end, _ in shown for time in (start, end)})
        at: dict[float, list[Segment]] = {edge: [] for edge in edges}
        tiers = list(dict.fromkeys(segment.tier for segment in segments))
        for segment in sorted(segments, key=lambda s: tiers.index(s.tier)):
            first, last = (bisect(edges, t) for t in (segment.start, segment.end))
            for edge in edges[first - 1 : last - 1]:
                at[edge].append(segment)
        shown = [(start, end, at[start]) for start, end in pairwise(edges)]
    blocks = []
    for i, (start, end, lines) in enumerate(filter(itemgetter(2), shown), 1):
        text = '\n'.join(map(_subtitle, lines))
        blocks.append(f'{i}\n{_clock(start)} --> {_clock(end)}\n{text}\n\n')
    atomic_write_text(path, ''.join(blocks))


def _subtitle(segment: Segment) -> str:
    score = '' if segment.score is None else f' ({segment.score:.0%})'
    return ' '.join(segment.name.split()) + score


def _clock(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    return f'{minutes // 60:02d}:{minutes % 60:02d}:{second:02d},{milliseconds:03d}'
