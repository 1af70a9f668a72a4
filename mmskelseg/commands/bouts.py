"""Writes an ethogram with bout statistics, and compares groups of individuals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, pairwise
from math import ceil
from operator import add
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmskelseg.converters.keypoint_videos import Labels, find_labels, line_segments
from mmskelseg.converters.label_individuals import by_individual
from mmskelseg.converters.label_tiers import find_tiers
from mmskelseg.evaluation.functional.group_comparison import compare_groups
from mmskelseg.runtime.drawing.images import save_png
from mmskelseg.runtime.drawing.timelines import draw_ethogram
from mmskelseg.runtime.inputs import LabelInput
from mmskelseg.runtime.jobs.command_line import number_from
from mmskelseg.runtime.jobs.events import Events
from mmskelseg.runtime.jobs.job import Job
from mmskelseg.runtime.labels import VideoSegments
from mmskelseg.runtime.labels.bouts import (
    bout_rows,
    read_annotated,
    read_groups,
    read_prediction,
    to_bouts,
    write_table,
)
from mmskelseg.runtime.labels.reading import label_format
from mmskelseg.runtime.labels.segments import Classes, by_tier
from mmskelseg.runtime.messages.counts import counted, listed
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
        'length of the recordings whose file does not state it, such as those of '
        'labelling tools (default: until the last label)',
        None,
        metavar='SECONDS',
    )
    label_format: str | None = like(LabelInput, 'label_format')
    label_fps: Positive | None = like(LabelInput, 'label_fps')
    label_option: Sequence[tuple[str, str]] = like(LabelInput, 'label_option')

    def run(self, events: Events) -> list[Path]:
        """Write the files, and return them."""
        recordings, notes, absences = _read(self)
        tiers = _classes(recordings, self.background, absences)
        bouts = {
            name: to_bouts(
                one.video,
                tiers,
                f'{one.path}: video {name!r}',
                background=self.background,
                absences=absences,
                duration=self.duration,
            )
            for name, one in recordings.items()
        }
        classes = flat_classes(by_tier(tiers))
        groups = {name: ('', name) for name in bouts}
        if self.groups:
            groups = read_groups(self.groups, bouts)
        written = []
        for path in chain(
            _write_tables(self, bouts, groups, classes),
            _draw(self.out, bouts, groups, classes, list(by_tier(tiers))),
        ):
            events.note(str(path))
            written.append(path)
        unknown = sum(one.video.num_frames is None for one in recordings.values())
        if self.duration is None:
            notes += _unknown_length(unknown, absences)
        for note in (*notes, *_unobserved(bouts, len(by_tier(tiers)))):
            events.note(escaped(note))
        return written


class _Recording(NamedTuple):
    """Segments, their file, and the class names that it states."""

    video: VideoSegments
    path: Path
    classes: Classes


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


def _unknown_length(count: int, absences: Mapping[str, str]) -> Iterator[str]:
    """Yield what recordings of unknown length mean for the absences of tiers."""
    if count and absences:
        yield (
            f'{counted(count, "recording")} of unknown length: the time of '
            f'{listed([repr(a) for a in absences.values()])} ends with the last label, '
            'and rates and shares refer to that; give --duration SECONDS.'
        )


def _unobserved(bouts: Mapping[str, Bouts], tiers: int) -> Iterator[str]:
    """Yield how much time has no label."""
    whole = sum(one.duration * len(one.tiers) for one in bouts.values())
    rest = whole - sum(float((one.end - one.start).sum()) for one in bouts.values())
    if rest > 1e-3 * whole:
        of_tiers = ' of all tiers' * (tiers > 1)
        yield (
            f'{rest:.1f} s of {whole:.1f} s{of_tiers} have no label and are not '
            'observed time; if they were watched, name their class with --background.'
        )


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


def _read(
    job: DescribeBouts,
) -> tuple[dict[str, _Recording], list[str], dict[str, str]]:
    """Return recordings by their names, notes, and the absences of tiers.

    In label files, classes that overlap are of different tiers, as in `convert`, and
    each individual is a recording.
    """
    given = LabelInput(
        person=EACH,
        label_format=job.label_format,
        label_fps=job.label_fps,
        label_option=job.label_option,
    )
    found: dict[str, _Recording] = {}
    notes: list[str] = []
    of_files: list[Labels] = []
    for path in _files(job.labels):
        if path.suffix in ('.pkl', '.pickle'):
            videos, classes = read_annotated(path)
        elif (read := read_prediction(path)) is not None:
            videos, classes = [read[0]], read[1]
        else:
            labels, more = find_labels([path], given)
            notes += more
            videos, classes, fps = [], (), given.label_fps
            parts = [part for one in labels for part in _individuals(one, given)]
            of_files += parts
            for one in parts:
                segments, count = line_segments(one, fps), len(one.lines) or None
                videos.append(VideoSegments(one.video, segments, fps, count))
        for video in videos:
            if video.name in found:
                raise UserError(
                    f'{found[video.name].path} and {path} both have the recording '
                    f'{video.name!r}; name one of them.'
                )
            found[video.name] = _Recording(video, path, classes)
    tiers = find_tiers(of_files, given)
    for one in of_files:
        video = found[one.video].video
        placed = replace(video, segments=tiers.placed(video.segments))
        found[one.video] = found[one.video]._replace(video=placed)
    absences = {
        tier.name: tier.classes[tier.background]
        for tier in tiers.tiers
        if tier.name in tiers.implied and tier.background is not None
    }
    return found, [*notes, *tiers.notes], absences


def _individuals(labels: Labels, given: LabelInput) -> Iterator[Labels]:
    """Yield the labels of each individual, named after it where there are others.

    Tables may have each in a file of its own.
    """
    found = by_individual(labels, given)
    kind = given.label_format or label_format(labels.path)
    is_named = len(found) > 1 or kind == 'csv'
    for name, own in found.items():
        end = f'_{name}' if name and is_named else ''
        yield replace(own, video=own.video.removesuffix(end) + end)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files, and for a folder of `segment` the files of its segments."""
    for path in paths:
        kinds = ('*segments.json', '*segments.csv') if path.is_dir() else ()
        inside = (sorted(path.glob(kind)) for kind in kinds)
        yield from next(filter(None, inside), [path])


def _classes(
    recordings: Mapping[str, _Recording],
    background: str | None,
    absences: Mapping[str, str],
) -> Classes:
    """Return the classes: those that files state first, then others, sorted.

    The background is a class of the tiers that have it, or else of all.
    """
    every = recordings.values()
    stated = [by_tier(one.classes) for one in every]
    pairs = [(t, name) for own in stated for t, names in own.items() for name in names]
    used = {(s.tier, s.label) for one in every for s in one.video.segments}
    pairs += sorted(used.union(absences.items()))
    tiers: dict[str, list[str]] = {}
    for tier, name in dict.fromkeys(pairs):
        tiers.setdefault(tier, []).append(name)
    if background and not any(background in names for names in tiers.values()):
        for tier, names in (tiers or {'': []}).items():
            if tier not in absences:
                tiers[tier] = [*names, background]
    if not tiers:
        raise UserError('No recording has a label; label one first.')
    return tiers[''] if list(tiers) == [''] else tiers


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
