"""The report on a data set: a text with summary and suspicions, and an HTML page."""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import groupby, islice
from operator import add
from pathlib import Path

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
from mmskelseg_runtime.drawing.heatmaps import draw_poses
from mmskelseg_runtime.drawing.images import save_png
from mmskelseg_runtime.drawing.palette import class_color, class_colors
from mmskelseg_runtime.drawing.svg import Chart, bars, keys, timeline
from mmskelseg_runtime.drawing.templates import html_template
from mmskelseg_runtime.features import RenderSkeletonHeatmap

# The most lines for one check.
SHOWN = 6
# The most timelines of the page.
TIMELINES = 120


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


def _label_charts(data: AnnotationFile, line_minutes: float | None) -> Iterator[Chart]:
    """Yield the labels of the first videos, those of one frame rate in one chart."""
    tiers, classes = tiers_of(data['metainfo']), data['metainfo']['classes']
    first = data['annotations'][: max(TIMELINES // len(tiers), 1)]
    for fps, videos in groupby(first, key=lambda video: float(video['fps'])):
        rows = {
            ', '.join(filter(None, (video['frame_dir'], tier))): row
            for video in videos
            for tier, row in flat_rows(video['label'], tiers).items()
        }
        yield timeline(
            rows, fps, classes, class_colors(tiers), line_minutes=line_minutes
        )


def _budget_chart(budget: TimeBudget, meta: Metainfo) -> Chart:
    notes = [
        f'{share:.1f} %, {count:,} times {mean:.2f} s' if count else '-'
        for share, count, mean in zip(
            budget.share, budget.number, budget.mean, strict=True
        )
    ]
    colors, classes = class_colors(tiers_of(meta)), meta['classes']
    every = [class_color(k, colors) for k in range(len(classes))]
    return bars({'seconds': budget.total.tolist()}, classes, notes, every)


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
    """Write a page with charts, sample frames, and a table of time budgets.

    ``frames`` sample frames are drawn of the first ``videos`` videos, or of all if it
    is None; for ``line_minutes``, see ``draw_timelines``. Return the path of the page.
    """
    budgets, meta = time_budgets(data), data['metainfo']
    classes, missing = meta['classes'], summary['missing_by_joint']
    write_time_budget(out / 'time_budget.csv', budgets, classes)
    samples = {}
    wanted = data['annotations'][:videos]
    for i, video in enumerate(wanted):
        file = f'videos/{file_name(video["frame_dir"])}.png'
        events.progress(f'Drawing {file}', i, len(wanted))
        save_png(_sample_frames(video, meta, frames), out / file)
        samples[video['frame_dir']] = file
    budget = reduce(add, budgets.values())
    html = html_template(Path(__file__).with_suffix('.html')).render(
        title=f'{summary["dataset"]}: data set',
        text=text,
        summary=summary,
        classes=classes,
        keys=list(keys(classes, class_colors(tiers_of(meta)))),
        labels=list(_label_charts(data, line_minutes)),
        left=len(data['annotations']) - max(TIMELINES // len(tiers_of(meta)), 1),
        budget=_budget_chart(budget, meta),
        transitions=budget.transitions.tolist() if budget.transitions.any() else None,
        missing=bars(
            {'% of the frames with the person present': [*missing.values()]},
            list(missing),
            [f'{value:.1f} %' for value in missing.values()],
        )
        if any(missing.values())
        else None,
        samples=samples,
    )
    atomic_write_text(out / 'index.html', html)
    return out / 'index.html'
