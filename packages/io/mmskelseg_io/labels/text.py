"""Segments as text: tables, subtitles (SubRip, ``.srt``) and time budgets.

A table has the columns ``start``, ``end`` and ``label``, and optionally ``score``,
``video``, ``tier``, ``modifiers`` and ``comment``. Times are in seconds; cells are
separated by commas, semicolons or tabs.
"""

import csv
import io
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from importlib import import_module
from itertools import pairwise
from math import isnan
from operator import add, itemgetter

import numpy as np

from mmskelseg_io.files.atomic import atomic_write, atomic_write_text
from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, number, read_dicts
from mmskelseg_io.labels.reading import (
    ETHOGRAM_FORMATS,
    LABEL_FORMATS,
    TABLES,
    FoundVideos,
    segments_of,
)
from mmskelseg_io.labels.segments import (
    ClassInfo,
    Segment,
    VideoSegments,
    make_segment,
    segment_columns,
)
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.time_budget import TimeBudget

_NEEDED = ('start', 'end', 'label')
_OF_CLASS = ('tier', 'key', 'color', 'description', 'group', 'kind')
_OPTIONAL = ('individual', 'target', 'tier', 'modifiers', 'comment')
_NUMBERS = ('start', 'end', 'score')


@LABEL_FORMATS.register(
    'csv',
    dict.fromkeys(TABLES),
    refused={'.xls': 'a workbook of old; save it as .xlsx, or as CSV in UTF-8'},
)
def read_csv_segments(
    path: FilePath,
    *,
    subject: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the segments of each video in a table with a header.

    Without the column ``video``, the video is named after the file. The columns
    ``score``, ``tier``, ``individual``, ``target``, ``modifiers`` and ``comment`` are
    optional, too. Videos without the subject, or of several without the option, are
    skipped, with a note.

    Args:
        path: The table.
        subject: Read only segments of this individual; needed if a video has several.
            ``each`` reads those of all.
        strict: Whether a video that does not fit is an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    found: dict[str, list[Segment]] = {}
    for place, row in read_dicts(path, *_NEEDED):
        start, end = (
            number(row[side], place, f'{side} in seconds') for side in ('start', 'end')
        )
        score = number(row['score'], place, 'score') if row.get('score') else None
        more = {column: row.get(column, '') for column in _OPTIONAL}
        segment = make_segment(place, start, end, row['label'], score, **more)
        name = row.get('video', video_name(str(path)))
        if not name:
            raise UserError(f"{place}: video is '', expected its name; fill the cell.")
        found.setdefault(name, []).append(segment)
    parts = FoundVideos(path, 'videos', '', strict, notes)
    for name, segments in found.items():
        place = f'{path}: video {name!r}'
        with parts.part(repr(name), place) as videos:
            videos.append(VideoSegments(name, segments_of(segments, subject, place)))
    return parts.read()


@ETHOGRAM_FORMATS.register(
    'csv', dict.fromkeys(('.csv', '.tsv', '.txt'), lambda row: 'class' in row)
)
def read_csv_classes(path: FilePath) -> list[ClassInfo]:
    """Return the classes in a table with a header.

    Its columns are ``class`` and optionally ``tier``, ``key``, ``color`` (or
    ``colour``), ``description``, ``group`` and ``kind``, ``state`` or ``point``.
    """
    found = []
    for place, row in read_dicts(path, 'class'):
        texts = {column: row.get(column, '').strip() for column in _OF_CLASS}
        texts['kind'] = texts['kind'] or 'state'
        texts['color'] = (texts['color'] or row.get('colour', '').strip()).lower()
        found.append(ClassInfo(row['class'].strip(), **texts))
        found[-1].check(f'{place}: ')
    return found


def write_csv_classes(path: FilePath, classes: Sequence[ClassInfo]) -> None:
    """Write classes as :func:`read_csv_classes` reads them."""
    rows = [[one.name, *(vars(one)[column] for column in _OF_CLASS)] for one in classes]
    write_rows(path, ['class', *_OF_CLASS], rows)


def write_rows(
    path: FilePath, columns: Iterable[str], rows: Iterable[Iterable[object]]
) -> None:
    """Write a table as CSV, with the names of its columns."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator='\n')
    writer.writerow(columns)
    writer.writerows(rows)
    atomic_write_text(path, table.getvalue())


@register_export('csv', 'segments.csv', 'Table of segments (CSV)', by_default=True)
def write_csv_segments(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write the columns video, start, end, label and score; seconds have 6 decimals.

    A score of None becomes an empty cell. If segments have tiers, individuals, targets,
    modifiers or comments, so has the table.
    """
    columns = segment_columns(videos)
    for name in _NUMBERS:
        columns[name] = ['' if isnan(x) else f'{x:.6f}' for x in columns[name]]
    write_rows(path, columns, zip(*columns.values(), strict=True))


@register_export(
    'parquet', 'segments.parquet', 'Table of segments (Parquet)', package='pyarrow'
)
def write_parquet(path: FilePath, videos: Sequence[VideoSegments]) -> None:
    """Write the table of segments as Parquet, for pandas, R and the like.

    Raises:
        DependencyError: If pyarrow is not installed.
    """
    arrow = import_optional('pyarrow', 'Parquet')
    kinds = dict.fromkeys(_NUMBERS, arrow.float64())
    columns = {
        # NaN, no score, is no value.
        name: arrow.array(values, kinds.get(name, arrow.string()), from_pandas=True)
        for name, values in segment_columns(videos).items()
    }
    with atomic_write(path) as file:
        import_module('pyarrow.parquet').write_table(arrow.table(columns), file)


@register_export('budget', 'time_budget.csv', 'Time budget (CSV)')
def write_time_budget(
    path: FilePath, budgets: Mapping[str, TimeBudget], names: Sequence[str]
) -> None:
    """Write the time budgets of videos as a table, followed by the sum of several.

    ``names`` are those of the classes. Each row is a class in a video: its number of
    segments, their total and mean duration in seconds, the share of the video's time in
    percent, and how often each class comes next. Unlabelled time, if any, has a row as
    well, the mean over tiers.
    """
    rows: list[list[object]] = []
    budgets = dict(budgets)
    if len(budgets) > 1:
        budgets['all'] = reduce(add, budgets.values())
    for video, budget in budgets.items():
        for k, name in enumerate(names):
            mean = budget.mean[k]
            values = (
                f'{budget.total[k]:.3f}',
                '' if np.isnan(mean) else f'{mean:.3f}',
                f'{budget.share[k]:.3f}',
            )
            following = budget.transitions[k].tolist()
            rows.append([video, name, budget.number[k], *values, *following])
        if budget.unlabelled > 0:
            share = f'{100 - budget.share.sum() / budget.tiers:.3f}'
            times = ['', f'{budget.unlabelled / budget.tiers:.3f}', '', share]
            rows.append([video, 'unlabelled', *times, *[''] * len(names)])
    columns = ('video', 'class', 'segments', 'total_s', 'mean_s', 'share_percent')
    write_rows(path, [*columns, *(f'next: {c}' for c in names)], rows)


@register_export('srt', 'segments.srt', 'Subtitles', by_default=True, is_of_one=True)
def _write_subtitles(path: FilePath, video: VideoSegments) -> None:
    write_srt(path, video.segments)


def write_srt(path: FilePath, segments: Sequence[Segment]) -> None:
    """Write a subtitle for each segment, with its confidence, if there is one.

    Players show the file with a video of the same name. Since few show two subtitles at
    once, a subtitle has a line for each tier of each individual, and ends when one of
    them changes. Of several individuals, each line begins with the name.
    """
    shown = [(segment.start, segment.end, [segment]) for segment in segments]
    is_named = len({segment.individual for segment in segments}) > 1
    if is_named or any(segment.tier for segment in segments):
        edges = sorted({time for start, end, _ in shown for time in (start, end)})
        at: dict[float, list[Segment]] = {edge: [] for edge in edges}
        rows = list(dict.fromkeys((one.individual, one.tier) for one in segments))
        for segment in sorted(
            segments, key=lambda one: rows.index((one.individual, one.tier))
        ):
            first, last = (bisect(edges, t) for t in (segment.start, segment.end))
            for edge in edges[first - 1 : last - 1]:
                at[edge].append(segment)
        shown = [(start, end, at[start]) for start, end in pairwise(edges)]
    blocks = []
    for i, (start, end, lines) in enumerate(filter(itemgetter(2), shown), 1):
        text = '\n'.join(_subtitle(line, is_named) for line in lines)
        blocks.append(f'{i}\n{_clock(start)} --> {_clock(end)}\n{text}\n\n')
    atomic_write_text(path, ''.join(blocks))


def _subtitle(segment: Segment, is_named: bool) -> str:
    score = '' if segment.score is None else f' ({segment.score:.0%})'
    who = f'{segment.individual}: ' * (is_named and bool(segment.individual))
    return ' '.join(f'{who}{segment.name}'.split()) + score


def _clock(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    minutes, second = divmod(whole, 60)
    return f'{minutes // 60:02d}:{minutes % 60:02d}:{second:02d},{milliseconds:03d}'
