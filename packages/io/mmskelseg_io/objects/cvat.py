"""CVAT's XML, version 1.1: tracks of "CVAT for video", shapes of "CVAT for images".

Between two shapes of a track, its points move in a straight line; the last shape lasts
until the end of the task, and ``outside="1"`` means that the object is not seen. For
frames and tasks, see :mod:`mmskelseg_io.labels.cvat`. Points of a skeleton have
names; those of ``points`` are numbered. Polygons and other outlines are read as the
boxes around them. What is ``occluded`` has a score of 0.5.
"""

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

import numpy as np

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, number, read_xml, whole, xml_attribute
from mmskelseg_io.labels.cvat import end_of, shapes_of, step_of, tasks_of
from mmskelseg_io.objects.found import Found, FoundObjects, around, corners
from mmskelseg_io.objects.reading import OBJECT_FORMATS, video_of

_OUTLINES = ('polygon', 'polyline')
_SHAPES = ('box', 'ellipse', 'mask', 'points', 'skeleton', *_OUTLINES)
_OCCLUDED = 0.5


@OBJECT_FORMATS.register('cvat', {'.xml': None})
def read_cvat_objects(path: FilePath) -> list[FoundObjects]:
    """Return the objects of each task of an exported task, job or project."""
    root = read_xml(path, 'annotations', 'CVAT')
    return [
        FoundObjects(
            video_name(name) or video_of(path), place, [*_of_task(task, items, place)]
        )
        for name, place, task, items in tasks_of(root, path)
    ]


def _of_task(task: Element, items: Iterable[Element], path: str) -> Iterator[Found]:
    step, stop = step_of(task, path), end_of(task, path)
    for item in items:
        place = f'{path}: {item.tag} {item.get("id")}'
        if item.tag == 'track':
            yield from _of_track(item, step, stop, place)
            continue
        frame = whole(xml_attribute(item, 'id', place), place, 'frame')
        for shape in item:
            if shape.tag in _SHAPES:
                kind = xml_attribute(shape, 'label', place)
                names, points, score = _points(shape, place)
                end = frame + step
                yield Found(frame, kind, points, score, names=names, end=end)


def _of_track(track: Element, step: int, stop: int, place: str) -> Iterator[Found]:
    kind, name = (xml_attribute(track, key, place) for key in ('label', 'id'))
    shapes = [s for s in shapes_of(track, step, stop, place) if s[2].tag in _SHAPES]
    read = [_points(shape, f'{place}, frame {frame}') for frame, _, shape in shapes]
    for i, (frame, end, _) in enumerate(shapes):
        names, points, score = read[i]
        if not score.any():
            continue
        after = read[i + 1] if i + 1 < len(read) else None
        stays = after is None or not after[2].any() or after[0] != names
        moved = points if after is None or stays else after[1]
        yield Found(frame, kind, points, score, name, names, end, moved)


def _points(
    shape: Element, place: str
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the names of the points of a shape, their places, and scores (P,)."""
    if shape.tag == 'skeleton':
        parts = shape.findall('points')
        found = [_points(part, place) for part in parts]
        return (
            tuple(xml_attribute(part, 'label', place) for part in parts),
            np.concatenate([np.zeros((0, 2)), *(points for _, points, _ in found)]),
            np.concatenate([np.zeros(0), *(score for _, _, score in found)])
            * (shape.get('outside') != '1'),
        )
    score = _OCCLUDED if shape.get('occluded') == '1' else 1.0
    if shape.get('outside') == '1':
        score = 0.0
    names = Found.names
    if shape.tag in ('points', *_OUTLINES):
        text = xml_attribute(shape, 'points', place)
        cells = [number(cell, place, 'points') for cell in re.split('[,;]', text)]
        points = np.array(cells[: len(cells) // 2 * 2]).reshape(-1, 2)
        if shape.tag in _OUTLINES:
            points = around(points)
        else:
            many = len(points) > 1
            names = tuple(f'point{f" {i}" * many}' for i in range(1, len(points) + 1))
    else:
        points = _box(shape, place)
    return names, points, np.full(len(points), score)


def _box(shape: Element, place: str) -> np.ndarray:
    """Return the corners of a box, an ellipse or a mask."""

    def values(*keys: str) -> list[float]:
        return [number(xml_attribute(shape, key, place), place, key) for key in keys]

    turned = number(shape.get('rotation', 0), place, 'rotation')
    if shape.tag == 'box':
        left, top, right, bottom = values('xtl', 'ytl', 'xbr', 'ybr')
        return corners(left, top, right, bottom, turned)
    if shape.tag == 'mask':
        left, top, width, height = values('left', 'top', 'width', 'height')
        return corners(left, top, left + width, top + height)
    x, y, across, down = values('cx', 'cy', 'rx', 'ry')
    return corners(x - across, y - down, x + across, y + down, turned)
