"""Boxes and keypoints in COCO's format: results, or a data set with categories.

::

    [{"image_id": 1, "category_id": 3, "bbox": [x, y, width, height], "score": 0.9}]

Results are of one video, whose frames ``image_id`` counts; a category is called by its
number. In a data set, ``images`` are the frames, of one video or of those in
``videos``. A frame is an image's ``frame_id``, or else the number at the end of its
``file_name``. Tracks are ``track_id`` or ``instance_id``, of an annotation or among
its ``attributes``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmskelseg_io.files.names import frame_in
from mmskelseg_io.files.parsing import FilePath, numbers, read_json
from mmskelseg_io.files.typed import Id, typed
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.objects.found import Found, FoundObjects, corners
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    first_numbers,
    video_of,
)

_REMEDY = 'export it again in the format of COCO'
_TRACKS = ('track_id', 'instance_id')
# Id of a video and number of the frame in it.
_Frame = tuple[object, int]


@dataclass(frozen=True)
class _Entry:
    image_id: Id
    category_id: int | None = None
    bbox: Any = None
    score: float = 1.0
    keypoints: Any = None
    track_id: Id | None = None
    instance_id: Id | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Category:
    id: int
    name: str
    keypoints: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Image:
    id: Id
    file_name: str = ''
    frame_id: int | None = None
    video_id: Id | None = None


@dataclass(frozen=True)
class _Video:
    id: Id
    name: str


@dataclass(frozen=True)
class _DataSet:
    images: list[_Image]
    annotations: list[_Entry]
    categories: list[_Category]
    videos: list[_Video] = field(default_factory=list)


@OBJECT_FORMATS.register(
    'coco',
    {
        '.json': lambda keys: (
            {'images', 'annotations'} <= keys or {'[]', 'image_id'} <= keys
        )
    },
)
def read_coco(path: FilePath) -> list[FoundObjects]:
    """Return the objects of each video in a file of COCO results or a data set."""
    data = read_json(path, 'the detector')
    if not isinstance(data, dict):
        entries = typed(data, list[_Entry], path, _REMEDY)
        frame_of = {
            one.image_id: frame_in(one.image_id, f'{path}: [{i}]', 'image_id')
            for i, one in enumerate(entries)
        }
        first = first_numbers(('', frame) for frame in frame_of.values()).get('', 0)
        found = [
            _found(one, frame_of[one.image_id] - first, {}, f'{path}: [{i}]')
            for i, one in enumerate(entries)
        ]
        note = f'frames of objects are numbered by image_id, from {first}'
        return [FoundObjects(video_of(path), str(path), found, notes=(note,))]
    whole = typed(data, _DataSet, path, _REMEDY)
    categories = {one.id: one for one in whole.categories}
    videos: dict[object, str] = {one.id: one.name for one in whole.videos}
    frames = _frames(whole.images, str(path))
    found_in: dict[object, list[Found]] = {video: [] for video, _ in frames.values()}
    for i, one in enumerate(whole.annotations):
        place = f'{path}: annotations[{i}]'
        if one.image_id not in frames:
            raise UserError(
                f'{place}: image_id is {shown(one.image_id)}, which none of its '
                f'{len(frames)} images has; {_REMEDY}.'
            )
        video, frame = frames[one.image_id]
        found_in[video].append(_found(one, frame, categories, place))
    return [
        FoundObjects(str(videos.get(video, video_of(path))), str(path), found)
        for video, found in found_in.items()
    ]


def _frames(images: Sequence[_Image], source: str) -> dict[object, _Frame]:
    """Return the frame of each image by its id."""
    found: dict[object, _Frame] = {}
    for i, image in enumerate(images):
        key = 'file_name' if image.frame_id is None else 'frame_id'
        frame = frame_in(getattr(image, key), f'{source}: images[{i}]', key)
        found[image.id] = image.video_id, frame
    firsts = first_numbers(found.values())
    return {
        key: (video, frame - firsts[video]) for key, (video, frame) in found.items()
    }


def _found(
    entry: _Entry, frame: int, categories: Mapping[int, _Category], place: str
) -> Found:
    """Return an entry: its keypoints if its category names them, else its box."""
    number = entry.category_id
    plain = 'object' if number is None else str(number)
    category = categories.get(number or 0, _Category(0, plain))
    kind, names = category.name or plain, category.keypoints
    ids = (entry.track_id, entry.instance_id, *map(entry.attributes.get, _TRACKS))
    track = next((str(one) for one in ids if one is not None), None)
    if names:
        flat = numbers(entry.keypoints, (3 * len(names),), f'{place}: keypoints')
        xyv = flat.reshape(-1, 3)
        seen = np.minimum(xyv[:, 2], 1) * entry.score
        return Found(frame, kind, xyv[:, :2], seen, track, names)
    x, y, width, height = numbers(entry.bbox, (4,), f'{place}: bbox')
    box = corners(x, y, x + width, y + height)
    return Found(frame, kind, box, entry.score, track)
