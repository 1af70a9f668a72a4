"""Predictions as HTML: the video, a timeline to click and drag, and the files."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.runtime.drawing.frames import mark_time, tick_step
from mmskelseg.runtime.drawing.images import class_color, text_color
from mmskelseg.runtime.files.inputs import in_words
from mmskelseg.runtime.labels.writing import EXPORTS
from mmskelseg.runtime.structures.predictions import Prediction, of_tiers, tier_title
from mmskelseg.templates import html_template

# Points of the confidence curve, and marks on the time axis.
_POINTS, _MARKS = 400, 6


def player_html(
    people: Sequence[Prediction], files: Sequence[Path], url: Callable[[Path], str]
) -> str:
    """Return the predictions of one video as HTML, which ``player.js`` animates.

    Each tier of each person gets a timeline. The overlay is among the ``files``, whose
    addresses ``url`` returns.
    """
    first = people[0]
    seconds = first['total_frames'] / first['fps']
    (overlay,) = (file for file in files if file.name.endswith('overlay.mp4'))
    many = 'people' if len(people) > 1 else 'person'
    notes = dict.fromkeys(
        f'{person["person"]}: {note}' if 'person' in person else note
        for person in people
        for note in person['notes']
    )
    rows = [
        _row(row, tier_title(person.get('person'), tier))
        for person in people
        for tier, row in of_tiers(person).items()
    ]
    classes = rows[0]['classes']
    step = tick_step(seconds, _MARKS)
    return html_template(Path(__file__).with_suffix('.html')).render(
        data=_data(rows, classes, seconds, first['fps']),
        name=str(first.get('video', first['frame_dir'])),
        count=sum(len(row['segments']) for row in rows),
        who=f' of {len(people)} {many}' if 'person' in first else '',
        seconds=seconds,
        overlay=url(overlay),
        rows=rows,
        classes=classes,
        marks=[
            (time, mark_time(time, step))
            for time in np.arange(0, seconds + 1e-9 * step, step)
        ],
        files=[_file(file, url) for file in files],
        notes=list(notes),
    )


def message_html(text: str, *, error: bool = False) -> str:
    """Return a sentence that is shown instead of a result."""
    kind, role = ('error', 'alert') if error else ('hint', 'status')
    return f'<div class="message {kind}" role="{role}">{escape(text)}</div>'


def _data(
    rows: Sequence[dict[str, Any]], classes: Sequence[str], seconds: float, fps: float
) -> str:
    """Return what ``player.js`` needs, as JSON."""
    colors = [(name, class_color(k)) for k, name in enumerate(classes)]
    data = {
        'seconds': seconds,
        'fps': fps,
        'classes': [
            {'name': name, 'color': color, 'ink': text_color(color)}
            for name, color in colors
        ],
        'people': [
            {
                'name': row['title'],
                'segments': [
                    [s['start'], s['end'], s['label_id'], s['score']]
                    for s in row['segments']
                ],
            }
            for row in rows
        ],
    }
    return json.dumps(data)


def _row(prediction: Prediction, title: str) -> dict[str, Any]:
    """Return what a timeline shows, with the classes and the seconds of each."""
    totals: dict[int, float] = defaultdict(float)
    segments = prediction['segments']
    for segment in sorted(segments, key=lambda one: one['label_id']):
        totals[segment['label_id']] += segment['end'] - segment['start']
    confidence = _confidence(prediction['pred_score'])
    return {
        'title': title, 'segments': segments, 'totals': totals,
        'classes': prediction['classes'], 'confidence': confidence,
    }  # fmt: skip


def _confidence(score: np.ndarray) -> str:
    """Return the path of the highest probability, averaged over equal intervals."""
    highest = np.asarray(score).max(axis=0)
    parts = np.array_split(highest, min(_POINTS, len(highest)))
    step = 1000 / len(parts)
    steps = (
        f'V{100 * (1 - part.mean()):.1f}H{i * step:.1f}'
        for i, part in enumerate(parts, 1)
    )
    return f'M0 100{"".join(steps)}V100Z'


def _file(file: Path, url: Callable[[Path], str]) -> dict[str, str]:
    # Files of one of several people begin with the names of the video and the person.
    purposes = (e.title for e in EXPORTS.values() if file.name.endswith(e.file))
    return {
        'url': url(file), 'name': file.name, 'purpose': ''.join(purposes),
        'size': in_words(file.stat().st_size),
    }  # fmt: skip
