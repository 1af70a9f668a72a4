"""Export of predictions as files for people and other tools."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import cast

import numpy as np

from mmskelseg.runtime.files.atomic import atomic_write_text
from mmskelseg.runtime.labels import (
    Segment,
    VideoSegments,
    write_boris,
    write_boris_events,
    write_csv_segments,
    write_elan,
    write_label_studio,
    write_srt,
    write_time_budget,
)
from mmskelseg.runtime.labels.segments import Classes
from mmskelseg.runtime.messages.dependencies import import_optional
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.poses import Poses, write_npz
from mmskelseg.runtime.structures import Skeleton
from mmskelseg.runtime.structures.choices import DEFAULT_EXPORTS, EXPORTS
from mmskelseg.runtime.structures.predictions import Prediction
from mmskelseg.runtime.structures.tiers import flat_label, tiers_of
from mmskelseg.runtime.structures.time_budget import (
    TimeBudget,
    budget_as_dict,
    time_budget,
)


def write_exports(
    prediction: Prediction | Sequence[Prediction],
    folder: str | os.PathLike,
    formats: Sequence[str] = (),
    *,
    prefix: str = '',
    codec: str = 'mp4v',
    line_minutes: float | None = None,
    show_progress: bool = True,
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
            :func:`mmskelseg.runtime.drawing.timelines.draw_timelines`.
        show_progress: Whether to show a progress bar while the overlay is drawn.

    Raises:
        ValueError: If there is no such format.
    """
    is_single = isinstance(prediction, Mapping)
    people = cast(Sequence[Prediction], [prediction] if is_single else prediction)
    names = _wanted(people[0], formats)
    if 'person' in people[0]:
        names = [name for name in names if (name in _OF_ALL) != is_single]
    options: dict[str, dict[str, object]] = {
        'overlay': {'codec': codec, 'show_progress': show_progress},
        'gif': {'show_progress': show_progress},
        'timeline': {'line_minutes': line_minutes},
    }
    paths = {name: Path(folder, prefix + EXPORTS[name][0]) for name in names}
    for name, path in paths.items():
        _WRITERS[name](prediction, path, **options.get(name, {}))
    return list(paths.values())


def _wanted(prediction: Prediction, formats: Sequence[str]) -> list[str]:
    """Return the formats to write, without those impossible for the prediction."""
    wanted = list(formats)
    if not formats:
        wanted += DEFAULT_EXPORTS
        if 'filename' not in prediction:
            wanted.remove('overlay')
        if prediction.get('estimated'):
            wanted.append('poses')
        if find_spec('matplotlib') is None:
            # Matplotlib is optional for `mmskelseg-runtime`.
            wanted = [name for name in wanted if name not in _PICTURES]
    unknown = [name for name in wanted if name not in EXPORTS]
    if unknown:
        raise UserError(
            f'{unknown[0]!r} is not a format; choose from {", ".join(EXPORTS)}.'
        )
    return [
        name
        for name in wanted
        if name not in _NEEDED or _NEEDED[name] & prediction.keys()
    ]


def video_segments(prediction: Prediction) -> VideoSegments:
    """Return a prediction's segments in the form of :mod:`mmskelseg.interchange`."""
    who = prediction.get('person', '')
    return VideoSegments(
        prediction['frame_dir'],
        [
            Segment(
                item['start'],
                item['end'],
                item['label'],
                item['score'],
                item.get('tier', ''),
                who,
                item.get('target', ''),
            )
            for item in prediction['segments']
        ],
        fps=prediction['fps'],
        num_frames=prediction['total_frames'],
        filename=prediction.get('filename'),
    )


def _classes(prediction: Prediction) -> Classes:
    """Return the classes of a prediction, by tiers if it has several."""
    return prediction.get('tiers') or prediction['classes']


def _write_json(prediction: Prediction, path: Path) -> None:
    keys = (
        'frame_dir', 'video', 'person', 'filename', 'fps', 'total_frames', 'classes',
        'tiers', 'notes',
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
    classes: Sequence[str],
    folder: str | os.PathLike,
    formats: Sequence[str],
) -> None:
    """Write the time budgets of several videos, if the formats include them.

    ``budgets`` are by the names of the videos; the image shows their sum.
    """
    for name, write in _BUDGETS.items():
        if name in formats:
            write(Path(folder, EXPORTS[name][0]), budgets, classes)


def _pictures(what: str) -> ModuleType:
    """Return the module that draws; matplotlib, which it needs, is optional."""
    import_optional('matplotlib', what)
    from mmskelseg.runtime.segmenting import pictures

    return pictures


def _drawn(what: str, function: str) -> Callable[..., None]:
    """Return a function of the module that draws, which is imported when called."""
    return lambda *args, **options: getattr(_pictures(what), function)(*args, **options)


def draw_prediction(prediction: Prediction) -> np.ndarray:
    """Return the timeline of a prediction, RGB uint8 (H, W, 3).

    If the video is annotated, the ground truth is above the prediction.
    """
    return _pictures('The timeline').draw_prediction(prediction)


def _write_budget(name: str, prediction: Prediction, path: Path) -> None:
    budgets = {prediction['frame_dir']: prediction_budget(prediction)}
    _BUDGETS[name](path, budgets, prediction['classes'])


def _write_poses(prediction: Prediction, path: Path) -> None:
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


_BUDGETS: dict[str, Callable[..., None]] = {
    'budget': write_time_budget,
    'budget-picture': _drawn('The picture', 'write_budget_picture'),
}
_WRITERS: dict[str, Callable[..., None]] = {
    'csv': lambda p, path: write_csv_segments(path, [video_segments(p)]),
    'json': _write_json,
    'srt': lambda p, path: write_srt(path, video_segments(p).segments),
    'elan': lambda p, path: write_elan(path, video_segments(p), _classes(p)),
    'boris-events': lambda p, path: write_boris_events(path, [video_segments(p)]),
    'boris': lambda p, path: write_boris(path, [video_segments(p)], _classes(p)),
    'label-studio': lambda p, path: write_label_studio(path, [video_segments(p)]),
    'poses': _write_poses,
    'timeline': _drawn('The timeline', 'write_timeline'),
    'overlay': _drawn('The overlay', 'write_overlay'),
    'gif': _drawn('The overlay', 'write_gif'),
    **{name: partial(_write_budget, name) for name in _BUDGETS},
}
# Formats that show all people of a video.
_OF_ALL = ('timeline', 'overlay', 'gif')
# Formats that need matplotlib.
_PICTURES = ('timeline', 'budget-picture', 'overlay', 'gif')
# A format needs at least one of these keys of a prediction.
_NEEDED = {
    'overlay': {'filename', 'keypoint'},
    'gif': {'filename', 'keypoint'},
    'poses': {'keypoint'},
}
