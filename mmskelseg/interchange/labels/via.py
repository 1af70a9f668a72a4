"""VGG Image Annotator, version 3 (VIA): temporal segments in a project's JSON.

A segment is an entry of ``metadata`` with two times in ``z`` and nothing in ``xy``,
unless it is deleted (bit 1 of ``flg``). Its label is the value of an attribute with the
anchor ``FILE1_Z2_XY0``: the text itself, or the key of one of the attribute's options.
"""

from typing import Any

from mmskelseg.interchange.labels.segments import (
    Segment,
    VideoSegments,
    make_segment,
    sorted_videos,
)
from mmskelseg.interchange.parsing import (
    FilePath,
    check_shape,
    choose,
    number,
    read_json,
    video_name,
)
from mmskelseg.utils.errors import UserError

_ENTRY = {'vid': (str, int), 'flg?': int, 'z?': list, 'xy?': list, 'av?': {...: str}}
_PROJECT = {
    'attribute': {...: {'aname': str, 'anchor_id?': str, 'options?': {...: str}}},
    'file': {...: {'fname': str}},
    'metadata': {...: _ENTRY},
    'view': {...: {'fid_list': [(str, int)]}},
}
_ANCHOR = 'FILE1_Z2_XY0'
_TEXT = 1


def read_via(path: FilePath, *, attribute: str | None = None) -> list[VideoSegments]:
    """Return the temporal segments of each video in the JSON of a VIA 3 project.

    Args:
        attribute: Name of the attribute that holds the class. Needed where several
            describe segments of time.
    """
    project = read_json(path, 'VIA')
    check_shape(project, _PROJECT, str(path), 'save it in VIA 3 again')
    attributes = project['attribute']
    ids = {
        item['aname']: key
        for key, item in attributes.items()
        if item.get('anchor_id') == _ANCHOR
    }
    name = choose(attribute, list(ids), str(path), 'attribute of time', 'attribute')
    found: dict[str, list[Segment]] = {}
    for key, entry in project['metadata'].items():
        times = entry.get('z') or []
        if entry.get('xy') or len(times) != 2 or (entry.get('flg') or 0) & 1:
            continue
        place = f'{path}: metadata {key!r}'
        media = _media(project, str(entry['vid']), place)
        start, end = (number(time, place, 'z') for time in times)
        value = (entry.get('av') or {}).get(ids[name], '')
        label = _label(value, attributes[ids[name]], place)
        segment = make_segment(place, start, end, label)
        found.setdefault(media, []).append(segment)
    videos = [
        VideoSegments(video_name(media), segments, filename=media)
        for media, segments in found.items()
    ]
    return sorted_videos(videos, path, 'give its files different names')


def _media(project: dict[str, Any], vid: str, place: str) -> str:
    files = project['view'].get(vid, {'fid_list': []})['fid_list']
    if not files or str(files[0]) not in project['file']:
        raise UserError(
            f'{place}: its view {vid!r} shows no file of the project; add the video in '
            'VIA again.'
        )
    return project['file'][str(files[0])]['fname']


def _label(value: str, attribute: dict[str, Any], place: str) -> str:
    options = attribute.get('options') or {}
    if attribute.get('type') == _TEXT or value in options.values():
        return value
    if value not in options:
        raise UserError(
            f'{place}: {attribute["aname"]} is {value!r}, expected one of its options '
            f'{", ".join(options.values())}; choose one in VIA.'
        )
    return options[value]
