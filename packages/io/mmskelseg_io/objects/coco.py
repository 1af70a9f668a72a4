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
from typing import Any

import numpy as np

from mmskelseg_io.files.parsing import FilePath, check_shape, numbers, read_json
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.objects.found import Found, FoundObjects, corners
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    first_number,
    numbered,
    video_of,
)

_ID = (int, str)
_ENTRY = {
    'image_id': _ID, 'category_id?': int, 'bbox?': list, 'score?': float,
    'keypoints?': list, 'track_id?': _ID, 'instance_id?': _ID, 'attributes?': dict,
}  # fmt: skip
_CATEGORY = {'id': int, 'name': str, 'keypoints?': [str]}
_IMAGE = {'id': _ID, 'file_name?': str, 'frame_id?': int, 'video_id?': _ID}
_DATA = {
    'images': [_IMAGE],
    'annotations': [_ENTRY],
    'categories': [_CATEGORY],
    'videos?': [{'id': _ID, 'name': str}],
}
_REMEDY = 'export it again in the format of COCO'
_TRACKS = ('track_id', 'instance_id')
# Id of a video and number of the frame in it.
_Frame = tuple[object, int]


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
        check_shape(data, [_ENTRY], str(path), _REMEDY)
        numbers_of = [_number(one['image_id'], f'{path}: [{i}]', 'image_id')
                      for i, one in enumerate(data)]  # fmt: skip
        first = first_number(numbers_of)
        found = [
            _found(one, number - first, {}, f'{path}: [{i}]')
            for i, (one, number) in enumerate(zip(data, numbers_of, strict=True))
        ]
        note = f'frames of objects are numbered by image_id, from {first}'
        return [FoundObjects(video_of(path), str(path), found, notes=(note,))]
    check_shape(data, _DATA, str(path), _REMEDY)
    categories = {one['id']: one for one in data['categories']}
    videos = {one['id']: one['name'] for one in data.get('videos') or ()}
    frames = _frames(data['images'], str(path))
    found_in: dict[object, list[Found]] = {
        video: [] for video in dict.fromkeys(video for video, _ in frames.values())
    }
    for i, one in enumerate(data['annotations']):
        place = f'{path}: annotations[{i}]'
        if one['image_id'] not in frames:
            raise UserError(
                f'{place}: image_id is {shown(one["image_id"])}, which none of its '
                f'{len(frames)} images has; {_REMEDY}.'
            )
        video, frame = frames[one['image_id']]
        found_in[video].append(_found(one, frame, categories, place))
    return [
        FoundObjects(str(videos.get(video, video_of(path))), str(path), found)
        for video, found in found_in.items()
    ]


def _number(value: object, place: str, key: str) -> int:
    found = numbered(str(value))
    if found is None or str(value).startswith('-'):
        raise UserError(
            f'{place}: {key} is {shown(value)}, expected the number of a frame, or a '
            'file name that ends in one.'
        )
    return found[1]


def _frames(images: Sequence[Mapping[str, Any]], source: str) -> dict[object, _Frame]:
    """Return the frame of each image by its id."""
    found: dict[object, _Frame] = {}
    for i, image in enumerate(images):
        frame, place = image.get('frame_id'), f'{source}: images[{i}]'
        if frame is not None and frame < 0:
            raise UserError(f'{place}: frame_id is {frame}, expected 0 or more.')
        if frame is None:
            frame = _number(image.get('file_name', ''), place, 'file_name')
        found[image['id']] = image.get('video_id'), frame
    firsts = {
        video: first_number(
            [frame for other, frame in found.values() if other == video]
        )
        for video in dict.fromkeys(video for video, _ in found.values())
    }
    return {
        key: (video, frame - firsts[video]) for key, (video, frame) in found.items()
    }


def _found(
    entry: Mapping[str, Any],
    frame: int,
    categories: Mapping[int, Mapping[str, Any]],
    place: str,
) -> Found:
    """Return an entry: its keypoints if its category names them, else its box."""
    number = entry.get('category_id')
    category = categories.get(number or 0, {})
    kind = category.get('name') or ('object' if number is None else str(number))
    attributes = entry.get('attributes') or {}
    ids = (holder.get(key) for holder in (entry, attributes) for key in _TRACKS)
    track = next((str(one) for one in ids if one is not None), None)
    score = entry.get('score')
    certain = 1.0 if score is None else float(score)
    if names := category.get('keypoints'):
        flat = numbers(entry.get('keypoints'), (3 * len(names),), f'{place}: keypoints')
        xyv = flat.reshape(-1, 3)
        seen = np.minimum(xyv[:, 2], 1) * certain
        return Found(frame, kind, xyv[:, :2], seen, track, tuple(names))
    x, y, width, height = numbers(entry.get('bbox'), (4,), f'{place}: bbox')
    box = corners(x, y, x + width, y + height)
    return Found(frame, kind, box, certain, track)
