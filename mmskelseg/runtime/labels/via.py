"""VGG Image Annotator, version 3 (VIA): temporal segments in a project's JSON.

A segment is an entry of ``metadata`` with two times in ``z`` and nothing in ``xy`` that
is not deleted (lowest bit of ``flg``). Its label is the value of an attribute with the
anchor ``FILE1_Z2_XY0``: the text itself, or the key of one of the attribute's options.
"""

from typing import TypedDict

from mmskelseg.runtime.files.parsing import (
    FilePath,
    check_shape,
    choose,
    number,
    read_json,
    video_name,
)
from mmskelseg.runtime.labels.fitting import Fitting
from mmskelseg.runtime.labels.segments import Segment, VideoSegments, make_segment
from mmskelseg.runtime.messages.errors import UserError, reads_file

_ENTRY = {'vid': (str, int), 'flg?': int, 'z?': list, 'xy?': list, 'av?': {...: str}}
_PROJECT = {
    'attribute': {...: {'aname': str, 'anchor_id?': str, 'options?': {...: str}}},
    'file': {...: {'fname': str}},
    'metadata': {...: _ENTRY},
    'view': {...: {'fid_list': [(str, int)]}},
}
_ANCHOR = 'FILE1_Z2_XY0'
_TEXT = 1


class _Attribute(TypedDict, total=False):
    """The keys of an attribute that are read."""

    aname: str
    anchor_id: str
    type: int
    options: dict[str, str]


class _Entry(TypedDict, total=False):
    """The keys of an entry of ``metadata`` that are read."""

    vid: str | int
    flg: int
    z: list[object]
    xy: list[object]
    av: dict[str, str]


class _File(TypedDict):
    """The key of a file that is read."""

    fname: str


class _View(TypedDict):
    """The key of a view that is read."""

    fid_list: list[str | int]


class _Project(TypedDict):
    """The keys of a project that are read."""

    attribute: dict[str, _Attribute]
    file: dict[str, _File]
    metadata: dict[str, _Entry]
    view: dict[str, _View]


@reads_file
def read_via(
    path: FilePath,
    *,
    attribute: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the temporal segments of each video in the JSON of a VIA 3 project.

    Videos with a segment that has no class are skipped, with a note.

    Args:
        path: The project's JSON file.
        attribute: Name of the attribute that holds the class. Needed if several
            attributes describe temporal segments.
        strict: Whether a segment without a class is an error.
        notes: List to which notes are appended; by default they are logged as warnings.
    """
    project: _Project = read_json(path, 'VIA')
    check_shape(project, _PROJECT, str(path), 'save it in VIA 3 again')
    attributes = project['attribute']
    ids = {
        item['aname']: key
        for key, item in attributes.items()
        if item.get('anchor_id') == _ANCHOR
    }
    name = choose(attribute, list(ids), str(path), 'attribute of time', 'attribute')
    attribute_of_class = attributes[ids[name]]
    found: dict[str, list[tuple[str, _Entry]]] = {}
    for key, entry in project['metadata'].items():
        is_span = len(entry.get('z') or []) == 2 and not entry.get('xy')
        if is_span and not (entry.get('flg') or 0) & 1:
            found.setdefault(str(entry['vid']), []).append((key, entry))
    videos = Fitting(path, 'videos', strict, notes)
    for vid, entries in found.items():
        with videos.part(f'view {vid}', str(path)):
            places = [f'{path}: metadata {key!r}' for key, _ in entries]
            media = _media(project, vid, places[0])
            segments = [
                _segment(entry, ids[name], attribute_of_class, place)
                for place, (_, entry) in zip(places, entries, strict=True)
            ]
            video = VideoSegments(video_name(media), segments, filename=media)
            remedy = 'give its files different names'
            videos.add(video.name, str(path), [video], remedy)
    return videos.read()


def _segment(entry: _Entry, key: str, attribute: _Attribute, place: str) -> Segment:
    start, end = (number(time, place, 'z') for time in entry['z'])
    label = _label((entry.get('av') or {}).get(key, ''), attribute, place)
    return make_segment(place, start, end, label)


def _media(project: _Project, vid: str, place: str) -> str:
    view = project['view'].get(vid)
    files = [] if view is None else view['fid_list']
    if not files or str(files[0]) not in project['file']:
        raise UserError(
            f'{place}: its view {vid!r} shows no file of the project; add the video in '
            'VIA again.'
        )
    return project['file'][str(files[0])]['fname']


def _label(value: str, attribute: _Attribute, place: str) -> str:
    options = attribute.get('options') or {}
    if attribute.get('type') == _TEXT or value in options.values():
        return value
    if value not in options:
        raise UserError(
            f'{place}: {attribute["aname"]} is {value!r}, expected one of its options '
            f'{", ".join(options.values())}; choose one in VIA.'
        )
    return options[value]
