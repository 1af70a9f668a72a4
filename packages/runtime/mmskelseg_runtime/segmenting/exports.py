"""Export of predictions as files for people and other tools."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.labels import Segment, VideoSegments
from mmskelseg_io.labels.segments import Ethogram
from mmskelseg_io.labels.writing import EXPORTS, Export, register_export
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses, write_npz
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.tiers import Tier, flat_label, tiers_of
from mmskelseg_io.structures.time_budget import TimeBudget, budget_as_dict, time_budget


def write_exports(
    prediction: Prediction | Sequence[Prediction],
    folder: str | os.PathLike,
    formats: Sequence[str] = (),
    *,
    prefix: str = '',
    codec: str = 'mp4v',
    line_minutes: float | None = None,
    show_progress: bool = True,
    station: Path | None = None,
) -> list[Path]:
    """Write a prediction in several formats, and return the files.

    Args:
        prediction: A prediction of :class:`mmskelseg.apis.SkelSegInferencer`; or those
            of all people of a video, to write only the files that show all of them.
        folder: The folder for the files; it is created if it is missing.
        formats: Names from ``EXPORTS``; by default ``DEFAULT_EXPORTS``, with poses if
            they were estimated, and without an overlay if there is no video. An overlay
            that is explicitly requested then shows only the skeleton. Formats that are
            impossible for the prediction are left out.
        prefix: Prefix of each file name.
        codec: Codec of the overlay.
        line_minutes: Length of the lines of the timeline; see
            :func:`mmskelseg_runtime.drawing.timelines.draw_timelines`.
        show_progress: Whether to show a progress bar while the overlay is drawn.
        station: Table of load, grip and activity of each class, for the risk; see
            :func:`mmskelseg_behaviour.posture.scores.read_station`.

    Raises:
        ValueError: If there is no such format.
    """
    is_single = isinstance(prediction, Mapping)
    people = cast(Sequence[Prediction], [prediction] if is_single else prediction)
    wanted = _wanted(people[0], formats)
    if 'person' in people[0]:
        wanted = [export for export in wanted if export.shows_people != is_single]
    given: dict[str, object] = {
        'prediction': prediction,
        'codec': codec,
        'line_minutes': line_minutes,
        'show_progress': show_progress,
        'station': station,
    }
    if is_single:
        one = people[0]
        video = video_segments(one)
        given |= {
            'video': video,
            'videos': [video],
            'classes': one.get('tiers') or one['classes'],
            'budgets': {one['frame_dir']: prediction_budget(one)},
            'names': one['classes'],
            'tiers': tiers_of(one),
        }
    paths = [Path(folder, prefix + export.file) for export in wanted]
    for path, export in zip(paths, wanted, strict=True):
        export(path, **given)
    # There is no risk where no frame shows it.
    return [path for path in paths if path.is_file()]


def _wanted(prediction: Prediction, formats: Sequence[str]) -> list[Export]:
    """Return what to write, without what is impossible for the prediction."""
    unknown = [name for name in formats if name not in EXPORTS]
    if unknown:
        raise UserError(
            f'{unknown[0]!r} is not a format; choose from {", ".join(EXPORTS)}.'
        )
    wanted = [EXPORTS[name] for name in formats or DEFAULT_EXPORTS]
    if not formats:
        if 'filename' not in prediction:
            wanted.remove(EXPORTS['overlay'])
        if prediction.get('estimated'):
            wanted.append(EXPORTS['poses'])
        # Optional for `mmskelseg-runtime`.
        wanted = [export for export in wanted if export.is_there]
    return [e for e in wanted if not e.keys or e.keys & prediction.keys()]


def video_segments(prediction: Prediction) -> VideoSegments:
    """Return a prediction's segments in the form of :mod:`mmskelseg.interchange`."""
    who = prediction.get('person', '')
    items: list[Any] = [*prediction['segments']]
    keys = ('start', 'end', 'label', 'score', 'tier', 'target')
    return VideoSegments(
        prediction['frame_dir'],
        [
            Segment(**{k: item[k] for k in keys if k in item}, individual=who)
            for item in items
        ],
        fps=prediction['fps'],
        num_frames=prediction['total_frames'],
        filename=prediction.get('filename'),
        ethogram=Ethogram.of(tiers_of(prediction)),
    )


