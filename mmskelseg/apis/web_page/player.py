"""Predictions as HTML: the video, a timeline to click and drag, and the files."""

import json
import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import cast

import numpy as np

from mmskelseg.runtime.drawing.frames import clock_time, mark_time, tick_step
from mmskelseg.runtime.drawing.images import class_color, text_color
from mmskelseg.runtime.files.inputs import in_words
from mmskelseg.runtime.messages.counts import counted
from mmskelseg.runtime.structures.choices import EXPORTS
from mmskelseg.runtime.structures.predictions import (
    PredictedSegment,
    Prediction,
    of_tiers,
    tier_title,
)

# Points of the confidence curve, and marks on the time axis.
_POINTS, _MARKS = 400, 6
# Controls of the video; the browser's own would hide what is drawn in it.
_PLAY = '<button type="button" class="play" aria-label="Play"></button>'
_FULL = '<button type="button" class="full" aria-label="Full screen"></button>'
_SPEEDS = (0.25, 0.5, 1, 2, 4)


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
    name = escape(str(first.get('video', first['frame_dir'])))
    count = counted(sum(len(person['segments']) for person in people), 'segment')
    many = 'people' if len(people) > 1 else 'person'
    who = f' of {len(people)} {many}' if 'person' in first else ''
    notes = dict.fromkeys(
        f'{person["person"]}: {note}' if 'person' in person else note
        for person in people
        for note in person['notes']
    )
    rows = [
        cast(Prediction, {**row, 'person': tier_title(row.get('person'), tier)})
        if tier
        else row
        for person in people
        for tier, row in of_tiers(person).items()
    ]
    parts = [
        f'<div class="seg" data-player="{escape(_data(rows, seconds))}">',
        f'<h2>{name} <small>{count}{who} in {clock_time(seconds)}</small>',
        '</h2>',
        '<video controls playsinline muted preload="auto" '
        f'aria-label="{name} with skeleton and labels" src="{escape(url(overlay))}">',
        '</video>',
        f'<div class="state">{_PLAY}<div class="now" aria-hidden="true"></div>',
        f'{_speed()}{_FULL}</div>',
        *(_person(row, seconds) for row in rows),
        '<p class="help">Click or drag to seek.<span> Keys on the timeline: '
        '<kbd>←</kbd> <kbd>→</kbd> one second, with <kbd>Shift</kbd> one frame, '
        '<kbd>Page Up</kbd> <kbd>Page Down</kbd> segment, <kbd>Space</kbd> play.</span>'
        '</p>',
        _files(files, url),
        _notes(list(notes)),
        '</div>',
    ]
    return ''.join(parts)


def _data(people: Sequence[Prediction], seconds: float) -> str:
    """Return what ``player.js`` needs, as JSON."""
    first = people[0]
    data = {
        'seconds': seconds,
        'fps': first['fps'],
        'classes': [
            {'name': str(n), 'color': class_color(k), 'ink': text_color(class_color(k))}
            for k, n in enumerate(first['classes'])
        ],
        'people': [
            {
                'name': str(person.get('person', '')),
                'segments': [
                    [s['start'], s['end'], s['label_id'], s['score']]
                    for s in person['segments']
                ],
            }
            for person in people
        ],
    }
    return json.dumps(data)


def _person(prediction: Prediction, seconds: float) -> str:
    """Return the timeline of one person, with legend and list of segments."""
    name = prediction.get('person')
    title = f'<h3>{escape(str(name))}</h3>' if name is not None else ''
    return (
        f'<section class="person">{title}{_track(prediction, seconds)}{_axis(seconds)}'
        f'{_legend(prediction, seconds)}{_table(prediction["segments"])}</section>'
    )


def message_html(text: str, *, error: bool = False) -> str:
    """Return a sentence that is shown instead of a result."""
    kind, role = ('error', 'alert') if error else ('hint', 'status')
    return f'<div class="message {kind}" role="{role}">{escape(text)}</div>'


def _speed() -> str:
    options = ''.join(
        f'<option value="{speed}"{" selected" * (speed == 1)}>{speed:g}\u00d7</option>'
        for speed in _SPEEDS
    )
    return f'<select aria-label="Speed">{options}</select>'


