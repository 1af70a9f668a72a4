"""VGG Image Annotator: regions in the JSON of a project of VIA 3, or of VIA 1 or 2.

In VIA 3, a region is an entry of ``metadata`` with the shape and numbers in ``xy``, at
the time in ``z`` of a video, or in an image. In VIA 2 and its exported annotations,
images have ``regions``. Images are frames if their names end in a number. The kind of
an object is the first attribute of its region, and its track is an attribute called
``track``, ``track_id`` or ``id``. Outlines are read as the boxes around them.
"""

from collections.abc import Sequence

import numpy as np

from mmskelseg_io.files.names import numbered, video_name
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.files.via import NUMBERS, read_regions
from mmskelseg_io.messages.errors import misfit
from mmskelseg_io.objects.found import Found, FoundObjects, around
from mmskelseg_io.objects.reading import (
    OBJECT_FORMATS,
    first_numbers,
    video_of,
)
from mmskelseg_io.places.via import geometry
from mmskelseg_io.structures.places import Place

_TRACKS = ('track', 'track_id', 'id')
_POINT = ('point',)


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
    files, regions = read_regions(path)
    frames = [one for one in map(numbered, files) if one is not None]
    firsts = first_numbers(frames)
    found: dict[tuple[str, bool], list[Found]] = {}
    for place, _, name, time, shape, values, attributes in regions:
        video, frame = video_name(name), time
        if frame is None:
            image = numbered(name)
            if image is None:
                expected = 'a video, or an image whose name ends in a number'
                raise misfit(place, 'its file', name, expected)
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


def _points(shape: str, values: Sequence[float], place: str) -> np.ndarray:
    """Return the points of a region: one, or the corners of a box."""
    kind = shape if shape in NUMBERS else 'polygon'
    form, points, radius = geometry(kind, values, place)
    outline = Place('', form, np.asarray(points, float), radius).outline().points
    return outline if form == 'point' else around(outline)
