"""Writes an ethogram with bout statistics, and compares groups of individuals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from mmskelseg_behaviour.bouts_page import write_page
from mmskelseg_behaviour.cycles import (
    compare_cycles,
    cycle_comparison,
    cycle_statistics,
    cycle_table,
    find_cycles,
)
from mmskelseg_behaviour.drawing.moments import write_moments
from mmskelseg_behaviour.groups import Member, read_groups
from mmskelseg_behaviour.pictures import (
    draw_chances,
    draw_comparisons,
    draw_cycle_comparison,
    draw_occupancy,
    draw_recordings,
    draw_takts,
    draw_time_courses,
)
from mmskelseg_behaviour.places import (
    behaviour_table,
    compare_places,
    find_stays,
    place_comparison,
    place_table,
)
from mmskelseg_behaviour.recordings import Recordings, read_recordings
from mmskelseg_behaviour.risks import RecordedRisk, read_risks, risk_rows, worst_moments
from mmskelseg_behaviour.study import Study
from mmskelseg_behaviour.tracks import PlaceInput, PlaceTrack, find_tracks
from mmskelseg_behaviour.verdicts import ModelReport
from mmskelseg_io.inputs import LabelInput, StationFile
from mmskelseg_io.jobs.command_line import number_from
from mmskelseg_io.jobs.declared import from_options
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.labels.bouts import write_table
from mmskelseg_io.labels.segments import by_tier
from mmskelseg_io.messages.errors import UserError, escaped
from mmskelseg_io.messages.options import Positive, argument, grouped, like, option
from mmskelseg_io.structures.choices import EACH
from mmskelseg_io.structures.tiers import flat_classes


@dataclass(frozen=True, kw_only=True)
class DescribeBouts(Job[list[Path]]):
    """Writes an ethogram with bout statistics, and compares groups of individuals.

        %(prog)s out --out bouts
        %(prog)s project.boris --background other --duration 600 --groups groups.csv

    LABELS are files of a labelling tool, the segments.json of `mmskelseg segment`, the
    studio.json of `mmskelseg studio`, folders of these, or annotation files. In a
    folder that `segment` wrote, only segments.json files are read, or else
    segments.csv. OUT gets these files:

      bouts.html             ethogram, individuals and transitions on one page
      bouts.csv              bouts of each class in each recording: number, rate per
                             minute, total duration, share of the observed time; mean,
                             median and standard deviation of their durations; latency
                             to the first; and how often each class comes next
      bouts_by_bin.csv       the same for each part of --bin seconds
      comparison.csv         each measure of each class, compared between groups
      comparison_by_bin.csv  the same for each part
      transitions.csv        how often a class comes after another, and how often it
                             would in random order, if no class follows itself
      transitions.png        the same as arrows
      ethogram.png           the classes over time, a row for each recording
      time_courses.png       the share of each class in each part
      cycles.csv             each cycle of --cycle, and the time of each class in it
      cycle_statistics.csv   number, mean, median, SD and CV of the cycles' durations
      cycle_comparison.csv   each of these measures, compared between groups
      cycles.png             the durations over time
      risk.csv               with --risk, REBA and RULA of each class in each recording
      risk.png               the moments of the highest REBA in annotation files
      comparison_CLASS.png   all individuals as dots, joined by lines if paired; those
                             of cycles are in cycle_comparison.png
      places.csv             with --by-place: entries, latency, time, distance travelled
                             and mean speed in each place
      behaviours_by_place.csv
                             bouts and time of each class in each place
      place_comparison.csv   the numbers of places.csv, compared between groups
      occupancy.png          where individuals were, by recording or group

    Time without a label is not observed time, unless --background names its class.
    Tiers, and classes that overlap, as in `convert keypoints`, are counted
    independently. Two groups are compared by the Mann-Whitney U test (exact up to 50
    individuals), pairs by Wilcoxon's signed-rank test, more groups by Kruskal-Wallis;
    p_holm is corrected for the number of classes (docs/bouts.md). Of an earlier run
    into OUT, files that this one does not write are removed, unless they were changed.
    """

    removes_outdated = True
    labels: Sequence[Path] = argument(
        'label files, segments.json, studio.json, folders of them, or annotation files',
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
    paired: str | None = option(
        'compare two groups in pairs: one individual of each group, with the same cell '
        'in this column of --groups, such as litter; `individual` compares each with '
        'itself under two conditions',
        None,
        metavar='COLUMN',
    )
    model: Path | None = option(
        'folder of the `mmskelseg fit` whose model made the predictions, to write its '
        'verdict on each class beside the tests',
        None,
        metavar='DIR',
    )
    cycle: Sequence[str] = option(
        'also write the cycles from one start of this class to the next; if a cycle '
        'has several, only those that NEXT follows begin one',
        (),
        metavar=('CLASS', 'NEXT'),
    )
    risk: bool = option(
        'also write the ergonomic risk of each class: of annotation files with poses, '
        'and of predictions of `segment --formats json risk-frames`, whose --station '
        'counts',
        False,
    )
    station: Path | None = like(StationFile, 'station')
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
    clip_labels: bool = like(LabelInput, 'clip_labels')
    place_input: PlaceInput = grouped('places', PlaceInput())

    def run(self, events: Events) -> list[Path]:
        """Write the files, and return them.

        Raises:
            UserError: If a file cannot be read, or options contradict each other.
        """
        for flag, value in (('--paired', self.paired), ('--model', self.model)):
            if value and not self.groups:
                raise UserError(
                    f'{flag} {value} is for comparisons; add --groups FILE.'
                )
        self.place_input.check()
        if self.station and not self.risk:
            raise UserError(f'--station {self.station} is for the risk; add --risk.')
        # The background is that of unlabelled time.
        own = {**vars(self), 'person': EACH, 'background': None}
        given = from_options(LabelInput, own)
        found = read_recordings(self.labels, given, self.background, self.duration)
        tiers = by_tier(found.classes)
        members = {name: Member('', name) for name in found.bouts}
        if self.groups:
            members = read_groups(self.groups, found.bouts, self.paired)
        names, paired = flat_classes(tiers), bool(self.paired)
        study = Study(found.bouts, members, names, paired, found.colors)
        report = ModelReport.read(self.model, found.bouts) if self.model else None
        cycles = find_cycles(study, self.cycle) if self.cycle else {}
        tracks, more = find_tracks(self.place_input, self.labels, [*found.bouts])
        risks = _find_risks(self, found, names) if self.risk else {}
        written = []
        for path in chain(
            _write(self, study, report, list(tiers)),
            _write_cycles(self.out, study, cycles),
            _write_places(self, study, tracks),
            _write_risks(self.out, risks, names),
        ):
            events.note(str(path))
            written.append(path)
        reported = report.notes() if report else ()
        notes = [*found.notes, *study.notes(), *reported, *more]
        written.append(write_page(self.out, study, list(tiers), notes, written))
        events.note(str(written[-1]))
        for note in notes:
            events.note(escaped(note))
        return written


def _write(
    job: DescribeBouts, study: Study, report: ModelReport | None, tiers: Sequence[str]
) -> Iterator[Path]:
    """Write the tables and pictures, and yield their files."""
    parts_of = {'': [study.part()]}
    if job.bin:
        parts_of['_by_bin'] = study.parts(job.bin)
    if transitions := list(study.transition_table()):
        path = job.out / 'transitions.csv'
        write_table(path, transitions)
        yield path
    for suffix, parts in parts_of.items():
        tables = {'bouts': study.bout_table(parts)}
        if job.groups:
            tables['comparison'] = study.comparison_table(parts, report)
        for name, rows in tables.items():
            path = job.out / f'{name}{suffix}.csv'
            write_table(path, rows)
            yield path
    yield from draw_recordings(job.out, study, tiers)
    yield from draw_chances(job.out, study)
    if job.groups:
        compared = study.compared(study.part())
        yield from draw_comparisons(job.out, study, compared, report)
    if job.bin:
        yield from draw_time_courses(job.out, study, parts_of['_by_bin'])


def _write_cycles(
    out: Path, study: Study, cycles: Mapping[str, np.ndarray]
) -> Iterator[Path]:
    """Write the tables and pictures of cycles, if there are some."""
    if not cycles:
        return
    tables = {'cycles': cycle_table, 'cycle_statistics': cycle_statistics}
    for name, table in tables.items():
        path = out / f'{name}.csv'
        write_table(path, table(study, cycles))
        yield path
    if any(study.groups):
        compared = compare_cycles(study, cycles)
        path = out / 'cycle_comparison.csv'
        write_table(path, cycle_comparison(study, compared))
        yield path
        yield from draw_cycle_comparison(out, study, compared)
    yield from draw_takts(out, study, cycles)


def _write_places(
    job: DescribeBouts, study: Study, tracks: Mapping[str, PlaceTrack]
) -> Iterator[Path]:
    """Write the tables and pictures of places, if there are some."""
    if not tracks:
        return
    stays = find_stays(study, tracks, job.place_input.least)
    unit = 'cm' if next(iter(tracks.values())).plane else 'px'
    tables = {
        'places': place_table(study, stays, unit),
        'behaviours_by_place': behaviour_table(study, stays),
    }
    if job.groups:
        compared = compare_places(study, stays)
        tables['place_comparison'] = place_comparison(study, *compared)
    for name, rows in tables.items():
        if each := [*rows]:
            path = job.out / f'{name}.csv'
            write_table(path, each)
            yield path
    yield from draw_occupancy(job.out, study, tracks)


def _find_risks(
    job: DescribeBouts, found: Recordings, names: Sequence[str]
) -> Mapping[str, RecordedRisk]:
    """Return the ergonomic risk of recordings, of which one has some at least."""
    risks = read_risks(found.paths, found.bouts, names, job.station)
    if not any(risk_rows(risks, names)):
        raise UserError(
            '--risk: no labelled frame shows the flexion of trunk and arms; use joints '
            'in 3D, or a camera that sees people in profile.'
        )
    return risks


def _write_risks(
    out: Path, risks: Mapping[str, RecordedRisk], names: Sequence[str]
) -> Iterator[Path]:
    """Write the table and the picture of ergonomic risk, if there is some."""
    if not risks:
        return
    path = out / 'risk.csv'
    write_table(path, risk_rows(risks, names))
    yield path
    if moments := worst_moments(risks, names):
        path = out / 'risk.png'
        write_moments(path, moments)
        yield path


main = DescribeBouts.main
