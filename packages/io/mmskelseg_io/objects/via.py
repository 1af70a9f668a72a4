"""VGG Image Annotator: regions in the JSON of a project of VIA 3, or of VIA 1 or 2.

In VIA 3, a region is an entry of ``metadata`` with the shape and numbers in ``xy``, at
the time in ``z`` of a video, or in an image. In VIA 2 and its exported annotations,
images have ``regions``. Images are frames if their names end in a number. The kind of
an object is the first attribute of its region, and its track is an attribute called
``track``, ``track_id`` or ``id``. Outlines are read as the boxes around them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from mmskelseg_io.files.parsing import FilePath, check_shape, number, numbers, read_json
from mmskelseg_io.labels.reading import video_name
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.objects.found import Found, FoundObjects, around, corners
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    first_number,
    numbered,
    video_of,
)

_PROJECT = {
    'attribute': {...: {'aname': str, 'options?': {...: str}}},
    'file': {...: {'fname': str}},
    'metadata': {
        ...: {
            'vid': (str, int),
            'flg?': int,
            'z?': [float],
            'xy?': [float],
            'av?': dict,
        }
    },
    'view': {...: {'fid_list': [(str, int)]}},
}
_REGION = {'shape_attributes': {'name': str}, 'region_attributes': dict}
# Versions before 2 number the regions.
_IMAGES = {...: {'filename': str, 'regions': (list, dict)}}
_TRACKS = ('track', 'track_id', 'id')
_POINT = ('point',)
# Shapes of VIA 3 by number, with the names of VIA 2.
_SHAPES = {1: 'point', 2: 'rect', 3: 'circle', 4: 'ellipse'}
_KEYS = {
    'point': ('cx', 'cy'),
    'rect': ('x', 'y', 'width', 'height'),
    'circle': ('cx', 'cy', 'r'),
    'ellipse': ('cx', 'cy', 'rx', 'ry'),
}
# Place, name of the file or the view, time, shape, its numbers, and attributes.
_Region = tuple[str, str, float | None, str, Sequence[float], Mapping[str, str]]


@OBJECT_FORMATS.register(
    'via',
    {
        '.json': lambda keys: (
            {'metadata', 'file', 'view'} <= keys
            or bool({'_via_img_metadata', 'regions'} & keys)
        )
    },
)
def read_via_objects(path: FilePath) -> list[FoundObjects]:
    """Return the objects of each video, or of each sequence of images."""
    project = read_json(path, 'VIA', unique=True)
    if isinstance(project, dict) and 'metadata' in project:
        check_shape(project, _PROJECT, str(path), 'save it in VIA 3 again')
        regions = list(_regions_of_3(project, str(path)))
        files = [one['fname'] for one in project['file'].values()]
    else:
        images = project
        if isinstance(project, dict):
            images = project.get('_via_img_metadata', project)
        check_shape(images, _IMAGES, str(path), 'save it in VIA 2 again')
        regions = list(_regions_of_2(images, str(path)))
        files = [image['filename'] for image in images.values()]
    frames = [one for one in map(numbered, files) if one is not None]
    firsts = {
        video: first_number([number for other, number in frames if other == video])
        for video in dict.fromkeys(video for video, _ in frames)
    }
    found: dict[tuple[str, bool], list[Found]] = {}
    for place, name, time, shape, values, attributes in regions:
        video, frame = video_name(name), time
        if frame is None:
            image = numbered(name)
            if image is None:
                raise UserError(
                    f'{place}: its file is {shown(name)}, expected a video, or an '
                    'image whose name ends in the number of a frame.'
                )
            video, frame = image[0] or video_of(path), image[1] - firsts[image[0]]
        points = _points(shape, values, place)
        kinds = [v for key, v in attributes.items() if key.lower() not in _TRACKS]
        tracks = [v for key, v in attributes.items() if key.lower() in _TRACKS]
        found.setdefault((video, time is not None), []).append(
            Found(
                frame, next(filter(None, kinds), 'object'), points,
                track=next(filter(None, tracks), None),
                names=_POINT if len(points) == 1 else Found.names,
            )
        )  # fmt: skip
    return [
        FoundObjects(video, str(path), own, in_seconds=in_seconds)
        for (video, in_seconds), own in found.items()
    ]


def _regions_of_3(project: Mapping[str, Any], path: str) -> Iterable[_Region]:
    attributes = project['attribute']
    for name, entry in project['metadata'].items():
        # The lowest bit marks what is deleted.
        if not entry.get('xy') or (entry.get('flg') or 0) & 1:
            continue
        place = f'{path}: metadata {name!r}'
        view = project['view'].get(str(entry['vid']), {}).get('fid_list')
        if not view or str(view[0]) not in project['file']:
            raise UserError(
                f'{place}: its view {entry["vid"]!r} shows no file of the project; add '
                'the video in VIA again.'
            )
        times = entry.get('z') or [None]
        values = {
            one['aname']: (one.get('options') or {}).get(value, value)
            for key, value in (entry.get('av') or {}).items()
            if (one := attributes.get(key)) is not None and isinstance(value, str)
        }
        shape = _SHAPES.get(int(entry['xy'][0]), 'outline')
        media = project['file'][str(view[0])]['fname']
        yield place, media, times[0], shape, entry['xy'][1:], values


def _regions_of_2(images: Mapping[str, Any], path: str) -> Iterable[_Region]:
    for image in images.values():
        regions = image['regions']
        if isinstance(regions, dict):
            regions = list(regions.values())
        for i, region in enumerate(regions):
            place = f'{path}: {image["filename"]}, region {i}'
            check_shape(region, _REGION, place, 'save it in VIA 2 again')
            shape = region['shape_attributes']
            values = {
                key: value
                for key, value in region['region_attributes'].items()
                if isinstance(value, str)
            }
            keys = _KEYS.get(shape['name'])
            if keys is None:
                xy = [shape.get(f'all_points_{axis}') for axis in 'xy']
                columns = numbers(xy, (2, -1), f'{place}: all_points')
                flat = [*chain(*columns.T.tolist())]
            else:
                flat = [number(shape.get(key), place, key) for key in keys]
            yield place, image['filename'], None, shape['name'], flat, values


def _points(shape: str, values: Sequence[float], place: str) -> np.ndarray:
    """Return the points of a region: one, or the corners of a box."""
    keys = _KEYS.get(shape)
    if keys is None:
        if not values or len(values) % 2:
            raise UserError(
                f'{place}: {len(values)} numbers, expected x and y of each point; '
                'save it in VIA again.'
            )
        return around(np.array(values, float).reshape(-1, 2))
    x, y, *sides = numbers(values[: len(keys)], (len(keys),), f'{place}: {shape}')
    if shape == 'point':
        return np.array([(x, y)])
    if shape == 'rect':
        return corners(x, y, x + sides[0], y + sides[1])
    across, down = sides[0], sides[-1]
    return corners(x - across, y - down, x + across, y + down)
