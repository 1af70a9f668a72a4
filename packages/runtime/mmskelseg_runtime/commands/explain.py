"""Finds which joints, objects and times carry a label, by leaving them out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.labels.bouts import write_table
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError, escaped
from mmskelseg_io.messages.options import Positive, argument, option
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.bodies import joints_seen
from mmskelseg_io.structures.predictions import InputVideo
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.commands.segment import SegmenterJob
from mmskelseg_runtime.segmenting.explaining import (
    ExplainedSegment,
    Reasons,
    Weight,
    explain,
    weigh,
    words,
)

# Joints in a picture: its size, its margin, the room for names at each side, the
# largest radius, and the height of a name.
_SIZE, _MARGIN, _SIDE, _RADIUS, _NAME = 260, 24, 90, 12, 14
_Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Explain(SegmenterJob[list[Path]]):
    """Finds which joints, objects and times carry a label, by leaving them out.

        %(prog)s data/mine/annotations.pkl model --split test --out why

    INPUT and MODEL are as in `mmskelseg segment`. Each pair of left and right
    joints, each other joint, each other individual and each kind of object that the
    model sees is left out of a whole recording, as if a tracker had lost it. How far
    the probability of a predicted segment then falls is its drop, and its share is that
    of the sum over all parts. A part is above chance if its drop is larger than in each
    of 19 draws in which as much is left out, but of parts chosen at random, and at
    least 0.01. Parts that show the same share the credit, and a drop says what the
    model uses, not what causes a behaviour (docs/explain.md).

    OUT gets these files:

      by_class.csv    share and drop of each part for each class, the mean over its
                      segments, and whether it is above chance; a class that is
                      never predicted has a row without parts
      by_segment.csv  the same for each segment
      index.html      the skeleton of each class, its joints sized by their shares

    The times before, within and after a segment have shares of their own. A recording
    is predicted about 50 times, and for times three times for each segment, fewer if
    segments are far apart.
    """

    usage = '%(prog)s [-h] INPUT... MODEL [OPTION...]'
    inputs: Sequence[str] = argument(
        'videos, poses, annotations or folders; after them the model, as in '
        '`mmskelseg segment`',
        metavar='INPUT',
    )
    out: Path = option(
        'output folder (default: %(default)s)', Path('work_dirs/explain')
    )
    sides: bool = option('leave out left and right joints separately', False)
    window: Positive = option(
        'seconds before and after a segment to leave out (default: %(default)g)',
        2.0,
        metavar='SECONDS',
    )
    no_times: bool = option('leave out no times, which takes less long', False)

    def run(self, events: Events) -> list[Path]:
        """Write the tables and the page, and return their files.

        Raises:
            UserError: If there is no predicted segment, or an input does not suit.
        """
        for package in ('matplotlib', 'jinja2'):
            import_optional(package, 'The page')
        inputs, named = self.named()
        segmenter = self.open_segmenter(named, show_progress=False)
        names, videos = segmenter.videos(inputs, **self.stream_options())
        window = None if self.no_times else self.window
        found: list[Reasons] = []
        poses: dict[int, _Pose] = {}
        segment_rows: list[_Row] = []
        for i, video in enumerate(videos):
            events.progress(f'Explaining {video["frame_dir"]}', i, len(names))
            one = explain(segmenter, video, sides=self.sides, window=window)
            assert one is not None, 'there is no limit of time'
            found.append(one)
            for note in video['notes']:
                events.note(escaped(f'{one.recording}: {note}'))
            for span in one.spans:
                _keep_pose(poses, video, span)
            segment_rows += _segment_rows(one, segmenter.classes, video['fps'])
        if not segment_rows:
            raise UserError(
                f'{", ".join(inputs)}: the model predicts no segment, so there is '
                'nothing to explain; name other recordings.'
            )
        classes = {k: _of_class(found, k) for k in sorted(poses)}
        never = [n for k, n in enumerate(segmenter.classes) if k not in classes]
        rows = _class_rows(segmenter.classes, classes, never)
        page = _page(
            # Of a path, what tells it from others.
            model='/'.join(Path(str(named)).parts[-2:]),
            never=', '.join(never),
            recordings=len(found),
            window=window,
            classes=[
                {
                    'name': segmenter.classes[k],
                    'segments': count,
                    'weights': weights,
                    'words': words(weights),
                    **_picture(poses[k], segmenter.skeleton, weights, found[0]),
                }
                for k, (count, weights) in classes.items()
            ],
        )
        tables = {'by_class.csv': rows, 'by_segment.csv': segment_rows}
        for name, table in tables.items():
            write_table(self.out / name, table)
        atomic_write_text(self.out / 'index.html', page)
        for k, (_, weights) in classes.items():
            events.note(f'{segmenter.classes[k]}: {words(weights)}')
        if never:
            events.note(f'never predicted: {", ".join(never)}')
        events.note(f'{self.out} has {", ".join(tables)}, index.html')
        return [self.out / name for name in (*tables, 'index.html')]


def _page(**content: Any) -> str:
    """Return the page with some content."""
    # It needs optional packages.
    from mmskelseg_runtime.drawing.templates import html_template

    return html_template(Path(__file__).with_name('explain.html')).render(content)


@dataclass(frozen=True)
class _Pose:
    """Joints (V, 2), whether they are seen, (V,), and the length of the segment."""

    points: np.ndarray
    seen: np.ndarray
    length: int


def _keep_pose(
    poses: dict[int, _Pose], video: InputVideo, span: ExplainedSegment
) -> None:
    """Keep a pose from a segment, if it shows more joints or is longer than before."""
    own = video.get('individual', 0)
    seen = joints_seen(video)[own, span.start : span.end]
    # Of those that show most joints, the one nearest to the middle.
    middle = abs(np.arange(len(seen)) - len(seen) // 2)
    best = int(np.lexsort((middle, -seen.sum(axis=1)))[0])
    points = np.asarray(video['keypoint'])[own, span.start + best]
    pose = _Pose(points, seen[best], len(seen))
    before = poses.get(span.row)
    if before is None or _goodness(pose) > _goodness(before):
        poses[span.row] = pose


def _goodness(pose: _Pose) -> tuple[int, int]:
    return int(pose.seen.sum()), pose.length


def _of_class(found: Sequence[Reasons], row: int) -> tuple[int, list[Weight]]:
    """Return the number of segments of a class, and what carries them."""
    chosen = [
        (one, i) for one in found for i, span in enumerate(one.spans) if span.row == row
    ]
    return len(chosen), weigh(chosen)


def _class_rows(
    names: Sequence[str],
    classes: Mapping[int, tuple[int, list[Weight]]],
    never: Sequence[str],
) -> list[_Row]:
    rows: list[_Row] = [
        {'class': names[k], 'segments': count, **_cells(weight)}
        for k, (count, weights) in classes.items()
        for weight in weights
    ]
    empty = dict.fromkeys(rows[0], '')
    return rows + [{**empty, 'class': name, 'segments': 0} for name in never]


def _segment_rows(
    reasons: Reasons, classes: Sequence[str], fps: float
) -> Iterator[_Row]:
    for i, span in enumerate(reasons.spans):
        place = {
            'recording': reasons.recording,
            'start_s': span.start / fps,
            'end_s': span.end / fps,
            'class': classes[span.row],
        }
        for weight in weigh([(reasons, i)]):
            yield {**place, **_cells(weight)}


def _cells(weight: Weight) -> _Row:
    named = {
        'part': weight.part,
        'kind': weight.kind,
        'share_percent': 100 * weight.share,
        'drop': weight.drop,
        'chance': weight.chance,
    }
    # Of few segments, nothing is known about times.
    known = not np.isnan(weight.chance)
    return {**named, 'above_chance': ('no', 'yes')[weight.above] if known else ''}


def _picture(
    pose: _Pose, layout: Layout, weights: Sequence[Weight], reasons: Reasons
) -> _Row:
    """Return joints, limbs and names of joints above chance, in pixels."""
    skeleton, seen = Skeleton.get(layout), np.flatnonzero(pose.seen)
    if not seen.size:
        return {'circles': []}
    low, high = (f(pose.points[seen], axis=0) for f in (np.min, np.max))
    scale = (_SIZE - 2 * _MARGIN) / max(float((high - low).max()), 1e-9)
    centre = _SIZE / 2 + np.array([_SIDE, 0])
    middle = centre + (pose.points - (low + high) / 2) * scale
    joints = {part.name: part.indices for part in reasons.parts if part.kind == 'joint'}
    own = {i: w for w in weights if w.kind == 'joint' for i in joints[w.part]}
    most = max((w.share for w in own.values()), default=0.0) or 1.0
    circles = [
        {
            'x': middle[i, 0],
            'y': middle[i, 1],
            'r': 3 + (_RADIUS - 3) * own[i].share / most,
            'above': own[i].above,
            'name': skeleton.joints[i],
            'title': f'{skeleton.joints[i]}: {100 * own[i].share:.0f} %',
        }
        for i in seen.tolist()
    ]
    lines = [
        (*middle[a], *middle[b])
        for a, b in skeleton.limbs
        if pose.seen[a] and pose.seen[b]
    ]
    size = {'width': _SIZE + 2 * _SIDE, 'height': _SIZE}
    return {'circles': circles, 'lines': lines, 'names': _names(circles), **size}


def _names(
    circles: Sequence[_Row],
) -> Iterator[tuple[float, float, float, float, str, str]]:
    """Yield where names are, where their joints are, the anchor, and the name.

    They are beside the skeleton, below each other, so that none covers another.
    """
    sides = {'end': _SIDE - 6.0, 'start': _SIDE + _SIZE + 6.0}
    lowest = dict.fromkeys(sides, 0.0)
    for spot in sorted(circles, key=lambda spot: spot['y']):
        if spot['above']:
            side = 'start' if spot['x'] > _SIDE + _SIZE / 2 else 'end'
            lowest[side] = max(lowest[side] + _NAME, spot['y'])
            yield sides[side], lowest[side], spot['x'], spot['y'], side, spot['name']


main = Explain.main
