"""The report on a data set: a text with summary and suspicions, and an HTML page."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from itertools import groupby, islice
from operator import add
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmskelseg.datasets.inspection.sanity_checks import Suspicion
from mmskelseg.datasets.inspection.summary import DataSummary
from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.names import file_name
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.labels import write_time_budget
from mmskelseg_io.messages.counts import counted
from mmskelseg_io.messages.tables import text_table
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import joints_seen
from mmskelseg_io.structures.tiers import (
    flat_label,
    flat_rows,
    label_rows,
    tiers_of,
    with_flat_labels,
)
from mmskelseg_io.structures.time_budget import TimeBudget, time_budget
from mmskelseg_runtime.drawing.charts import draw_bars, draw_time_budget
from mmskelseg_runtime.drawing.heatmaps import draw_poses
from mmskelseg_runtime.drawing.images import save_png
from mmskelseg_runtime.drawing.palette import class_colors
from mmskelseg_runtime.drawing.templates import html_template
from mmskelseg_runtime.drawing.timelines import BARS, draw_timelines, line_frames
from mmskelseg_runtime.features import RenderSkeletonHeatmap

# The most lines for one check.
SHOWN = 6
# The most timelines in one picture.
TIMELINES = 40


def report(source: str, summary: DataSummary, found: Sequence[Suspicion]) -> str:
    """Return the summary and the suspicions of an annotation file as text."""
    rows = overview(source, summary).items()
    of_summary = (part(summary) for part in (_classes, _joints, _splits))
    parts = ((f'{k:12}{v}' for k, v in rows), *of_summary, _suspicions(found))
    return '\n\n'.join('\n'.join(part) for part in parts)


def overview(source: str, summary: DataSummary) -> dict[str, str]:
    """Return the main figures of a data set by their names, as text."""
    frames = summary['frames']
    (short, least), (long, most) = summary['shortest'], summary['longest']
    empty = summary['frames_without_person']
    files = summary['files']
    return {
        'data set': f'{summary["dataset"]} ({source})',
        'videos': f'{summary["videos"]}, from {_duration(least)} ({short}) to '
        f'{_duration(most)} ({long}), {_duration(summary["seconds"])} in all',
        'frames': f'{frames:,}',
        'fps': _counted(summary['fps']),
        'images': _counted(summary['images']),
        'skeleton': f'{summary["skeleton"]}, {len(summary["missing_by_joint"])} joints',
        'view': f'from the {summary["view"]}'
        + (f', up is {summary["up"]}' if summary['up'] else ''),
        'persons': _counted(summary['persons']),
        'no one seen': f'in {empty:,} frames{_share(empty, frames)}',
        'missing': f'{summary["missing"]:.1f} % of the joints of persons present',
        'segments': f'{summary["segments"]:,} of {len(summary["classes"])} classes'
        + (f' in {counted(len(summary["tiers"]), "tier")}' if summary['tiers'] else ''),
        'background': summary['background'] or 'none',
        'unlabelled': f'{summary["unlabelled"]:,} frames'
        f'{_share(summary["unlabelled"], frames)}',
        'video files': f'{files["named"]} named, {len(files["missing"])} of them '
        'missing'
        if files['named']
        else 'none named',
    }


def _classes(summary: DataSummary) -> Iterator[str]:
    rows = [('class', 'frames', '', 'segments', 'median', 'videos')]
    labelled = max(summary['frames'] - summary['unlabelled'], 1)
    for row in summary['classes']:
        median = row['median_seconds']
        rows.append(
            (
                f'{row["id"]:2}  {row["name"]}',
                f'{row["frames"]:,}',
                f'{100 * row["frames"] / labelled:.1f} %',
                f'{row["segments"]:,}',
                '-' if median is None else f'{median:.1f} s',
                f'{row["videos"]}',
            )
        )
    yield from text_table(rows)
    if ends := summary['imbalance']:
        yield '{most} has {ratio:.1f} times the frames of {least}'.format(**ends)


def _joints(summary: DataSummary) -> Iterator[str]:
    missing = summary['missing_by_joint']
    if not any(missing.values()):
        yield 'no joint is missing'
        return
    rows = [('joint', 'missing')]
    rows += [(name, f'{percent:.1f} %') for name, percent in missing.items()]
    yield from text_table(rows)


def _splits(summary: DataSummary) -> Iterator[str]:
    rows = [('split', 'videos', 'frames', 'lacks the classes')]
    for name, split in summary['splits'].items():
        lacks = ', '.join(split['lacks']) or '-'
        rows.append((name, f'{split["videos"]}', f'{split["frames"]:,}', lacks))
    yield from text_table(rows, left=(0, -1))
    if summary['without_split']:
        yield f'in no split: {", ".join(summary["without_split"])}'


def _suspicions(found: Sequence[Suspicion]) -> Iterator[str]:
    if not found:
        yield 'nothing suspicious'
        return
    yield f'suspicious: {len(found)}'
    for check, group in groupby(found, key=lambda one: one.check):
        alike = list(group)
        # A message that several videos share takes one line.
        shown = SHOWN if len({one.text for one in alike}) > 1 else len(alike)
        yield f'  {check}'
        for text, said in groupby(alike[:shown], key=lambda one: one.text):
            names = ', '.join(one.video for one in said if one.video is not None)
            yield f'    {names}: {text}' if names else f'    {text}'
        if len(alike) > shown:
            yield f'    and {len(alike) - shown} more (--json FILE has all)'


def _counted(counts: dict[str, int]) -> str:
    """Return values as text, with the number of videos of each if they differ.

    >>> _counted({'30': 5, '25': 1}), _counted({'30': 6})
    ('30 (5 videos), 25 (1 video)', '30')
    """
    if len(counts) == 1:
        return next(iter(counts))
    shown = [
        f'{value} ({counted(count, "video")})'
        for value, count in islice(counts.items(), 8)
    ]
    more = len(counts) - len(shown)
    return ', '.join(shown) + (f' and {more} others' if more else '')


def _duration(seconds: float) -> str:
    """Return a duration as readable text.

    >>> _duration(27.5), _duration(754)
    ('27.5 s', '12 min 34 s')
    """
    if seconds < 60:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f'{minutes} min {rest} s'
    return f'{minutes // 60} h {minutes % 60} min'


def _share(part: int, whole: int) -> str:
    return f' ({100 * part / whole:.1f} %)' if part else ''


class NamedPicture(NamedTuple):
    """A caption, a file within the folder of pictures, and the function to draw it."""

    caption: str
    file: str
    draw: Callable[[], np.ndarray]


def pictures(
    data: AnnotationFile,
    summary: DataSummary,
    videos: int | None,
    frames: int,
    line_minutes: float | None,
) -> Iterator[NamedPicture]:
    """Yield pictures of the whole file, and then of its first ``videos`` videos."""
    annotations, classes = data['annotations'], data['metainfo']['classes']
    tiers = tiers_of(data['metainfo'])
    colors = class_colors(tiers)
    rates = {float(video['fps']) for video in annotations}
    fps = rates.pop() if len(rates) == 1 else None
    longest = max(int(video['total_frames']) for video in annotations)
    lines = math.ceil(longest / line_frames(longest, fps, line_minutes))
    bars = max(1, TIMELINES // lines // len(tiers))
    parts = range(0, len(annotations), bars)
    for number, begin in enumerate(parts, 1):
        name = 'timelines' if len(parts) == 1 else f'timelines_{number}'
        part = annotations[begin : begin + bars]
        draw = partial(
            draw_timelines,
            {
                ', '.join(filter(None, (video['frame_dir'], tier))): row
                for video in part
                for tier, row in flat_rows(video['label'], tiers).items()
            },
            classes,
            title='Labels',
            fps=fps,
            line_minutes=line_minutes,
            style=BARS._replace(colors=colors),
        )
        yield NamedPicture('Labels', f'{name}.png', draw)
    missing = summary['missing_by_joint']
    budget = reduce(add, time_budgets(data).values())
    draw = partial(draw_time_budget, budget, classes, 'Time budget', colors)
    yield NamedPicture('Time budget', 'time_budget.png', draw)
    draw = partial(
        draw_bars,
        {'percent of the frames with the person present': list(missing.values())},
        list(missing),
        title='Missing joints',
        form='{:.1f} %',
    )
    yield NamedPicture('Missing joints', 'missing.png', draw)
    for video in annotations[:videos]:
        draw = partial(_sample_frames, video, data['metainfo'], frames)
        name = file_name(video['frame_dir'])
        yield NamedPicture(f'Video {video["frame_dir"]}', f'videos/{name}.png', draw)


def _sample_frames(video: VideoAnnotation, meta: Metainfo, count: int) -> np.ndarray:
    """Draw some frames, evenly spread over a video."""
    skeleton = Skeleton.get(meta['skeleton'])
    total = video['total_frames']
    frames = np.unique(((np.arange(count) + 0.5) * total / count).astype(int))
    render = RenderSkeletonHeatmap(skeleton)
    keypoint, score = (values[:, frames] for values in render.place(video))
    titles = [f'frame {frame}, {frame / video["fps"]:.1f} s' for frame in frames]
    heatmaps = dict(zip(titles, render.images(keypoint, score)[:, 0], strict=True))
    seen = joints_seen(video)[:, frames, :, None]
    points = np.where(seen, video['keypoint'][:, frames], np.nan)
    # The last name is for the label -1.
    names = [*meta['classes'], 'unlabelled']
    label = label_rows(flat_label(video['label'], tiers_of(meta)))
    said = [', '.join(names[k] for k in label[:, frame]) for frame in frames]
    shown = [(text, points[:, i]) for i, text in enumerate(said)]
    return draw_poses(shown, heatmaps, skeleton, video['img_shape'])


def time_budgets(data: AnnotationFile) -> dict[str, TimeBudget]:
    """Return the time budget of each video of an annotation file."""
    count = len(data['metainfo']['classes'])
    data = with_flat_labels(data)
    return {
        video['frame_dir']: time_budget(video['label'], count, float(video['fps']))
        for video in data['annotations']
    }


def draw_all(
    out: Path,
    data: AnnotationFile,
    summary: DataSummary,
    text: str,
    videos: int | None,
    frames: int,
    line_minutes: float | None,
    events: Events,
) -> Path:
    """Write pictures, a page that shows them below a text, and a table of time budgets.

    ``frames`` sample frames are drawn of the first ``videos`` videos, or of all if it
    is None; for ``line_minutes``, see ``draw_timelines``. Return the path of the page.
    """
    wanted = list(pictures(data, summary, videos, frames, line_minutes))
    for i, picture in enumerate(wanted):
        events.progress(f'Drawing {picture.file}', i, len(wanted))
        save_png(picture.draw(), out / picture.file)
    budgets, classes = time_budgets(data), data['metainfo']['classes']
    write_time_budget(out / 'time_budget.csv', budgets, classes)
    index, title = out / 'index.html', f'{summary["dataset"]}: data set'
    page = html_template(Path(__file__).with_suffix('.html'))
    html = page.render(title=title, text=text, pictures=wanted, summary=summary)
    atomic_write_text(index, html)
    return index