def _track(prediction: Prediction, seconds: float) -> str:
    bars = ''.join(
        f'<div style="left:{_percent(s["start"], seconds)};'
        f'width:{_percent(s["end"] - s["start"], seconds)};'
        f'background:{class_color(s["label_id"])};'
        f'color:{text_color(class_color(s["label_id"]))}">'
        f'<b>{s["label_id"]}</b><span>{escape(s["label"])}</span></div>'
        for s in prediction['segments']
    )
    who = prediction.get('person')
    name = 'Timeline' if who is None else f'Timeline of {escape(str(who))}'
    return (
        f'<div class="track" role="slider" tabindex="0" aria-label="{name}" '
        f'aria-valuemin="0" aria-valuemax="{seconds:.2f}" aria-valuenow="0">'
        f'<div class="bar">{bars}</div>'
        f'{_confidence(prediction)}'
        '<div class="cursor"></div><div class="tip" aria-hidden="true"></div></div>'
    )


def _confidence(prediction: Prediction) -> str:
    """Return the curve of the highest probability, averaged over equal intervals."""
    highest = np.asarray(prediction['pred_score']).max(axis=0)
    values = [
        part.mean() for part in np.array_split(highest, min(_POINTS, len(highest)))
    ]
    step = 1000 / len(values)
    steps = ''.join(
        f'V{100 * (1 - value):.1f}H{(i + 1) * step:.1f}'
        for i, value in enumerate(values)
    )
    return (
        '<svg class="sure" viewBox="0 0 1000 100" preserveAspectRatio="none" '
        f'aria-hidden="true"><path d="M0 100{steps}V100Z"/></svg>'
        '<small class="sure-name" aria-hidden="true">confidence</small>'
    )


def _axis(seconds: float) -> str:
    step = tick_step(seconds, _MARKS)
    marks = ''.join(
        f'<span style="left:{_percent(i * step, seconds)}">'
        f'{mark_time(i * step, step)}</span>'
        for i in range(math.floor(seconds / step + 1e-9) + 1)
    )
    return f'<div class="axis" aria-hidden="true">{marks}</div>'


def _legend(prediction: Prediction, seconds: float) -> str:
    segments, items = prediction['segments'], []
    for k in sorted({s['label_id'] for s in segments}):
        total = sum(s['end'] - s['start'] for s in segments if s['label_id'] == k)
        color, name = class_color(k), escape(str(prediction['classes'][k]))
        items.append(
            f'<button type="button" data-class="{k}" title="Go to the next segment of '
            f'{name}"><i style="background:{color};color:{text_color(color)}">{k}</i>'
            f'{name} <small>{total / seconds:.0%}</small></button>'
        )
    if sum(s['end'] - s['start'] for s in segments) < seconds - 1e-6:
        items.append('<span><i class="unlabelled"></i>unlabelled</span>')
    return f'<div class="legend" aria-label="Classes">{"".join(items)}</div>'


def _table(segments: Sequence[PredictedSegment]) -> str:
    rows = ''.join(
        f'<tr><td><button type="button" data-time="{s["start"]}">'
        f'{clock_time(s["start"])}</button></td><td>{clock_time(s["end"])}</td>'
        f'<td><i style="background:{class_color(s["label_id"])}"></i>'
        f'{escape(s["label"])}</td><td>{s["score"]:.0%}</td></tr>'
        for s in segments
    )
    count = counted(len(segments), 'segment')
    return (
        f'<details class="list"><summary>List of {count}</summary>'
        '<div tabindex="0"><table><thead><tr><th>Start</th><th>End</th><th>Class</th>'
        f'<th>Confidence</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _files(files: Sequence[Path], url: Callable[[Path], str]) -> str:
    # Files of one of several people begin with the names of the video and the person.
    purposes = {
        file: ''.join(text for end, text in EXPORTS.values() if file.name.endswith(end))
        for file in files
    }
    items = ''.join(
        f'<li><a href="{escape(url(file))}" download="{escape(file.name)}">'
        f'<b>{escape(file.name)}</b> <small>{in_words(file.stat().st_size)}</small>'
        f'<span>{purposes[file]}</span></a></li>'
        for file in files
    )
    return f'<h3>Download</h3><ul class="files">{items}</ul>'


def _notes(notes: Sequence[str]) -> str:
    items = ''.join(f'<li>{escape(note)}</li>' for note in notes)
    return f'<h3>Notes on the input</h3><ul class="notes">{items}</ul>' if notes else ''


def _percent(part: float, whole: float) -> str:
    return f'{100 * part / whole:.3f}%'
