"""Projects of VGG Image Annotator (VIA): files, their views, and regions in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from mmskelseg_io.files.parsing import FilePath, number, numbers, read_json
from mmskelseg_io.files.typed import Id, typed
from mmskelseg_io.messages.errors import UserError

_REMEDY = 'save the project in VIA again'
# The shapes of version 2, by their numbers in version 3.
_SHAPES = dict(
    enumerate(('point', 'rect', 'circle', 'ellipse', 'line', 'polyline', 'polygon'), 1)
)
#: What version 2 calls the numbers of a shape; others have a list of points.
NUMBERS = {
    'point': ('cx', 'cy'),
    'rect': ('x', 'y', 'width', 'height'),
    'circle': ('cx', 'cy', 'r'),
    'ellipse': ('cx', 'cy', 'rx', 'ry'),
}


class Region(NamedTuple):
    """A region: its place for messages, its key, and what it is.

    ``time`` is None in an image, and ``attributes`` are those with a text.
    """

    place: str
    key: object
    file: str
    time: float | None
    shape: str
    numbers: list[float]
    attributes: dict[str, str]


@dataclass(frozen=True)
class Attribute:
    """An attribute of version 3."""

    aname: str
    anchor_id: str = ''
    type: Any = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A segment or a region of version 3."""

    vid: Id
    z: list[float] = field(default_factory=list)
    xy: list[float] = field(default_factory=list)
    av: dict[str, Any] = field(default_factory=dict)
    flg: int = 0

    @property
    def is_deleted(self) -> bool:
        """Whether it is no longer shown."""
        return bool(self.flg & 1)


@dataclass(frozen=True)
class _File:
    fname: str


@dataclass(frozen=True)
class _View:
    fid_list: list[Id]


@dataclass(frozen=True)
class Project:
    """A project of version 3."""

    attribute: dict[str, Attribute]
    file: dict[str, _File]
    metadata: dict[str, Entry]
    view: dict[str, _View]

    def media(self, vid: object, place: str) -> str:
        """Return the name of the file that a view shows."""
        view = self.view.get(str(vid))
        file = self.file.get(str(view.fid_list[0])) if view and view.fid_list else None
        if file is None:
            raise UserError(
                f'{place}: its view {vid!r} shows no file of the project; add the '
                'video in VIA again.'
            )
        return file.fname

    def _regions(self, path: FilePath) -> Iterator[Region]:
        for key, entry in self.metadata.items():
            if entry.xy and not entry.is_deleted:
                place = f'{path}: metadata {key!r}'
                texts = {
                    one.aname: one.options.get(value, value)
                    for of, value in entry.av.items()
                    if isinstance(value, str)
                    for one in [self.attribute.get(of, Attribute(of))]
                }
                file, time = self.media(entry.vid, place), (*entry.z, None)[0]
                shape = _SHAPES.get(entry.xy[0], f'{entry.xy[0]:g}')  # type: ignore
                yield Region(place, key, file, time, shape, entry.xy[1:], texts)


@dataclass(frozen=True)
class _Region:
    shape_attributes: dict[str, Any]
    region_attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Image:
    filename: str
    # Versions before 2 number the regions.
    regions: list[_Region] | dict[str, _Region]


def read_regions(path: FilePath) -> tuple[list[str], list[Region]]:
    """Return the names of all files of a project, and their regions.

    That is a project of version 3, or one of version 1 or 2 or what they export.
    """
    content = read_json(path, 'VIA', unique=True)
    if isinstance(content, dict) and {'metadata', 'view'} <= content.keys():
        project = typed(content, Project, path, _REMEDY)
        files = [one.fname for one in project.file.values()]
        return files, [*project._regions(path)]
    if isinstance(content, dict):
        content = content.get('_via_img_metadata', content)
    images = typed(content, dict[str, _Image], path, _REMEDY)
    regions = [one for image in images.values() for one in _regions_of(image, path)]
    return [image.filename for image in images.values()], regions


def _regions_of(image: _Image, path: FilePath) -> Iterator[Region]:
    """Yield the regions of an image of version 2."""
    own = image.regions
    for i, region in enumerate(own.values() if isinstance(own, dict) else own):
        place = f'{path}: {image.filename!r}, region {i}'
        known = region.shape_attributes
        shape = typed(known.get('name'), str, place, _REMEDY, 'shape_attributes.name')
        if keys := NUMBERS.get(shape):
            flat = [number(known.get(key), place, key) for key in keys]
        else:
            xy = [known.get(f'all_points_{axis}') for axis in 'xy']
            columns = numbers(xy, (2, -1), f'{place}: all_points')
            flat = [number(v, place, shape) for v in chain(*columns.T.tolist())]
        stated = region.region_attributes.items()
        texts = {key: value for key, value in stated if isinstance(value, str)}
        yield Region(place, i, image.filename, None, shape, flat, texts)
