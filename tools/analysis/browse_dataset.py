"""Shows what an annotation file holds, and what in it is suspicious.

    python tools/analysis/browse_dataset.py data/toy/annotations.pkl

It checks the format, prints a summary and what is most likely a mistake (docs/browse.md
lists the checks), and draws pictures, with a page index.html that shows them together:
label timelines, histograms of classes and of missing joints, and sample frames of each
video, the skeleton above its heatmap.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from browse_report import page, report
from mmengine.utils import track_iter_progress

from mmskelseg.cli import user_errors
from mmskelseg.datasets.annotations import load_annotations
from mmskelseg.datasets.inspection.sanity_checks import sanity_checks
from mmskelseg.datasets.inspection.summary import seen_joints, summarize
from mmskelseg.features.renderers import RenderSkeletonHeatmap
from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.fileio.names import file_name
from mmskelseg.structures import Skeleton
from mmskelseg.visualization import draw_timelines, save_png
from mmskelseg.visualization.bars import draw_bars
from mmskelseg.visualization.palette import class_color
from mmskelseg.visualization.poses import draw_poses
from mmskelseg.visualization.timelines import SCREEN

# So many bars of labels are still legible in one picture.
TIMELINES = 40
BARS = SCREEN._replace(bar=0.24, gap=0.08)


class Picture(NamedTuple):
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
        yield Picture('Labels', f'{name}.png', partial(label_timelines, part, data))
    yield Picture('Classes', 'classes.png', partial(class_histogram, summary))
    yield Picture('Missing joints', 'missing.png', partial(missing_joints, summary))
    for video in annotations[:videos]:
        draw = partial(sample_frames, video, data['metainfo'], frames)
        name = file_name(video['frame_dir'])
        yield Picture(f'Video {video["frame_dir"]}', f'videos/{name}.png', draw)


def label_timelines(videos: list[dict[str, Any]], data: dict[str, Any]) -> np.ndarray:
    rates = {float(video['fps']) for video in videos}
    return draw_timelines(
        {video['frame_dir']: video['label'] for video in videos},
        data['metainfo']['classes'],
        title='Labels',
        fps=rates.pop() if len(rates) == 1 else None,
        style=BARS,
    )


def class_histogram(summary: dict[str, Any]) -> np.ndarray:
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


def missing_joints(summary: dict[str, Any]) -> np.ndarray:
    missing = summary['missing_by_joint']
    return draw_bars(
        {'percent of the frames in which a person is there': list(missing.values())},
        list(missing),
        title='Missing joints',
        form='{:.1f} %',
    )


def sample_frames(
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


def draw_all(args: argparse.Namespace, data: dict, summary: dict, text: str) -> Path:
    """Write all pictures and the page that shows them; return the page's path."""
    wanted = list(pictures(data, summary, args.videos, args.frames))
    for picture in track_iter_progress(wanted, file=sys.stderr):
        save_png(picture.draw(), args.out / picture.file)
    print(file=sys.stderr)
    addresses = [(picture.caption, quote(picture.file)) for picture in wanted]
    index = args.out / 'index.html'
    with atomic_write(index) as file:
        file.write(page(f'{summary["dataset"]}: data set', text, addresses).encode())
    return index


def whole_number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is below 1')
    return number


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('annotations', type=Path, help='annotation file')
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='folder for pictures (default: browse, beside the annotation file)',
    )
    parser.add_argument(
        '--videos',
        type=whole_number,
        metavar='N',
        help='draw sample frames of the first N videos (default: of all)',
    )
    parser.add_argument(
        '--frames',
        type=whole_number,
        default=4,
        metavar='N',
        help='sample frames of a video (default: %(default)s)',
    )
    parser.add_argument(
        '--video-folder',
        type=Path,
        metavar='DIR',
        help='where the video files are (default: beside the annotation file)',
    )
    parser.add_argument(
        '--no-pictures', action='store_true', help='print the text alone'
    )
    parser.add_argument(
        '--json', type=Path, metavar='FILE', help='write summary and suspicions too'
    )
    args = parser.parse_args()
    args.out = args.out or args.annotations.parent / 'browse'
    args.video_folder = args.video_folder or args.annotations.parent
    return args


def main() -> None:
    args = parse_args()
    with user_errors():
        data = load_annotations(args.annotations)
        summary = summarize(data, args.video_folder)
        found = sanity_checks(data, args.video_folder)
        text = report(str(args.annotations), summary, found)
        print(text)
        if args.json:
            content = {**summary, 'suspicions': [one._asdict() for one in found]}
            with atomic_write(args.json) as file:
                file.write(json.dumps(content, indent=1).encode())
        if not args.no_pictures:
            print(f'\n{draw_all(args, data, summary, text)}')


if __name__ == '__main__':
    main()
