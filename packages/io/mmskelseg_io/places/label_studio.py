"""Label Studio's JSON: shapes on an image, in percent of its size.

Rectangles, ellipses, polygons and key points of the first annotation of a task are
places, called after their label. Their video is that of the image.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from mmskelseg_io.files.parsing import FilePath, check_shape, number, numbers, read_json
from mmskelseg_io.labels.reading import video_name
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.places.reading import (
    PLACE_FORMATS,
    Places,
    by_video,
    ellipse,
    make_place,
    rectangle,
)
from mmskelseg_io.structures.places import Place, Shape

_REMEDY = 'export the project from Label Studio as JSON again'
_REGION = {
    'type': str,
    'value?': {
        'x?': float, 'y?': float, 'width?': float, 'height?': float, 'radiusX?': float,
        'radiusY?': float, 'rotation?': float, 'points?': list,
    },
    'original_width?': float,
    'original_height?': float,
}  # fmt: skip
_TASKS = [{'data': dict, 'annotations': [{'result': [_REGION]}]}]
_KINDS = ('rectanglelabels', 'ellipselabels', 'polygonlabels', 'keypointlabels')


@PLACE_FORMATS.register(
    'label_studio', {'.json': lambda content: isinstance(content, list)}
)
def read_label_studio(path: FilePath) -> Places:
    """Return the shapes of each task of an export."""
    tasks = read_json(path, 'Label Studio', unique=True)
    check_shape(tasks, _TASKS, str(path), _REMEDY)
    return by_video(path, _places(tasks, str(path)))


def _places(tasks: list[dict[str, Any]], path: str) -> Iterator[tuple[str, Place]]:
    for i, task in enumerate(tasks):
        texts = [text for text in task['data'].values() if isinstance(text, str)]
        video = video_name(texts[0]) if texts else ''
        # An upload prepends eight digits.
        head, dash, rest = video.partition('-')
        video = rest if dash and len(head) == 8 and head.isalnum() else video
        regions = [one['result'] for one in task['annotations'][:1]]
        for k, region in enumerate(chain(*regions)):
            if region['type'] in _KINDS:
                where = f'{path}: task {task.get("id", i)}, region {k}'
                yield video, _place(region, where)


def _place(region: dict[str, Any], where: str) -> Place:
    kind, value = region['type'], region.get('value') or {}
    labels = value.get(kind)
    if not isinstance(labels, list) or len(labels) != 1:
        raise UserError(
            f'{where}: has the labels {shown(labels)}, expected one; give it one.'
        )
    size = np.array(
        [number(region.get(f'original_{s}'), where, s) for s in ('width', 'height')]
    )

    def pixels(*names: str) -> np.ndarray:
        percent = [number(value.get(one), where, one) for one in names]
        return np.array(percent) * size / 100

    turn, radius = float(value.get('rotation') or 0), 0.0
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
