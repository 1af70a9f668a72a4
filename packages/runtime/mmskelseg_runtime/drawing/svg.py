"""Charts of pages as SVG: values on hover, and a table of them behind each chart.

What is as wide as the page has no viewBox, so that its text keeps its size.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape

from mmskelseg_io.structures.segments import IGNORED, segment_table
from mmskelseg_runtime.drawing.frames import clock_time, mark_time, tick_step
from mmskelseg_runtime.drawing.palette import class_color, text_color
from mmskelseg_runtime.drawing.timelines import line_frames

# Widths of a bar, in pixels, from which on longer names fit; see page.css.
_WIDTHS = (280, 480, 700, 900)
# Pixels of a letter, and beside a name.
_LETTER, _ROOM = 6.5, 8
# Sizes of a plot: width, height, and the space at the left and below.
_W, _H, _LEFT, _BELOW = 420, 260, 44, 40


class Chart(NamedTuple):
    """A picture, what it shows in words, and its values: names of columns, and rows."""

    picture: Markup
    words: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]


class Spot(NamedTuple):
    """A point of a curve, what it says, and the ends of its interval, if known."""

    x: float
    y: float
    title: str
    low: float | None = None
    high: float | None = None


def tag(name: str, *content: object, **attributes: object) -> Markup:
    """Return an element; underscores of attributes are hyphens.

    >>> tag('text', 'a & b', x=0.5, text_anchor='end')
    Markup('<text x="0.5" text-anchor="end">a &amp; b</text>')
    """
    given = ''.join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_brief(value))}"'
        for key, value in attributes.items()
    )
    return Markup(f'<{name}{given}>{"".join(map(escape, content))}</{name}>')


def _brief(value: object) -> object:
    return f'{value:.2f}'.rstrip('0').rstrip('.') if isinstance(value, float) else value


def timeline(
    rows: Mapping[str, np.ndarray],
    fps: float,
    classes: Sequence[str],
    colors: Sequence[str],
    *,
    truth: Mapping[str, str] | None = None,
    line_minutes: float | None = None,
) -> Chart:
    """Return labels (T,) by the names of their rows, one below the other.

    Below a row with a ``truth``, a strip marks where the two differ. Long recordings
    have several lines; see :func:`~mmskelseg_runtime.drawing.timelines.line_frames`.
    """
    frames = max(row.size for row in rows.values())
    length = line_frames(frames, fps, line_minutes)
    lines, values = [], []
    for start in range(0, frames, length):
        for name, row in rows.items():
            part = row[start : start + length]
            bar = _bar(part, start, length, fps, classes, colors)
            of = {'data_first': start, 'data_frames': length}
            lines += [tag('span', name), tag('div', bar, class_='bar', **of)]
            if truth and name in truth:
                other = rows[truth[name]][start : start + length]
                wrong = (part != other) & (part != IGNORED) & (other != IGNORED)
                lines += [
                    tag('span'),
                    tag('div', _strip(wrong, length), class_='strip'),
                ]
        lines += [tag('span'), _axis(start, length, fps)]
    for name, row in rows.items():
        values += [
            (name, classes[k], clock_time(start / fps), clock_time(end / fps))
            for start, end, k in segment_table(row).tolist()
        ]
    found = ', '.join(f'{name} {len(segment_table(row))}' for name, row in rows.items())
    words = f'Timeline of {clock_time(frames / fps)}; segments: {found}'
    picture = tag('div', *lines, class_='timeline', role='img', tabindex=0,
                  aria_label=words)  # fmt: skip
    return Chart(picture, words, ('row', 'class', 'from', 'to'), values)


def _bar(
    part: np.ndarray,
    first: int,
    length: int,
    fps: float,
    classes: Sequence[str],
    colors: Sequence[str],
) -> Markup:
    """Return the segments of a line, and the names of those in which they fit."""
    boxes, names = [], []
    for start, end, k in segment_table(part).tolist():
        color = class_color(k, colors)
        times = (clock_time((first + x) / fps) for x in (start, end))
        title = tag('title', f'{classes[k]}, {" to ".join(times)}')
        box = {'x': start, 'width': end - start, 'height': 1, 'fill': color}
        boxes.append(tag('rect', title, **box))
        needed = (_LETTER * len(classes[k]) + _ROOM) * length / (end - start)
        if needed <= _WIDTHS[-1]:
            width = next(one for one in _WIDTHS if needed <= one)
            place = {'x': f'{50 * (start + end) / length:.2f}%', 'y': '50%'}
            own = {'class_': f'w{width}', 'style': f'fill:{text_color(color)}'}
            names.append(tag('text', classes[k], **place, **own))
    return tag('svg', _stretched(boxes, length), *names)


def _strip(wrong: np.ndarray, length: int) -> Markup:
    runs = segment_table(np.where(wrong, 0, IGNORED))[:, :2].tolist()
    return _stretched(
        [tag('rect', x=a, width=b - a, height=1) for a, b in runs], length
    )


def _stretched(content: Iterable[Markup], length: float) -> Markup:
    """Return what is drawn in units of ``length``, as wide as there is room."""
    box = {'viewBox': f'0 0 {length} 1', 'preserveAspectRatio': 'none'}
    return tag('svg', *content, **box, width='100%', height='100%')


def _axis(start: int, length: int, fps: float) -> Markup:
    step = tick_step(length / fps, 7)
    texts = []
    for k in range(
        math.ceil(start / fps / step), int((start + length) / fps / step) + 1
    ):
        share = (k * step * fps - start) / length
        side = 'start' if share < 0.03 else 'end' if share > 0.95 else 'middle'
        place = {'x': f'{100 * share:.2f}%', 'y': '50%', 'text_anchor': side}
        texts.append(tag('text', mark_time(k * step, step), **place))
    return tag('svg', *texts, class_='axis')


def bars(
    parts: Mapping[str, Sequence[float]],
    names: Sequence[str],
    notes: Sequence[str],
    colors: Sequence[str] = (),
) -> Chart:
    """Return a bar for each name, of parts one after another, and a note beside it.

    The bars of a single part have ``colors``; parts have those of ``part0`` and so on.
    """
    ends = np.cumsum([*parts.values()], axis=0)
    most = float(ends.max(initial=0)) or 1
    lines = []
    for i, (name, note) in enumerate(zip(names, notes, strict=True)):
        boxes, start = [], 0.0
        for k, (what, values) in enumerate(parts.items()):
            title = tag('title', f'{name}: {_brief(float(values[i]))} {what}')
            paint = {'fill': colors[i]} if colors else {'class_': f'part{k}'}
            box = {'x': start, 'width': float(values[i]), 'height': 1}
            boxes.append(tag('rect', title, **box, **paint))
            start = float(ends[k, i])
        bar = tag('div', _stretched(boxes, most), class_='bar')
        lines += [tag('span', name), bar, tag('small', note)]
    words = f'Bars of {len(names)} rows: {", ".join(parts)}'
    picture = tag('div', *lines, class_='bars', role='img', tabindex=0,
                  aria_label=words)  # fmt: skip
    keys = [
        tag('span', tag('i', class_=f'part{k}'), what, class_='key')
        for k, what in enumerate(parts)
    ]
    if len(parts) > 1:
        picture = tag('p', *keys) + picture
    rows = [
        (name, *(_brief(float(values[i])) for values in parts.values()), notes[i])
        for i, name in enumerate(names)
    ]
    return Chart(picture, words, ('', *parts, ''), rows)


class Plot:
    """A plot with axes from 0 to 1, or to ``most``; names of both, and their ticks."""

    def __init__(self, x: str, y: str, *, most: float = 1, unit: str = '%') -> None:
        self.parts: list[Markup] = []
        right, low = _W - 12, _H - _BELOW
        for k in range(5):
            share, value = k / 4, _brief(float(k / 4 * (100 if unit else most)))
            height = self.y(share)
            self.parts += [
                tag('path', d=f'M{_LEFT} {height:.1f}H{right}', class_='grid'),
                tag('text', f'{value}', x=_LEFT - 6, y=height, text_anchor='end'),
            ]
        self.parts.append(tag('text', y, x=4, y=10, text_anchor='start'))
        self.parts.append(tag('text', x, x=right, y=low + 32, text_anchor='end'))

    def x(self, share: float) -> float:
        """Return where a share of the width lies."""
        return _LEFT + share * (_W - 12 - _LEFT)

    def y(self, share: float) -> float:
        """Return where a share of the height lies."""
        return _H - _BELOW - share * (_H - _BELOW - 24)

    def tick(self, x: float, text: str) -> None:
        """Write below the axis at a share of the width."""
        self.parts.append(tag('text', text, x=self.x(x), y=_H - _BELOW + 14))

    def columns(self, values: Iterable[tuple[float, float, float, str]]) -> None:
        """Draw columns from one x to another, each with its height and title."""
        for start, end, share, title in values:
            box = {'x': self.x(start), 'width': self.x(end) - self.x(start) - 1}
            place = {'y': self.y(share), 'height': self.y(0) - self.y(share)}
            own = tag('title', title)
            self.parts.append(tag('rect', own, **box, **place, class_='column'))

    def curve(self, spots: Sequence[Spot], class_: str = '') -> None:
        """Draw a line through points, and the interval of each."""
        points = [(self.x(one.x), self.y(one.y)) for one in spots]
        way = 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points)
        if len(points) > 1:
            self.parts.append(tag('path', d=way, class_=f'line {class_}'))
        for one, (x, y) in zip(spots, points, strict=True):
            if one.low is not None and one.high is not None:
                way = f'M{x:.1f} {self.y(one.low):.1f}V{self.y(one.high):.1f}'
                self.parts.append(tag('path', d=way, class_='range'))
            title = tag('title', one.title)
            self.parts.append(tag('circle', title, cx=x, cy=y, r=4.5, class_='spot'))

    def diagonal(self) -> None:
        """Draw where both axes are equal."""
        way = f'M{_LEFT} {self.y(0):.1f}L{self.x(1):.1f} {self.y(1):.1f}'
        self.parts.append(tag('path', d=way, class_='line before'))

    def chart(
        self, words: str, head: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> Chart:
        """Return the chart of what was drawn."""
        return Chart(framed(self.parts, _W, _H, words), words, head, rows)


def framed(parts: Iterable[Markup], width: float, height: float, words: str) -> Markup:
    """Return a picture that keeps its shape."""
    box = {'viewBox': f'0 0 {width} {height}', 'class_': 'plot', 'role': 'img'}
    style = f'max-width:{width}px'
    return tag('svg', *parts, **box, style=style, tabindex=0, aria_label=words)


class Dots(NamedTuple):
    """A row of dots: its name and colour, the value of each by name, and a note.

    ``mean`` has the mean and the ends of its interval, NaN where they are not known.
    """

    name: str
    color: str
    values: Mapping[str, float]
    mean: tuple[float, float, float]
    note: str


def dots(rows: Sequence[Dots], title: str) -> Chart:
    """Return values as dots along a scale from 0, and the mean of each row."""
    every = [v for row in rows for v in (*row.values.values(), *row.mean)]
    most = max((v for v in every if not math.isnan(v)), default=0) * 1.04 or 1.0
    lines, cells = [], []

    def place(value: float) -> str:
        return f'{max(100 * value / most, 0):.2f}%'

    for row in rows:
        known = [(who, v) for who, v in row.values.items() if not math.isnan(v)]
        parts = [
            # Dots of equal values are not quite at one height.
            tag('circle', tag('title', f'{who}: {value:.3g}'), cx=place(value),
                cy=12 + (k * 0.618 % 1 - 0.5) * 8, r=4, fill=row.color, class_='dot')
            for k, (who, value) in enumerate(known)
        ]  # fmt: skip
        mean, low, high = row.mean
        if not math.isnan(low):
            ends = {'x1': place(low), 'x2': place(high)}
            parts.append(tag('line', **ends, y1=12, y2=12, class_='range'))
        if not math.isnan(mean):
            ends = {'x1': place(mean), 'x2': place(mean)}
            parts.append(tag('line', **ends, y1=3, y2=21, class_='mean'))
        bar = tag('div', tag('svg', *parts), class_='bar')
        lines += [tag('span', row.name), bar, tag('small', row.note)]
        cells += [(row.name, who, f'{value:.4g}') for who, value in known]
    sides = {'start': 0.0, 'middle': 0.5, 'end': 1.0}
    scale = [
        tag(
            'text',
            f'{share * most:.2g}',
            x=f'{100 * share}%',
            y='50%',
            text_anchor=side,
        )
        for side, share in sides.items()
    ]
    lines += [tag('span'), tag('svg', *scale, class_='axis'), tag('small')]
    picture = tag('div', *lines, class_='bars', role='img', tabindex=0,
                  aria_label=f'{title}: {len(rows)} rows of dots')  # fmt: skip
    return Chart(picture, title, ('', 'who', title), cells)


def graph(
    names: Sequence[str],
    colors: Sequence[str],
    number: np.ndarray,
    residual: np.ndarray,
    title: str,
    clear: float,
) -> Chart:
    """Return how often classes follow each other, (K, K), as arrows.

    The wider an arrow, the larger its share of what follows a class; those clearly more
    and less frequent than by chance are marked.
    """
    radius, count, centre = 120.0, len(names), np.array([220.0, 165.0])
    angles = 2 * np.pi * np.arange(count) / count - np.pi / 2
    points = centre + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    share = number / np.maximum(number.sum(axis=1, keepdims=True), 1)
    parts, rows = [], []
    for i, k in sorted(zip(*np.nonzero(number), strict=True), key=lambda p: share[p]):
        if i == k:
            continue
        kind = ('', 'often', 'rare')[
            (residual[i, k] > clear) + 2 * (residual[i, k] < -clear)
        ]
        way = points[k] - points[i]
        way /= np.linalg.norm(way)
        aside = np.array([way[1], -way[0]])
        a, b = points[i] + 16 * way + 4 * aside, points[k] - 20 * way + 4 * aside
        (x, y), width = (a + b) / 2 + 16 * aside, 1 + 7 * share[i, k]
        words = f'{names[i]} to {names[k]}: {number[i, k]}, {100 * share[i, k]:.0f} %'
        curve = f'M{a[0]:.1f} {a[1]:.1f}Q{x:.1f} {y:.1f} {b[0]:.1f} {b[1]:.1f}'
        label, own = tag('title', words), {'stroke_width': float(width)}
        parts.append(tag('path', label, d=curve, class_=f'arrow {kind}', **own))
        tip, side = b + (6 + width) * way, (3 + width / 2) * aside
        ends = 'L'.join('{:.1f} {:.1f}'.format(*p) for p in (b + side, tip, b - side))
        parts.append(tag('path', label, d=f'M{ends}z', class_=f'head {kind}'))
        often = f'{residual[i, k]:+.1f}'
        rows.append(
            (names[i], names[k], number[i, k], f'{100 * share[i, k]:.0f}', often)
        )
    for (x, y), name, color in zip(points.tolist(), names, colors, strict=True):
        parts.append(tag('circle', tag('title', name), cx=x, cy=y, r=11, fill=color))
        right, below = ((x, y) - centre).tolist()
        side = 'middle' if abs(right) < 9 else 'start' if right > 0 else 'end'
        shown = name if len(name) < 17 else f'{name[:15]}…'
        away = 1 + 18 / radius
        place = {'x': x + (away - 1) * right, 'y': y + (away - 0.98) * below}
        parts.append(tag('text', tag('title', name), shown, **place, text_anchor=side))
    head = ('class', 'next', 'transitions', '%', 'residual')
    return Chart(framed(parts, 440, 330, title), title, head, rows)


def keys(names: Sequence[str], colors: Sequence[str]) -> Iterator[Markup]:
    """Yield what the colours mean."""
    for name, color in zip(names, colors, strict=True):
        yield tag('span', tag('i', style=f'background:{color}'), name, class_='key')
