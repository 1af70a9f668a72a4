"""Predictions of MMDetection: a folder with a file for each frame, or one file.

``DetInferencer`` writes ``preds/000001.json`` for each image::

    {"labels": [0, 2], "scores": [0.9, 0.4], "bboxes": [[x1, y1, x2, y2], ...]}

One file of a video has a list of these, also as ``predictions``, with the names of
``classes`` beside it, as `mmskelseg poses --objects` writes it. Otherwise, names of
classes are in ``classes.txt``, in the folder or above it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.formats import FOLDER
from mmskelseg_io.files.parsing import FilePath, read_json
from mmskelseg_io.files.typed import read_typed, typed
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects.found import Found, FoundObjects, corners
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    class_name,
    class_names,
    first_numbers,
    frame_files,
    video_of,
)

_REMEDY = 'write it by DetInferencer of MMDetection again'


@dataclass(frozen=True)
class _Frame:
    labels: list[int]
    scores: list[float]
    bboxes: list[tuple[float, float, float, float]]


@dataclass(frozen=True)
class _Video:
    predictions: list[_Frame]
    classes: list[str] = field(default_factory=list)


def _is_frame(keys: set[str]) -> bool:
    return {'labels', 'bboxes'} <= keys


def _is_own(keys: set[str]) -> bool:
    return _is_frame(keys) or 'predictions' in keys


def _has_frames(folder: Path) -> bool:
    file = next(iter(frame_files(folder, '.json')), None)
    if file is None:
        return False
    content = read_json(file, 'MMDetection')
    return isinstance(content, dict) and _is_frame({*content})


@OBJECT_FORMATS.register('mmdet', {'.json': _is_own, FOLDER: _has_frames})
def read_mmdet(path: FilePath) -> list[FoundObjects]:
    """Return the objects of the one video of a file or a folder of predictions."""
    folder = Path(path)
    names: list[str] | dict[int, str]
    of_frames: dict[float, str] = {}
    if folder.is_dir():
        files = frame_files(folder, '.json')
        first = min(first_numbers(files.values()).values(), default=0)
        frames = {
            n - first: read_typed(file, _Frame, 'MMDetection', _REMEDY)
            for file, (_, n) in files.items()
        }
        names, places = class_names(folder), [str(file) for file in files]
        of_frames = dict(zip(frames, places, strict=True))
    else:
        content = read_json(path, 'MMDetection')
        if isinstance(content, list):
            content = {'predictions': content}
        elif isinstance(content, dict) and 'labels' in content:
            content = {'predictions': [content]}
        video = typed(content, _Video, path, _REMEDY)
        frames = dict(enumerate(video.predictions))
        names = video.classes or class_names(folder.parent)
        places = [f'{path}: frame {frame}' for frame in frames]
    found = [
        one
        for (frame, content), place in zip(frames.items(), places, strict=True)
        for one in _found(frame, content, names, place)
    ]
    return [FoundObjects(video_of(path), str(path), found, files=of_frames)]


def _found(
    frame: int, content: _Frame, names: list[str] | dict[int, str], place: str
) -> list[Found]:
    labels, scores, boxes = content.labels, content.scores, content.bboxes
    if not len(labels) == len(scores) == len(boxes):
        raise UserError(
            f'{place}: {len(labels)} labels, {len(scores)} scores and {len(boxes)} '
            f'bboxes, expected as many of each; {_REMEDY}.'
        )
    return [
        Found(frame, class_name(names, label), corners(*box), score)
        for label, score, box in zip(labels, scores, boxes, strict=True)
    ]


def write_mmdet(
    path: Path,
    frames: Sequence[Mapping[str, Sequence]],
    classes: Sequence[str],
    **more: object,
) -> None:
    """Write the predictions for the frames of a video, and ``more`` about them.

    Each has ``labels``, ``scores`` and ``bboxes``, as plain numbers.
    """
    content = {**more, 'classes': [*classes], 'predictions': [*frames]}
    atomic_write_text(path, json.dumps(content))
