"""VGG Image Annotator, version 3 (VIA): temporal segments in a project's JSON.

A segment is an entry of ``metadata`` with two times in seconds in ``z`` and nothing in
``xy``. Its label is the value of an attribute with the anchor ``FILE1_Z2_XY0``: the
text itself, or the key of one of the attribute's options. Regions of images and frames
are left out, and so are deleted entries (bit 1 of ``flg``).
"""

import os
from typing import Any

from mmskelseg.interchange.parsing import (
    choose,
    make_segment,
    member,
    number,
    read_json,
    sorted_videos,
    video_name,
)
from mmskelseg.interchange.segments import Segment, VideoSegments

_ANCHOR = 'FILE1_Z2_XY0'
_TEXT = 1


def read_via(
    path: str | os.PathLike, *, attribute: str | None = None
) -> list[VideoSegments]:
    """Return the temporal segments of each video in a VIA 3 project.

    Args:
        path: The project's JSON file.
        attribute: Name of the attribute that holds the class. Needed where several
            describe segments of time.

    Raises:
        ValueError: If the file is no such project, or a segment has no label.
    """
    project = read_json(path, 'VIA')
    metadata, attributes, views, files = (
        member(project, key, dict, str(path))
        for key in ('metadata', 'attribute', 'view', 'file')
    )
    ids = {
        item.get('aname'): key
        for key, item in attributes.items()
        if item.get('anchor_id') == _ANCHOR
    }
    name = choose(attribute, list(ids), str(path), 'attribute of time', 'attribute')
    found: dict[str, list[Segment]] = {}
    for key, entry in metadata.items():
        if entry.get('xy') or len(entry.get('z') or ()) != 2 or entry.get('flg', 0) & 1:
            continue
        place = f'{path}: metadata {key!r}'
        view = member(views, str(entry.get('vid')), dict, f'{place}, view')
        file = next(iter(member(view, 'fid_list', list, place)), None)
        media = member(
            member(files, str(file), dict, f'{place}, file'), 'fname', str, place
        )
        start, end = (number(time, place, 'z') for time in entry['z'])
        label = _label(entry, attributes[ids[name]], ids[name], place)
        segment = make_segment(place, start, end, label)
        found.setdefault(media, []).append(segment)
    videos = [
        VideoSegments(video_name(media), segments, filename=media)
        for media, segments in found.items()
    ]
    return sorted_videos(videos, path, 'give its files different names')


def _label(
    entry: dict[str, Any], attribute: dict[str, Any], key: str, place: str
) -> str:
    value = (entry.get('av') or {}).get(key, '')
    options = attribute.get('options') or {}
    if attribute.get('type') == _TEXT or value in options.values():
        return value
    if value not in options:
        raise ValueError(
            f'{place}: {attribute["aname"]} is {value!r}, expected one of its options '
            f'{", ".join(options.values())}; choose one in VIA.'
        )
    return options[value]
