"""Writes an ethogram with bout statistics, and compares groups of individuals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from math import ceil
from operator import add
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmskelseg.behaviour.recordings import read_recordings
from mmskelseg.evaluation.functional.group_comparison import compare_groups
from mmskelseg.runtime.drawing.images import save_png
from mmskelseg.runtime.drawing.timelines import draw_ethogram
from mmskelseg.runtime.inputs import LabelInput
from mmskelseg.runtime.jobs.command_line import number_from
from mmskelseg.runtime.jobs.events import Events
from mmskelseg.runtime.jobs.job import Job
from mmskelseg.runtime.labels.bouts import bout_rows, read_groups, write_table
from mmskelseg.runtime.labels.segments import by_tier
from mmskelseg.runtime.messages.errors import UserError, escaped
from mmskelseg.runtime.messages.options import Positive, argument, like, option
from mmskelseg.runtime.structures.bouts import MEASURES, Bouts, BoutStatistics
from mmskelseg.runtime.structures.choices import EACH
from mmskelseg.runtime.structures.tiers import flat_classes

# The most recordings in a picture.
_ROWS = 100
# The most cells of a table: a million rows, the most of a spreadsheet, of 32 columns.
_MOST_CELLS = 1 << 25


@dataclass(frozen=True, kw_only=True)
class DescribeBouts(Job[list[Path]]):
    """Writes an ethogram with bout statistics, and compares groups of individuals.

        %(prog)s out --out bouts
        %(prog)s project.boris --background other --duration 600 --groups groups.csv

    LABELS are files of a labelling tool, the segments.json of `mmskelseg segment`,
    folders of either, or annotation files. In a folder that `segment` wrote, only
    segments.json files are read, or else segments.csv. OUT gets these files:

      bouts.csv              bouts of each class in each recording: number, rate per
                             minute, total duration, share of the observed time; mean,
                             median and standard deviation of their durations; latency
                             to the first; and how often each class comes next
      bouts_by_bin.csv       the same for each part of --bin seconds
      comparison.csv         each measure of each class, compared between groups
      comparison_by_bin.csv  the same for each part
      ethogram.png           the classes over time, a row for each recording

    Time without a label is not observed time, unless --background names its class.
    Tiers, and classes that overlap, as in `convert keypoints`, are counted
    independently. Two groups are compared by the Mann-Whitney U test (exact up to 50
    individuals), more groups by Kruskal-Wallis; p_holm is corrected for the number of
    classes (docs/animals.md).
    """

    labels: Sequence[Path] = argument(
        'label files, segments.json, folders of them, or annotation files',
        metavar='LABELS',
    )
    out: Path = option('folder for the files', metavar='DIR')
    bin: Positive | None = option(
        'also write the statistics of each part of this length',
        None,
        type=number_from(1),
        metavar='SECONDS',
    )
    groups: Path | None = option(
        'table with the columns video and group, to compare groups; with a third '
        'column, individual, the recordings of an individual count as one',
        None,
        metavar='FILE',
    )
    background: str | None = option(
        'class of the time without a label (default: none, not observed)',
        None,
        metavar='NAME',
    )
    duration: Positive | None = option(
        'length of each recording (default: as its file or its video states it, or '
        'else until the last label)',
        None,
        metavar='SECONDS',
    )
    label_format: str | None = like(LabelInput, 'label_format')
    label_fps: Positive | None = like(LabelInput, 'label_fps')
    label_option: Sequence[tuple[str, str]] = like(LabelInput, 'label_option')

    def run(self, events: Events) -> list[Path]:
        """Write the files, and return them."""
        given = LabelInput(
            person=EACH,
            label_format=self.label_format,
            label_fps=self.label_fps,
            label_option=self.label_option,
        )
        found = read_recordings(self.labels, given, self.background, self.duration)
        tiers, bouts = by_tier(found.classes), found.bouts
        classes = flat_classes(tiers)
        groups = {name: ('', name) for name in bouts}
        if self.groups:
            groups = read_groups(self.groups, bouts)
        written = []
        for path in chain(
            _write_tables(self, bouts, groups, classes),
            _draw(self.out, bouts, groups, classes, list(tiers)),
        ):
            events.note(str(path))
            written.append(path)
        for note in found.notes:
            events.note(escaped(note))
        return written


class _Individual(NamedTuple):
    """The group of an individual, if there are groups, and its recordings."""

    group: str
    recordings: list[Bouts]


class _Part(NamedTuple):
    """The columns of a part of recordings, and the statistics of individuals in it."""

    times: dict[str, object]
    statistics: dict[str, BoutStatistics]


def _write_tables(
    job: DescribeBouts,
    bouts: Mapping[str, Bouts],
    groups: Mapping[str, tuple[str, str]],
    classes: Sequence[str],
) -> Iterator[Path]:
    """Write the tables of all individuals, and yield their files."""
    individuals: dict[str, _Individual] = {}
    for name, (group, individual) in groups.items():
        one = individuals.setdefault(individual, _Individual(group, []))
        one.recordings.append(bouts[name])
    parts_of = {'': [_part(individuals, len(classes), 0, np.inf)]}
    if job.bin:
        longest = max(one.duration for one in bouts.values())
        count = max(ceil((longest - 1e-6) / job.bin), 1)
        _check_size(job.bin, count, len(individuals), len(classes))
        # As decimal times are read, so that a bout at an edge is in the later part.
        edges = [round(i * job.bin, 6) for i in range(count + 1)]
        parts_of['_by_bin'] = [
            _part(individuals, len(classes), *ends) for ends in pairwise(edges)
        ]
    for suffix, parts in parts_of.items():
        tables = {'bouts': _bout_rows(parts, individuals, classes)}
        if job.groups:
            tables['comparison'] = _comparison(parts, individuals, classes)
        for name, rows in tables.items():
            path = job.out / f'{name}{suffix}.csv'
            write_table(path, rows)
            yield path


def _check_size(seconds: float, parts: int, individuals: int, classes: int) -> None:
    """Raise a UserError if a table has more cells than a spreadsheet shows.

    Each class has a row in each part of each recording, and a column.
    """
    rows = parts * individuals * classes
    columns = classes + len(MEASURES)
    if rows * columns > _MOST_CELLS:
        raise UserError(
            f'--bin {seconds:g}: bouts_by_bin.csv would have {rows} rows of {columns} '
            f'columns ({parts} parts of {individuals} recordings, {classes} classes), '
            'which no spreadsheet holds; choose a longer --bin, and check that the '
            'labels are in seconds.'
        )


def _part(
    individuals: Mapping[str, _Individual], num_classes: int, begin: float, end: float
) -> _Part:
    """Return the part between two times, without individuals whose recordings ended."""
    found = {}
    for name, one in individuals.items():
        there = [r for r in one.recordings if r.duration > begin or not begin]
        if there:
            each = (r.statistics(num_classes, begin, end) for r in there)
            found[name] = reduce(add, each)
    return _Part({} if np.isinf(end) else {'from_s': begin, 'to_s': end}, found)


def _bout_rows(
    parts: Sequence[_Part],
    individuals: Mapping[str, _Individual],
    classes: Sequence[str],
) -> Iterator[dict[str, object]]:
    """Yield a row for each class of each individual in each part."""
    several = any(len(one.recordings) > 1 for one in individuals.values())
    for name, individual in individuals.items():
        head = {'individual' if several else 'video': name}
        if individual.group:
            head['group'] = individual.group
        for part in parts:
            if name in part.statistics:
                for row in bout_rows(part.statistics[name], classes):
                    yield {**head, **part.times, **row}


def _comparison(
    parts: Sequence[_Part],
    individuals: Mapping[str, _Individual],
    classes: Sequence[str],
) -> Iterator[dict[str, object]]:
    """Yield a row for each class and measure in each part."""
    groups = list(dict.fromkeys(one.group for one in individuals.values()))
    test = 'Mann-Whitney U' if len(groups) == 2 else 'Kruskal-Wallis'
    for part in parts:
        measured: dict[str, list[dict[str, np.ndarray]]] = {g: [] for g in groups}
        for name, one in part.statistics.items():
            measured[individuals[name].group].append(one.measures())
        for measure in MEASURES:
            values = {
                group: np.array([m[measure] for m in own]).reshape(-1, len(classes))
                for group, own in measured.items()
            }
            for name, row in zip(classes, compare_groups(values), strict=True):
                of_groups = {'n': row.number, 'mean': row.mean, 'sd': row.sd}
                yield {
                    **part.times,
                    'class': name,
                    'measure': measure,
                    **{
                        f'{what}: {group}': value
                        for what, numbers in of_groups.items()
                        for group, value in zip(groups, numbers, strict=True)
                    },
                    'difference': row.difference,
                    'test': test,
                    'statistic': row.statistic,
                    'p': row.p,
                    'p_holm': row.p_holm,
                }


def _draw(
    out: Path,
    bouts: Mapping[str, Bouts],
    groups: Mapping[str, tuple[str, str]],
    classes: Sequence[str],
    tiers: Sequence[str],
) -> Iterator[Path]:
    """Draw the recordings, group by group, in pictures of up to _ROWS rows."""
    order = list(dict.fromkeys(group for group, _ in groups.values()))
    names = sorted(groups, key=lambda name: order.index(groups[name][0]))
    rows = {}
    for name in names:
        group = f' ({groups[name][0]})' if groups[name][0] else ''
        for tier, own in zip(tiers, bouts[name].apart(), strict=True):
            if own.duration:
                rows[f'{name}{group}, {tier}' if tier else name + group] = own
    for begin in range(0, len(rows), _ROWS):
        part = dict(list(rows.items())[begin : begin + _ROWS])
        number = f'_{begin // _ROWS + 1}' if len(rows) > _ROWS else ''
        path = out / f'ethogram{number}.png'
        save_png(draw_ethogram(part, classes), path)
        yield path


main = DescribeBouts.main
