"""The places that are drawn in a folder, which a file of GeoJSON there has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmskelseg.runtime.places import Places, read_places
from mmskelseg.runtime.places.geojson import write_geojson
from mmskelseg.runtime.places.reading import by_video, make_place, places_for
from mmskelseg.runtime.structures.annotations import VideoAnnotation
from mmskelseg.runtime.structures.places import zones

#: The file, in the folder of the recordings.
FILE = 'places.geojson'
#: What the page sends of a place; of one in all recordings, the video is ''.
SENT = {'name': str, 'shape': str, 'points': [list], 'radius?': float, 'video': str}


def drawn(folder: Path) -> Places:
    """Return the places of recordings by name, those of '' for all others.

    Raises:
        UserError: If the file cannot be read.
    """
    path = folder / FILE
    return read_places(path) if path.is_file() else {}


def as_sent(found: Places) -> list[dict[str, Any]]:
    """Return places as the page gets and sends them."""
    return [
        {**one.record(), 'points': one.points.tolist(), 'video': video}
        for video, own in found.items()
        for one in own
    ]


def draw(folder: Path, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Save the places that a page sends, in place of all others, and return them.

    Raises:
        UserError: If one is none, or two of a recording have one name.
    """
    found = [
        (
            one['video'],
            make_place(
                'the request',
                one['name'],
                one['shape'],
                one['points'],
                one.get('radius') or 0.0,
                one.get('space') or 'image',
            ),
        )
        for one in given
    ]
    places = by_video(FILE, found)
    if places:
        write_geojson(folder / FILE, places)
    else:
        (folder / FILE).unlink(missing_ok=True)
    return as_sent(places)


def add_places(folder: Path, videos: Sequence[VideoAnnotation]) -> None:
    """Add the places that are drawn to annotations.

    If recordings have places of different names, no model could see them, so that none
    gets any.
    """
    if not (found := drawn(folder)):
        return
    path = folder / FILE
    if '' not in found and any(video['frame_dir'] not in found for video in videos):
        return
    each = [places_for(found, video['frame_dir'], path) for video in videos]
    if len({frozenset(one.name for one in zones(own)) for own in each}) == 1:
        for video, own in zip(videos, each, strict=True):
            video['places'] = [one.record() for one in own]
