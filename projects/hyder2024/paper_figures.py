"""Draws the figures of the paper from your own data."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from mmskelseg.evaluation.predictions import load_samples
from mmskelseg_io.files.annotations import load_annotations, split_names
from mmskelseg_io.jobs.command_line import number_from
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo, SkeletonKey, VideoAnnotation
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.drawing.heatmaps import draw_heatmaps, panels
from mmskelseg_runtime.drawing.images import COLUMN, render, save_png
from mmskelseg_runtime.drawing.palette import class_colors
from mmskelseg_runtime.drawing.timelines import PRINT, draw_timelines
from mmskelseg_runtime.features import RenderSkeletonHeatmap

# Whether joints and whether limbs are drawn.
PARTS = {
    'Joints': (True, False),
    'Limbs': (False, True),
    'Joints + limbs': (True, True),
}
# Colours of joints that are seen and of those that are lost.
SEEN, LOST = '#202020', '#D55E00'


def heatmaps(job: 'Figures', video: VideoAnnotation, metainfo: Metainfo) -> np.ndarray:
    frame = find_frame(video, job.frame)
    images = {}
    for title, (joints, limbs) in PARTS.items():
        render = RenderSkeletonHeatmap(metainfo['skeleton'], joints=joints, limbs=limbs)
        images[title] = frame_heatmap(render, video, frame)
    return draw_heatmaps(images, width=job.width)


def missing(job: 'Figures', video: VideoAnnotation, metainfo: Metainfo) -> np.ndarray:
    frame = find_frame(video, job.frame)
    skeleton = Skeleton.get(metainfo['skeleton'])
    unknown = [part for part in job.parts if part not in skeleton.drop_groups]
    if unknown:
        raise UserError(
            f'{job.annotations}: skeleton {skeleton.name!r} has no part '
            f'{unknown[0]!r}; choose --parts from '
            f'{", ".join(skeleton.drop_groups) or "none: it names no parts"}.'
        )
    groups = {f'No {p.replace("_", " ")}': skeleton.drop_groups[p] for p in job.parts}
    lost: dict[str, tuple[int, ...]] = {'Complete': (), **groups}
    render = RenderSkeletonHeatmap(skeleton)
    images = {
        title: frame_heatmap(render, video, frame, joints)
        for title, joints in lost.items()
    }
    keypoint, score = (values[:, frame] for values in render.place(video))
    keypoint = np.where(score[..., None] > 0, keypoint, np.nan)
    return draw_missing(images, lost, keypoint, skeleton, job.width)


def draw_missing(
    heatmaps: Mapping[str, np.ndarray],
    lost: Mapping[str, Sequence[int]],
    keypoint: np.ndarray,
    skeleton: Skeleton,
    width: float,
) -> np.ndarray:
    """Return heatmaps, each below the skeleton it is drawn from, RGB uint8 (H, W, 3).

    Lost joints are crosses and limbs that touch them are dashed, so that they can be
    recognised without colour.

    Args:
        heatmaps: Heatmaps (h, w) by title, from left to right.
        lost: The joints that the skeleton of each heatmap lacks.
        keypoint: Joints in pixels of the heatmaps, NaN if not seen, shape (M, V, 2).
        skeleton: The layout of the V joints.
        width: Width of the picture in inches, at print resolution.
    """
    figure, above = panels(heatmaps, 2, width)
    for axes, (title, image) in zip(above, heatmaps.items(), strict=True):
        H, W = image.shape
        axes.set(xlim=(-1.5, W + 0.5), ylim=(H + 0.5, -1.5), facecolor='white')
        _draw_skeleton(axes, keypoint, set(lost[title]), skeleton)
    return render(figure)


def _draw_skeleton(
    axes: Axes, keypoint: np.ndarray, lost: set[int], skeleton: Skeleton
) -> None:
    gone = sorted(lost)
    present = sorted({*range(skeleton.num_joints)} - lost)
    for person in keypoint:
        for a, b in skeleton.limbs:
            whole = lost.isdisjoint((a, b))
            axes.plot(
                *person[[a, b]].T,
                color=SEEN if whole else LOST,
                linestyle='-' if whole else (0, (2, 1.5)),
                linewidth=1,
                zorder=1 if whole else 2,
            )
        x, y = person.T
        axes.scatter(x[present], y[present], s=5, color=SEEN, linewidths=0, zorder=3)
        axes.scatter(
            x[gone], y[gone], s=9, color=LOST, marker='x', linewidths=0.8, zorder=3
        )


def timelines(job: 'Figures', video: VideoAnnotation, metainfo: Metainfo) -> np.ndarray:
    rows = {'Ground truth': video['label']}
    for name, file in job.predictions:
        predictions = load_samples(file)
        if video['frame_dir'] not in predictions:
            raise UserError(
                f'{file}: contains no prediction for video '
                f'{video["frame_dir"]}, only for {", ".join(predictions)}; choose one '
                'of these with --video, or test a split with that video.'
            )
        rows[name] = np.asarray(predictions[video['frame_dir']]['pred_label'])
    colors = class_colors(tiers_of(metainfo))
    style = PRINT._replace(width=job.width, colors=colors)
    return draw_timelines(rows, metainfo['classes'], truth='Ground truth', style=style)


def find_frame(video: VideoAnnotation, frame: int | None) -> int:
    """Return the requested frame, or one with a large pose and confident joints."""
    if frame is None:
        score = video['keypoint_score']
        seen = score[..., None] > 0
        # (T, 2)
        high = np.where(seen, video['keypoint'], -np.inf).max(axis=(0, 2))
        low = np.where(seen, video['keypoint'], np.inf).min(axis=(0, 2))
        # Outliers make a pose large, too, but have low scores. The size of a frame
        # without joints is -inf.
        area = np.maximum(high - low, 0).prod(axis=1)
        frame = int(np.argmax(area * score.min(axis=2).max(axis=0)))
    if not 0 <= frame < video['total_frames']:
        raise UserError(
            f'video {video["frame_dir"]} has no frame {frame}; choose --frame from 0 '
            f'to {video["total_frames"] - 1}.'
        )
    print(f'frame {frame}')
    return frame


def frame_heatmap(
    render: RenderSkeletonHeatmap,
    video: VideoAnnotation,
    frame: int,
    lost: tuple[int, ...] = (),
) -> np.ndarray:
    """Return the heatmap (H, W) of a frame, in the box of the whole video.

    Lost joints are removed like in DropLimb.
    """
    changed = video.copy()
    keys: list[SkeletonKey] = ['keypoint', 'keypoint_score']
    for key in keys:
        changed[key] = video[key].copy()
        changed[key][:, frame, list(lost)] = 0
    keypoint, score = render.place(changed)
    block = slice(frame, frame + 1)
    return render.images(keypoint[:, block], score[:, block])[0, 0]


def named_file(text: str) -> tuple[str, str]:
    name, sign, file = text.partition('=')
    if not (name and sign and file):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not of the form NAME=FILE, as in Ours=ours.pkl'
        )
    return name, file


@dataclass(frozen=True, kw_only=True)
class Figures(Job[None]):
    """Draws the figures of the paper from your own data, sized for a column of a paper.

        python projects/hyder2024/paper_figures.py heatmaps data/toy/annotations.pkl
        python projects/hyder2024/paper_figures.py missing data/toy/annotations.pkl
        python projects/hyder2024/paper_figures.py timelines data/toy/annotations.pkl \\
            Joint=joint.pkl Limb=limb.pkl

    `heatmaps` (Fig. 2) shows the joints, the limbs, and both for one frame. `missing`
    (Fig. 4) shows the same frame with all joints, without an arm, and without a leg.
    `timelines` (Fig. 5) shows the ground truth of a video above the predictions of
    several methods, each from a file that `tools/test.py CONFIG CHECKPOINT --dump
    FILE.pkl` wrote.

    The result is a PNG file with 300 pixels per inch.
    """

    usage = '%(prog)s [-h] FIGURE ANN [NAME=FILE...] [OPTION...]'
    figure: Literal['heatmaps', 'missing', 'timelines'] = argument('what to draw')
    annotations: str = argument('annotation file', metavar='ANN')
    predictions: Sequence[tuple[str, str]] = argument(
        'a method in timelines, and the file from `tools/test.py --dump FILE`',
        (),
        type=named_file,
        metavar='NAME=FILE',
    )
    video: str | None = option('frame_dir (default: first test video)', None)
    frame: int | None = option('number from 0 (default: one with a large pose)', None)
    parts: Sequence[str] = option(
        'parts to remove, an image for each (default: left_arm left_leg)',
        ('left_arm', 'left_leg'),
    )
    width: float = option(
        'width in inches (default: %(default)s, a column; 7.16 is a page)',
        COLUMN,
        type=number_from(1, 100),
    )
    out: Path | None = option('PNG file (default: FIGURE.png)', None)

    def run(self, events: Events) -> None:
        """Draw the figure of the requested video, or of the first test video."""
        data = load_annotations(self.annotations)
        videos = {video['frame_dir']: video for video in data['annotations']}
        name = self.video or split_names(data, 'test', self.annotations)[0]
        if name not in videos:
            raise UserError(
                f'{self.annotations}: has no video {name!r}; choose --video from '
                f'{", ".join(videos)}.'
            )
        events.note(f'video {name}')
        draw = {'heatmaps': heatmaps, 'missing': missing, 'timelines': timelines}
        path = self.out or Path(f'{self.figure}.png')
        save_png(draw[self.figure](self, videos[name], data['metainfo']), path)
        events.note(str(path))


if __name__ == '__main__':
    Figures.main()
