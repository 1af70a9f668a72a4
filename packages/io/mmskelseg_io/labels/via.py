"""VGG Image Annotator, version 3 (VIA): temporal segments in a project's JSON.

A segment is an entry of ``metadata`` with two times in ``z`` and nothing in ``xy``,
unless it is deleted (lowest bit of ``flg``). Its label is the value of an attribute
with the anchor ``FILE1_Z2_XY0``: the text itself, or the key of one of its options. If
there are several such attributes, each is a tier, called ``tier@NAME`` if it is of one
of several individuals.
"""

from collections.abc import Iterator, Mapping, Sequence

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath, by_name
from mmskelseg_io.files.typed import read_typed, typed
from mmskelseg_io.files.via import Attribute, Entry, Project
from mmskelseg_io.labels.reading import (
    LABEL_FORMATS,
    FoundVideos,
    choose_several,
    names_of_tiers,
    segments_of_tiers,
    tier_and_individual,
    without_lone_tier,
)
from mmskelseg_io.labels.segments import Segment, VideoSegments, make_segment
from mmskelseg_io.messages.errors import misfit

_REMEDY = 'save it in VIA 3 again'
_ANCHOR = 'FILE1_Z2_XY0'
_TEXT = 1


def _is_own(content: object) -> bool:
    keys = {'attribute', 'metadata', 'file', 'view'}
    return isinstance(content, dict) and bool(keys & content.keys())


@LABEL_FORMATS.register('via', {'.json': _is_own})
def read_via(
    path: FilePath,
    *,
    attribute: str | Sequence[str] | None = None,
    subject: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the temporal segments of each video in the JSON of a VIA 3 project.

    Videos with a segment that has no class are skipped, with a note.

    Args:
        path: The project's JSON file.
        attribute: Read only the attribute of this name, or these.
        subject: Read only attributes of this individual, called ``tier@NAME`` or
            ``@NAME``; needed if a video has several. ``each`` reads those of all.
        strict: Whether a segment without a class is an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    project = read_typed(path, Project, 'VIA', _REMEDY, unique=True)
    attributes = project.attribute
    of_time = (
        (item.aname, key)
        for key, item in attributes.items()
        if item.anchor_id == _ANCHOR
    )
    ids = by_name(of_time, str(path), 'attributes of time')
    wanted = names_of_tiers(attribute, list(ids), subject)
    chosen = choose_several(wanted, [*ids], path, 'attribute of time', 'attribute')
    found: dict[str, list[tuple[str, Entry]]] = {}
    for name, entry in project.metadata.items():
        if len(entry.z) == 2 and not entry.xy and not entry.is_deleted:
            place = f'{path}: metadata {name!r}'
            typed(entry.av, dict[str, str], place, _REMEDY, 'av')
            found.setdefault(str(entry.vid), []).append((place, entry))
    parts = FoundVideos(path, 'videos', 'give its files different names', strict, notes)
    for vid, entries in found.items():
        with parts.part(f'view {vid}', str(path)) as videos:
            media = project.media(vid, entries[0][0])
            segments = [
                segment
                for place, entry in entries
                for segment in _segments(entry, chosen, ids, attributes, place)
            ]
            if wanted is None or subject is not None:
                place = f'{path}: view {vid}'
                segments = segments_of_tiers(segments, subject, place)
            videos.append(VideoSegments(video_name(media), segments, filename=media))
    tiers = {one if subject is None else tier_and_individual(one)[0] for one in chosen}
    return parts.read() if len(tiers) > 1 else without_lone_tier(parts.read())


def _segments(
    entry: Entry,
    chosen: Sequence[str],
    ids: Mapping[str, str],
    attributes: Mapping[str, Attribute],
    place: str,
) -> Iterator[Segment]:
    """Yield the segments of an entry, whose tiers are attributes."""
    start, end = entry.z
    values = {name: entry.av.get(ids[name], '') for name in chosen}
    # A segment need not belong to all tiers, but to one.
    for name in [name for name in chosen if values[name]] or chosen[:1]:
        label = _label(values[name], attributes[ids[name]], place)
        yield make_segment(place, start, end, label, tier=name)


def _label(value: str, attribute: Attribute, place: str) -> str:
    options = attribute.options
    if attribute.type == _TEXT or value in options.values():
        return value
    if value not in options:
        expected = f'one of its options {", ".join(options.values())}'
        raise misfit(place, attribute.aname, value, expected, 'choose one in VIA')
    return options[value]