@register_export(
    'json', 'segments.json', 'Segments with frames and notes (JSON)', by_default=True
)
def _write_json(path: Path, prediction: Prediction) -> None:
    keys = (
        'frame_dir', 'video', 'person', 'filename', 'fps', 'total_frames', 'classes',
        'tiers', 'background', 'colors', 'notes',
    )  # fmt: skip
    fields = dict(prediction)
    content = {key: fields[key] for key in keys if key in fields}
    content['time_budget'] = budget_as_dict(
        prediction_budget(prediction), prediction['classes']
    )
    content['segments'] = prediction['segments']
    atomic_write_text(path, json.dumps(content, ensure_ascii=False, indent=2))


def prediction_budget(prediction: Prediction) -> TimeBudget:
    """Return the time budget of a prediction: how time is divided among the classes."""
    label = flat_label(prediction['pred_label'], tiers_of(prediction))
    return time_budget(label, len(prediction['classes']), prediction['fps'])


def write_budgets(
    budgets: Mapping[str, TimeBudget],
    meta: Metainfo,
    folder: str | os.PathLike,
    formats: Sequence[str],
) -> None:
    """Write the time budgets of several videos, if the formats include them.

    ``budgets`` are by the names of the videos; the image shows their sum.
    """
    names, tiers = meta['classes'], tiers_of(meta)
    for export in (EXPORTS[name] for name in formats):
        if 'budgets' in export.needs:
            path = Path(folder, export.file)
            export(path, budgets=budgets, names=names, tiers=tiers)


def _pictures(what: str) -> ModuleType:
    """Return the module that draws; matplotlib, which it needs, is optional."""
    import_optional('matplotlib', what)
    from mmskelseg_runtime.segmenting import pictures

    return pictures


def draw_prediction(prediction: Prediction) -> np.ndarray:
    """Return the timeline of a prediction, RGB uint8 (H, W, 3).

    If the video is annotated, the ground truth is above the prediction.
    """
    return _pictures('The timeline').draw_prediction(prediction)


@register_export(
    'budget-picture',
    'time_budget.png',
    'Time budget with transitions (PNG)',
    package='matplotlib',
)
def _draw_budgets(
    path: Path,
    budgets: Mapping[str, TimeBudget],
    names: Sequence[str],
    tiers: Sequence[Tier],
) -> None:
    draw = _pictures('The picture').write_budget_picture
    draw(path, budgets, names, tiers)


_register_picture = partial(register_export, package='matplotlib', shows_people=True)


@_register_picture('timeline', 'timeline.png', 'Timeline (PNG)', by_default=True)
def _draw_timeline(
    path: Path, prediction: Prediction, line_minutes: float | None
) -> None:
    _pictures('The timeline').write_timeline(prediction, path, line_minutes)


@_register_picture(
    'overlay',
    'overlay.mp4',
    'Video with skeletons and labels (MP4)',
    by_default=True,
    keys={'filename', 'keypoint'},
)
def _draw_overlay(
    path: Path, prediction: Prediction, codec: str, show_progress: bool
) -> None:
    draw = _pictures('The overlay').write_overlay
    draw(prediction, path, codec=codec, show_progress=show_progress)


@_register_picture(
    'gif',
    'overlay.gif',
    'The same, of at most a minute, for web pages (GIF)',
    keys={'filename', 'keypoint'},
)
def _draw_gif(path: Path, prediction: Prediction, show_progress: bool) -> None:
    draw = _pictures('The overlay').write_gif
    draw(prediction, path, show_progress=show_progress)


@register_export('poses', 'poses.npz', 'Keypoints (NPZ)', keys={'keypoint'})
def _write_poses(path: Path, prediction: Prediction) -> None:
    skeleton = Skeleton.get(prediction['skeleton'])
    # The joints are listed, so that readers need not know the name of the layout.
    layout = {'joints': list(skeleton.joints), 'limbs': list(skeleton.limbs)}
    poses = Poses(
        prediction['keypoint'],
        prediction['keypoint_score'],
        layout,
        prediction['img_shape'],
        prediction['fps'],
    )
    write_npz(poses, path)


DEFAULT_EXPORTS = tuple(name for name, e in EXPORTS.items() if e.by_default)
