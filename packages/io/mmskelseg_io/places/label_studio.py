"""Label Studio's JSON: shapes on an image, in percent of its size.

Rectangles, ellipses, polygons and key points of the first annotation of a task are
places, called after their label. Their video is that of the image.
"""

from collections.abc import Iterator

import numpy as np

from mmskelseg_io.files.label_studio import Region, name_of_media, read_tasks
from mmskelseg_io.files.parsing import FilePath, number, numbers
from mmskelseg_io.messages.errors import misfit
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    ellipse,
    make_place,
    places_by_video,
    rectangle,
)
from mmskelseg_io.structures.places import Place, Shape

_KINDS = ('rectanglelabels', 'ellipselabels', 'polygonlabels', 'keypointlabels')


@PLACE_FORMATS.register(
    'label_studio', {'.json': lambda content: isinstance(content, list)}
)
def read_label_studio(path: FilePath) -> Places:
    """Return the shapes of each task of an export."""
    return places_by_video(path, _places(path))


def _places(path: FilePath) -> Iterator[tuple[str, Place]]:
    for name, task in read_tasks(path):
        place = f'{path}: {name}'
        video = name_of_media((*task.texts, '')[0])
        for one in task.made('annotations', place)[:1]:
            for k, region in enumerate(one.result):
                if region.type in _KINDS:
                    yield video, _place(region, f'{place}, region {k}')


def _place(region: Region, where: str) -> Place:
    kind, value = region.type, region.value
    labels = value.get(kind)
    if not isinstance(labels, list) or len(labels) != 1:
        raise misfit(where, 'labels', labels, 'one', 'give it one')
    sides = {'width': region.original_width, 'height': region.original_height}
    size = np.array([number(side, where, key) for key, side in sides.items()])

    def pixels(*names: str) -> np.ndarray:
        percent = [number(value.get(one), where, one) for one in names]
        return np.array(percent) * size / 100

    turn, radius = number(value.get('rotation', 0), where, 'rotation'), 0.0
    shape: Shape = 'polygon'
    if kind == 'polygonlabels':
        points = numbers(value.get('points'), (-1, 2), f'{where}: points') * size / 100
    elif kind == 'keypointlabels':
        shape, points = 'point', pixels('x', 'y')[None]
    elif kind == 'rectanglelabels':
        points = rectangle(pixels('x', 'y'), pixels('width', 'height'), turn)
    else:
        a, b = np.round(pixels('radiusX', 'radiusY'), 6).tolist()
        shape, points, radius = ellipse(pixels('x', 'y'), a, b, turn)
    return make_place(where, labels[0], shape, points, radius)
