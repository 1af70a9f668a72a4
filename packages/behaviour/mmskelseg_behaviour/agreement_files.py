"""The files about how far observers agree: tables, JSON, pictures and a page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mmskelseg_behaviour.agreement import observed_labels, pair_scores
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import file_names
from mmskelseg_io.labels.bouts import write_table
from mmskelseg_io.labels.text import write_rows
from mmskelseg_io.messages.progress import progress_bar
from mmskelseg_io.messages.tables import text_table
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.tiers import Tier, class_name
from mmskelseg_runtime.drawing.images import save_png
from mmskelseg_runtime.drawing.svg import keys, timeline
from mmskelseg_runtime.drawing.templates import html_template
from mmskelseg_runtime.drawing.timelines import SCREEN, draw_timelines

_STYLE = SCREEN._replace(marked='differs from the first')
# The most pictures on the page; all are in a folder.
_ON_PAGE = 24
#: The bouts of each observer in each recording.
BoutsOfObservers: TypeAlias = dict[str, dict[str, Bouts]]


def draw_agreement(
    out: Path,
    bouts: BoutsOfObservers,
    tiers: Sequence[Tier],
    content: Mapping[str, Any],
    colors: Sequence[str],
) -> Iterator[dict[str, Any]]:
    """Draw each recording, and yield caption and chart, of the worst ones first.

    Classes have ``colors``. The first ones are part of the page.
    """
    fps, files = content['fps'], file_names([*bouts])
    style = _STYLE._replace(colors=colors)
    worst = sorted(content['recordings'], key=lambda row: row['acc'] or 0)
    with progress_bar('Drawing recordings', len(worst)) as count:
        for i, row in enumerate(worst):
            name = row['recording']
            there = [who for who in content['observers'] if who in bouts[name]]
            rows: dict[str, np.ndarray] = {}
            truth: dict[str, str] = {}
            labels = observed_labels(there, bouts[name], fps, len(tiers))
            for tier, own in zip(tiers, labels, strict=True):
                titles = [f'{tier.name}, {who}' if tier.name else who for who in there]
                rows |= zip(titles, own, strict=True)
                truth |= dict.fromkeys(titles[1:], titles[0])
            same = '-' if row['acc'] is None else f'{row["acc"]:.1f} %'
            caption = f'{name} (same label in {same})'
            path = out / 'timelines' / f'{files[name]}.png'
            image = draw_timelines(
                rows,
                content['classes'],
                truth=truth,
                title=caption,
                fps=fps,
                style=style,
            )
            save_png(image, path)
            if i < _ON_PAGE:
                chart = timeline(rows, fps, content['classes'], colors, truth=truth)
                yield {'caption': caption, 'chart': chart}
            count(1)


def write_agreement(
    out: Path,
    content: Mapping[str, Any],
    pictures: Sequence[Mapping[str, Any]],
    colors: Sequence[str],
) -> None:
    """Write tables, JSON and the page."""
    for key in ('overall', 'by_class', 'measures'):
        write_table(out / f'{key}.csv', map(_cells, content[key]))
    write_table(
        out / 'confusion.csv',
        (
            {
                'observers': ', '.join(table['observers']),
                'first': name,
                **{f'second: {other}': '' for other in content['classes']},
                **{f'second: {n}': k for n, k in zip(names, counts, strict=True)},
            }
            for table in content['confusion']
            for names in [[class_name(c, table['tier']) for c in table['classes']]]
            for name, counts in zip(names, table['frames'], strict=True)
        ),
    )
    times = ('start_s', 'end_s', 'seconds')
    write_rows(
        out / 'disagreements.csv',
        ['recording', 'tier', *times, *content['observers']],
        (
            [one['recording'], one['tier'], *(f'{one[key]:.3f}' for key in times)]
            + [name or '' for name in one['said'].values()]
            for one in content['disagreements']
        ),
    )
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    atomic_write_text(out / 'agreement.json', text)
    page = html_template(Path(__file__).with_name('agreement.html'))
    left = len(content['recordings']) - len(pictures)
    html = page.render(
        content=content,
        pictures=pictures,
        left=left,
        scores=pair_scores(),
        keys=list(keys(content['classes'], colors)),
    )
    atomic_write_text(out / 'agreement.html', html)


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, 'observers': ', '.join(row['observers'])}


def agreement_lines(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of coefficients, and the notes."""
    scores = pair_scores()
    rows = [['', 'kappa', 'alpha', *(score.title for score in scores)]]
    for row in content['overall']:
        name = ', '.join(filter(None, [row['tier'], *row['observers']]))
        numbers = (row['kappa'], row['alpha'])
        cells = ['-' if number is None else f'{number:.3f}' for number in numbers]
        cells += [score.text(row[score.key], short=True) for score in scores]
        rows.append([name, *cells])
    yield from text_table(rows)
    for note in content['notes']:
        yield f'- {note}'
