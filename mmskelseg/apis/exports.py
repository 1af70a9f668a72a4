"""A prediction as the files that people and other tools read."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.fileio.atomic import atomic_write_text
from mmskelseg.interchange import (
    Segment,
    VideoSegments,
    write_boris,
    write_boris_events,
    write_csv_segments,
    write_elan,
    write_label_studio,
    write_srt,
)
from mmskelseg.interchange.poses import Poses, write_npz
from mmskelseg.structures import Skeleton
from mmskelseg.structures.segments import IGNORED
from mmskelseg.utils.choices import DEFAULT_EXPORTS, EXPORTS
from mmskelseg.utils.dependencies import import_optional
from mmskelseg.utils.errors import UserError

Prediction = Mapping[str, Any]


def write_exports(
    prediction: Prediction,
    folder: str | os.PathLike,
    formats: Sequence[str] = (),
    *,
    prefix: str = '',
    codec: str = 'mp4v',
    show_progress: bool = True,
) -> list[Path]:
    """Write a prediction in several formats, and return the files.

    Args:
        prediction: One of :class:`mmskelseg.apis.SkelSegInferencer`.
        folder: Where to write; it is made if it is missing.
        formats: Of ``EXPORTS``; by default ``DEFAULT_EXPORTS``, and poses where
            they were estimated, and no overlay without a video. One that is asked for
            then shows the skeleton alone. What cannot be made is left out.
        prefix: What stands before each name.
        codec: Of the overlay.
        show_progress: Whether a bar is shown while the overlay is drawn.

    Raises:
        ValueError: If a format is not one of these.
    """
    wanted = list(formats)
    if not formats:
        wanted += DEFAULT_EXPORTS
        if 'filename' not in prediction:
            wanted.remove('overlay')
        if prediction.get('estimated'):
            wanted.append('poses')
        if find_spec('matplotlib') is None:
            # `mmskelseg-runtime` leaves it to the user.
            wanted = [name for name in wanted if name not in _PICTURES]
    unknown = [name for name in wanted if name not in EXPORTS]
    if unknown:
        raise UserError(
            f'{unknown[0]!r} is not a format; choose among {", ".join(EXPORTS)}.'
        )
    files = []
    for name in wanted:
        if name in _NEEDED and not _NEEDED[name] & prediction.keys():
            continue
        path = Path(folder, prefix + EXPORTS[name][0])
        drawing = {'codec': codec, 'show_progress': show_progress}
        _WRITERS[name](prediction, path, **(drawing if name == 'overlay' else {}))
        files.append(path)
    return files


def video_segments(prediction: Prediction) -> VideoSegments:
    """Return a prediction's segments as :mod:`mmskelseg.interchange` writes them."""
    keys = ('start', 'end', 'label', 'score')
    return VideoSegments(
        prediction['frame_dir'],
        [Segment(*(item[key] for key in keys)) for item in prediction['segments']],
        fps=prediction['fps'],
        num_frames=prediction['total_frames'],
        filename=prediction.get('filename'),
    )


def _write_json(prediction: Prediction, path: Path) -> None:
    keys = ('frame_dir', 'filename', 'fps', 'total_frames', 'classes', 'notes')
    content = {key: prediction[key] for key in keys if key in prediction}
    content['segments'] = prediction['segments']
    atomic_write_text(path, json.dumps(content, ensure_ascii=False, indent=2))


def draw_prediction(prediction: Prediction) -> np.ndarray:
    """Return the timeline of a prediction, RGB uint8 (H, W, 3).

    Labels of its annotation, where there are any, stand above.
    """
    import_optional('matplotlib', 'The timeline', 'mmskelseg-runtime[pictures]')
    from mmskelseg.visualization import draw_timelines

    rows = {'Prediction': prediction['pred_label']}
    known = prediction.get('label')
    label = np.asarray(IGNORED if known is None else known)
    if annotated := bool((label != IGNORED).any()):
        rows = {'Annotation': label, **rows}
    return draw_timelines(
        rows,
        prediction['classes'],
        truth='Annotation' if annotated else None,
        title=prediction['frame_dir'],
        fps=prediction['fps'],
    )


def _write_poses(prediction: Prediction, path: Path) -> None:
    skeleton = Skeleton.get(prediction['skeleton'])
    # By its joints, so that readers need not know the name of the layout.
    layout = {'joints': list(skeleton.joints), 'limbs': list(skeleton.limbs)}
    keys = ('keypoint', 'keypoint_score', 'img_shape', 'fps')
    poses = Poses(skeleton=layout, **{key: prediction[key] for key in keys})
    write_npz(poses, path)


def _write_timeline(prediction: Prediction, path: Path) -> None:
    image = draw_prediction(prediction)
    from mmskelseg.visualization import save_png

    save_png(image, path)


def _write_overlay(prediction: Prediction, path: Path, **options: Any) -> None:
    import_optional('matplotlib', 'The overlay', 'mmskelseg-runtime[pictures]')
    from mmskelseg.visualization.overlay import write_overlay

    write_overlay(prediction, path, **options)


_WRITERS: dict[str, Callable[..., None]] = {
    'csv': lambda p, path: write_csv_segments(path, [video_segments(p)]),
    'json': _write_json,
    'srt': lambda p, path: write_srt(path, video_segments(p).segments),
    'elan': lambda p, path: write_elan(path, video_segments(p), p['classes']),
    'boris-events': lambda p, path: write_boris_events(path, [video_segments(p)]),
    'boris': lambda p, path: write_boris(path, [video_segments(p)], p['classes']),
    'label-studio': lambda p, path: write_label_studio(path, [video_segments(p)]),
    'poses': _write_poses,
    'timeline': _write_timeline,
    'overlay': _write_overlay,
}
# These need matplotlib.
_PICTURES = ('timeline', 'overlay')
# Of which a prediction must have one for a format.
_NEEDED = {'overlay': {'filename', 'keypoint'}, 'poses': {'keypoint'}}
