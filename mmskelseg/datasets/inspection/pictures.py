"""Pictures of a data set, and the page that shows them."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from mmengine.utils import track_iter_progress

from mmskelseg.datasets.inspection.report import page
from mmskelseg.datasets.inspection.summary import seen_joints
from mmskelseg.features.renderers import RenderSkeletonHeatmap
from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.fileio.names import file_name
from mmskelseg.structures import Skeleton
from mmskelseg.visualization import draw_timelines, save_png
from mmskelseg.visualization.charts import draw_bars
from mmskelseg.visualization.heatmaps import draw_poses
from mmskelseg.visualization.images import class_color
from mmskelseg.visualization.timelines import SCREEN

# So many bars of labels are still legible in one picture.
TIMELINES = 40
BARS = SCREEN._replace(bar=0.24, gap=0.08)


class Picture(NamedTuple):
    """A caption, a file within the folder of pictures, and what draws it."""

    caption: str
    file: str
    draw: Callable[[], np.ndarray]


def pictures(
    data: dict[str, Any], summary: dict[str, Any], videos: int | None, frames: int
) -> Iterator[Picture]:
    """Yield what is drawn: of the whole file, then of so many of its videos."""
    annotations = data['annotations']
    parts = range(0, len(annotations), TIMELINES)
    for number, begin in enumerate(parts, 1):
        name = 'timelines' if len(parts) == 1 else f'timelines_{number}'
        part = annotations[begin : begin + TIMELINES]
        yield Picture('Labels', f'{name}.png', partial(_label_timelines, part, data))
    yield Picture('Classes', 'classes.png', partial(_class_histogram, summary))
    yield Picture('Missing joints', 'missing.png', partial(_missing_joints, summary))
    for video in annotations[:videos]:
        draw = partial(_sample_frames, video, data['metainfo'], frames)
        name = file_name(video['frame_dir'])
        yield Picture(f'Video {video["frame_dir"]}', f'videos/{name}.png', draw)


def _label_timelines(videos: list[dict[str, Any]], data: dict[str, Any]) -> np.ndarray:
    rates = {float(video['fps']) for video in videos}
    return draw_timelines(
        {video['frame_dir']: video['label'] for video in videos},
        data['metainfo']['classes'],
        title='Labels',
        fps=rates.pop() if len(rates) == 1 else None,
        style=BARS,
    )


def _class_histogram(summary: dict[str, Any]) -> np.ndarray:
    rows = summary['classes']
    return draw_bars(
        {
            'frames': [row['frames'] for row in rows],
            'segments': [row['segments'] for row in rows],
        },
        [f'{row["id"]}  {row["name"]}' for row in rows],
        colors=[class_color(row['id']) for row in rows],
        title='Classes',
    )


def _missing_joints(summary: dict[str, Any]) -> np.ndarray:
    missing = summary['missing_by_joint']
    return draw_bars(
        {'percent of the frames in which a person is there': list(missing.values())},
        list(missing),
        title='Missing joints',
        form='{:.1f} %',
    )


def _sample_frames(
    video: dict[str, Any], meta: dict[str, Any], count: int
) -> np.ndarray:
    """Draw some frames, evenly spread over a video."""
    skeleton = Skeleton.get(meta['skeleton'])
    total = video['total_frames']
    frames = np.unique(((np.arange(count) + 0.5) * total / count).astype(int))
    render = RenderSkeletonHeatmap(skeleton)
    keypoint, score = (values[:, frames] for values in render.place(video))
    heatmaps = dict(
        zip(
            (f'frame {frame}, {frame / video["fps"]:.1f} s' for frame in frames),
            render.draw(keypoint, score),
            strict=True,
        )
    )
    seen = seen_joints(video)[:, frames, :, None]
    points = np.where(seen, video['keypoint'][:, frames], np.nan)
    shown = []
    for i, frame in enumerate(frames):
        label = video['label'][frame]
        name = meta['classes'][label] if label >= 0 else 'unlabelled'
        shown.append((name, points[:, i]))
    return draw_poses(shown, heatmaps, skeleton, video['img_shape'])


def draw_all(
    out: Path,
    data: dict[str, Any],
    summary: dict[str, Any],
    text: str,
    videos: int | None,
    frames: int,
) -> Path:
    """Write the pictures and the page that shows them; return the page's path.

    Sample frames are of the first so many ``videos``, or of all; ``text`` stands above.
    """
    wanted = list(pictures(data, summary, videos, frames))
    for picture in track_iter_progress(wanted, file=sys.stderr):
        save_png(picture.draw(), out / picture.file)
    sys.stderr.write('\n')
    addresses = [(picture.caption, quote(picture.file)) for picture in wanted]
    index = out / 'index.html'
    with atomic_write(index) as file:
        file.write(page(f'{summary["dataset"]}: data set', text, addresses).encode())
    return index
