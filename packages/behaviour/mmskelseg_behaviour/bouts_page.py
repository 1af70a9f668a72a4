"""The page of a study: ethogram, individuals by measure, and transitions."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.stats import t

from mmskelseg_behaviour.drawing.behaviour import CLEAR
from mmskelseg_behaviour.functional.group_comparison import GroupComparison
from mmskelseg_behaviour.groups import Member
from mmskelseg_behaviour.pictures import TITLES, recording_rows
from mmskelseg_behaviour.study import Study
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.structures.bouts import MEASURES
from mmskelseg_runtime.drawing.palette import REST, class_color
from mmskelseg_runtime.drawing.svg import Chart, Dots, dots, graph, keys, timeline
from mmskelseg_runtime.drawing.templates import html_template
from mmskelseg_runtime.drawing.timelines import ethogram_rows

_Measured: TypeAlias = Mapping[Member, Mapping[str, np.ndarray]]
_Compared: TypeAlias = Mapping[str, Sequence[GroupComparison]]
# The most recordings on the page.
_ROWS = 60
# The measures that are shown first, of which the first ones tell what is frequent.
_FIRST = ('share_percent', 'rate_per_min', 'mean_s', 'latency_s')
# A difference between groups is named below this corrected p-value.
_LEVEL = 0.05


def write_page(
    out: Path,
    study: Study,
    tiers: Sequence[str],
    notes: Sequence[str],
    files: Sequence[Path],
) -> Path:
    """Write ``bouts.html``, which names the files beside it; return its path."""
    part = study.part()
    measured = {who: own.measures() for who, own in part.statistics.items()}
    compared = {
        one.measure: one.classes
        for one in (study.compared(part) if study.groups[1:] else ())
    }
    order = [*_FIRST, *(name for name in MEASURES if name not in _FIRST)]
    rows = recording_rows(study, tiers)
    shown = dict(list(rows.items())[:_ROWS])
    fps, labels = ethogram_rows(shown)
    longest = max(one.duration for one in shown.values())
    html = html_template(Path(__file__).with_name('bouts.html')).render(
        finding=_finding(study, measured, compared),
        recordings=len(study.bouts),
        individuals=len(study.individuals),
        groups=study.groups,
        ethogram=timeline(
            labels, fps, study.classes, study.colors, line_minutes=longest
        ),
        left=len(rows) - len(shown),
        keys=list(keys(study.classes, study.colors)),
        measures=[
            _dots(study, name, measured, compared.get(name, ())) for name in order
        ],
        graphs=list(_graphs(study)),
        notes=notes,
        files=[path.name for path in files],
    )
    path = out / 'bouts.html'
    atomic_write_text(path, html)
    return path


def _finding(study: Study, measured: _Measured, compared: _Compared) -> str:
    """Return what takes most time and is most frequent, or which groups differ."""
    means = []
    for measure in _FIRST[:2]:
        every = np.array([own[measure] for own in measured.values()])
        # A background is no answer.
        rests = np.array([color == REST for color in study.colors])
        means.append(np.where(rests, -1, np.nan_to_num(every).mean(axis=0)))
    long, often = (int(one.argmax()) for one in means)
    share, rate = (one.max() for one in means)
    words = (
        f'{study.classes[long]} takes the largest share of the time, {share:.0f} % on '
        f'average; {study.classes[often]} occurs most often, {rate:.1f} times a minute.'
    )
    if not compared:
        return words
    clear = [
        f'{name} ({TITLES[measure]})'
        for measure in _FIRST
        for name, one in zip(study.classes, compared[measure], strict=True)
        if one.p_holm < _LEVEL
    ]
    if clear:
        return f'{words} Groups differ (p < {_LEVEL}, Holm) in {", ".join(clear)}.'
    return f'{words} No measure differs clearly between groups (p < {_LEVEL}, Holm).'


def _dots(
    study: Study, measure: str, measured: _Measured, classes: Sequence[GroupComparison]
) -> Chart:
    """Return the individuals of each class that somebody shows, by group."""
    rows = []
    for k, name in enumerate(study.classes):
        if not any(own['bouts'][k] for own in measured.values()):
            continue
        for group in study.groups:
            own = {
                who.individual: float(values[measure][k])
                for who, values in measured.items()
                if who.group == group
            }
            mean, low, high = _interval(np.array([*own.values()]))
            note = '' if np.isnan(mean) else f'{mean:.3g}'
            note += '' if np.isnan(low) else f' [{low:.3g}, {high:.3g}]'
            if classes and group == study.groups[-1] and classes[k].p_holm >= 0:
                note += f', p = {classes[k].p_holm:.2g}'
            title = f'{name}, {group}' if group else name
            color = class_color(k, study.colors)
            rows.append(Dots(title, color, own, (mean, low, high), note))
    return dots(rows, TITLES[measure])


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of values that are not NaN, and its 95 % interval.

    >>> [round(x, 2) for x in _interval(np.array([1, 2, 3, np.nan]))]
    [2.0, -0.48, 4.48]
    """
    there = values[~np.isnan(values)]
    if not there.size:
        return np.nan, np.nan, np.nan
    mean = float(there.mean())
    if there.size < 2:
        return mean, np.nan, np.nan
    reach = t.ppf(0.975, there.size - 1) * there.std(ddof=1) / np.sqrt(there.size)
    return mean, float(mean - reach), float(mean + reach)


def _graphs(study: Study) -> Iterator[Chart]:
    for group, ids, number, _, residual in study.transitions():
        names = [study.classes[k] for k in ids]
        colors = [class_color(k, study.colors) for k in ids]
        title = f'What comes next, {group}' if group else 'What comes next'
        yield graph(names, colors, number, residual, title, CLEAR)
