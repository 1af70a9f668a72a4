"""Pictures of a study: ethogram, groups, time courses, transitions, cycles."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from mmskelseg_behaviour.cycles import statistics
from mmskelseg_behaviour.drawing.behaviour import (
    Dots,
    Graph,
    Map,
    draw_courses,
    draw_cycles,
    draw_dots,
    draw_maps,
    draw_transitions,
)
from mmskelseg_behaviour.study import Compared, Study, StudyPart
from mmskelseg_behaviour.tracks import PlaceTrack, occupancy
from mmskelseg_behaviour.verdicts import ModelReport
from mmskelseg_io.files.names import file_names
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_runtime.drawing.images import save_png
from mmskelseg_runtime.drawing.palette import class_color
from mmskelseg_runtime.drawing.timelines import draw_ethogram

# The most recordings in a picture, and the most maps; cells along a side of a map.
_ROWS, _MAPS, _CELLS = 100, 24, 64
_Row = TypeVar('_Row')
TITLES = {
    'bouts': 'number of bouts',
    'rate_per_min': 'bouts per minute',
    'total_s': 'total time (s)',
    'share_percent': 'share of the time (%)',
    'mean_s': 'mean duration (s)',
    'median_s': 'median duration (s)',
    'sd_s': 'SD of durations (s)',
    'latency_s': 'latency (s)',
    'cycles': 'number of cycles',
    'cv_percent': 'CV of durations (%)',
}


def draw_recordings(out: Path, study: Study, tiers: Sequence[str]) -> Iterator[Path]:
    """Draw the recordings, group by group, in pictures of up to _ROWS rows."""
    for number, part in _pages(recording_rows(study, tiers)):
        path = out / f'ethogram{number}.png'
        save_png(draw_ethogram(part, study.classes, study.colors), path)
        yield path


def recording_rows(study: Study, tiers: Sequence[str]) -> dict[str, Bouts]:
    """Return the bouts of each tier of recordings, group by group, by their titles."""
    rows = {}
    for name, title in _titles(study).items():
        for tier, own in zip(tiers, study.bouts[name].apart(), strict=True):
            if own.duration:
                rows[f'{title}, {tier}' if tier else title] = own
    return rows


def draw_comparisons(
    out: Path, study: Study, compared: Sequence[Compared], report: ModelReport | None
) -> Iterator[Path]:
    """Draw each class that somebody shows: all individuals, for each measure."""
    for k, (name, file) in enumerate(file_names(study.classes).items()):
        if not any(values[:, k].any() for values in compared[0].values.values()):
            continue
        path = out / f'comparison_{file}.png'
        _draw_comparison(path, name, k, study, compared, report)
        yield path


def draw_cycle_comparison(
    out: Path, study: Study, compared: Sequence[Compared]
) -> Iterator[Path]:
    """Draw the cycles of all individuals, for each measure."""
    path = out / 'cycle_comparison.png'
    _draw_comparison(path, 'Cycles', 0, study, compared)
    yield path


def _draw_comparison(
    path: Path,
    title: str,
    k: int,
    study: Study,
    compared: Sequence[Compared],
    report: ModelReport | None = None,
) -> None:
    """Draw all individuals, for each measure of the class with an id."""
    panels = []
    for measure, values, classes in compared:
        note = _in_words(classes[k].p_holm, classes[k].g)
        if report and (verdict := report.verdict(title, measure)):
            note += f'\n{verdict}'
        of_class = {group: own[:, k] for group, own in values.items()}
        panels.append(Dots(TITLES[measure], note, of_class))
    color = class_color(k, study.colors)
    save_png(draw_dots(panels, title=title, color=color, paired=study.paired), path)


def _in_words(p: float, g: tuple[float, float, float]) -> str:
    """Return the corrected p-value and the effect, as far as there are any.

    >>> _in_words(0.0234, (1.234, 0.5, 2)), _in_words(0.0234, (float('nan'),) * 3)
    ('p (Holm) = 0.023, g = 1.23 [0.50, 2.00]', 'p (Holm) = 0.023')
    """
    words = [] if np.isnan(p) else [f'p (Holm) = {p:.2g}']
    if not np.isnan(g[0]):
        words.append('g = {:.2f} [{:.2f}, {:.2f}]'.format(*g))
    return ', '.join(words)


def draw_time_courses(
    out: Path, study: Study, parts: Sequence[StudyPart]
) -> Iterator[Path]:
    """Draw the share of each class in the time of each part, by group."""
    shares = np.full((len(parts), len(study.individuals), len(study.classes)), np.nan)
    for i, part in enumerate(parts):
        for k, member in enumerate(study.individuals):
            if member in part.statistics:
                shares[i, k] = part.statistics[member].measures()['share_percent']
    groups = np.array([one.group for one in study.individuals])
    courses = {
        name: {group: shares[:, groups == group, k].T for group in study.groups}
        for k, name in enumerate(study.classes)
    }
    ends = [(part.times['from_s'], part.times['to_s']) for part in parts]
    image = draw_courses(
        courses,
        np.array(ends, float).mean(axis=1),
        title='Share of the observed time (%): each individual, and the mean',
        colors=study.colors,
    )
    path = out / 'time_courses.png'
    save_png(image, path)
    yield path


def draw_chances(out: Path, study: Study) -> Iterator[Path]:
    """Draw the transitions of each tier and group, unless there are none."""
    graphs = []
    for group, ids, number, _, residual in study.transitions():
        names = [study.classes[k] for k in ids]
        colors = [class_color(k, study.colors) for k in ids]
        graphs.append(Graph(group, colors, names, number, residual))
    if graphs:
        title = 'Transitions: blue, more than by chance; orange, fewer'
        path = out / 'transitions.png'
        save_png(draw_transitions(graphs, title=title), path)
        yield path


def draw_occupancy(
    out: Path, study: Study, tracks: Mapping[str, PlaceTrack]
) -> Iterator[Path]:
    """Draw where individuals were, by group, or by recording without groups."""
    maps: dict[str, list[PlaceTrack]] = {}
    for name, member in study.members.items():
        maps.setdefault(member.group or name, []).append(tracks[name])
    for number, part in _pages(maps, _MAPS):
        panels = {
            name: Map(*occupancy(own, _CELLS), own[0].places)
            for name, own in part.items()
        }
        path = out / f'occupancy{number}.png'
        save_png(draw_maps(panels, title='Where they were'), path)
        yield path


def draw_takts(
    out: Path, study: Study, cycles: Mapping[str, np.ndarray]
) -> Iterator[Path]:
    """Draw the cycles of recordings that have some, in pictures of up to _ROWS."""
    there = {}
    for name, title in _titles(study).items():
        if len(edges := cycles[name]):
            found = statistics(np.diff(edges)[:, 0])
            note = '1 cycle, {mean_s:.1f} s'
            if len(edges) > 1:
                note = (
                    '{cycles} cycles, median {median_s:.1f} s, mean {mean_s:.1f} ± '
                    '{sd_s:.1f} s, CV {cv_percent:.0f} %'
                )
            there[title] = edges, note.format(**found)
    for number, part in _pages(there):
        path = out / f'cycles{number}.png'
        save_png(draw_cycles(part, title='Cycle times (s)'), path)
        yield path


def _titles(study: Study) -> dict[str, str]:
    """Return the names of recordings with their groups, group by group."""
    members = study.members
    names = sorted(members, key=lambda name: study.groups.index(members[name].group))
    return {n: f'{n} ({members[n].group})' if members[n].group else n for n in names}


def _pages(
    rows: Mapping[str, _Row], most: int = _ROWS
) -> Iterator[tuple[str, dict[str, _Row]]]:
    """Yield the rows of each picture, and what tells its file from the others."""
    for begin in range(0, len(rows), most):
        number = f'_{begin // most + 1}' if len(rows) > most else ''
        yield number, dict(list(rows.items())[begin : begin + most])
