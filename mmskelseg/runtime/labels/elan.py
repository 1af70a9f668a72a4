"""ELAN annotation files (``.eaf``): annotations of a tier, in milliseconds.

EAF 3.0 (2016) is written; 2.7 and later are read. The annotation time 0 is the time
``TIME_ORIGIN`` of the media, an offset that ELAN sets when media are synchronised.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import count
from mimetypes import guess_type
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ElementTree, SubElement, fromstring, indent

from mmskelseg.runtime.files.atomic import atomic_write
from mmskelseg.runtime.files.parsing import FilePath, number, read_xml, xml_attribute
from mmskelseg.runtime.labels.reading import LABEL_FORMATS, Parts, choose, video_name
from mmskelseg.runtime.labels.segments import (
    Segment,
    VideoSegments,
    make_segment,
    sorted_videos,
)
from mmskelseg.runtime.messages.errors import UserError

_TIER = 'actions'
# The tier of marked stretches.
_MARKS = 'to label'
# The elements after the tiers of an .eaf.
_TYPES = """<types>
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="action"
  CONTROLLED_VOCABULARY_REF="classes" TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="note"
  TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="confidence"
  CONSTRAINTS="Symbolic_Association" TIME_ALIGNABLE="false"/>
<LANGUAGE LANG_ID="und" LANG_DEF="http://cdb.iso.org/lg/CDB-00130975-001"
  LANG_LABEL="undetermined (und)"/>
<CONSTRAINT DESCRIPTION="1-1 association with a parent annotation"
  STEREOTYPE="Symbolic_Association"/>
<CONTROLLED_VOCABULARY CV_ID="classes"><DESCRIPTION LANG_REF="und"/>
</CONTROLLED_VOCABULARY></types>"""


@LABEL_FORMATS.register('elan', {'.eaf': None})
def read_elan(
    path: FilePath,
    *,
    tier: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the annotations of a tier of an ``.eaf``, as a list of one video.

    The video is named after the first media file, or else after the ``.eaf``.
    Annotations without a value or a time are skipped, with a note.

    Args:
        path: The ``.eaf`` file.
        tier: Name of the tier. Needed if several tiers have time-aligned annotations;
            child tiers and the tier of marks are read only if named here.
        strict: Whether such an annotation is an error.
        notes: See :func:`~mmskelseg.runtime.labels.read_segments`.
    """
    root = read_xml(path, 'ANNOTATION_DOCUMENT', 'ELAN')
    header = root.find('HEADER')
    units = header.get('TIME_UNITS') if header is not None else None
    if units not in (None, 'milliseconds'):
        raise UserError(
            f'{path}: TIME_UNITS is {units!r}, expected milliseconds; save the file '
            'with a current ELAN.'
        )
    media = root.find('HEADER/MEDIA_DESCRIPTOR')
    filename, origin = None, 0.0
    if media is not None:
        filename = unquote(xml_attribute(media, 'MEDIA_URL', str(path)))
        origin = number(media.get('TIME_ORIGIN', 0), str(path), 'TIME_ORIGIN')
    slots = {
        xml_attribute(slot, 'TIME_SLOT_ID', str(path)): slot.get('TIME_VALUE')
        for slot in root.iterfind('TIME_ORDER/TIME_SLOT')
    }
    name, element = _tier(root, tier, str(path))
    parts = Parts(path, f'annotations of {name!r}', '', strict, notes)
    segments: list[Segment] = []
    for annotation in element.iterfind('ANNOTATION/ALIGNABLE_ANNOTATION'):
        place = f'{path}: tier {name!r}'
        key = xml_attribute(annotation, 'ANNOTATION_ID', place)
        place += f', annotation {key}'
        if not strict and not annotation.findtext('ANNOTATION_VALUE', '').strip():
            parts.skip(key, 'without a value')
            continue
        with parts.trying(key, place):
            segments.append(_segment(annotation, slots, origin, place))
    parts.tell(len(segments))
    video = video_name(filename or str(path))
    found = [VideoSegments(video, segments, filename=filename)] if segments else []
    return sorted_videos(found, path)


def _tier(root: Element, wanted: str | None, path: str) -> tuple[str, Element]:
    """Return the name and the element of a tier of timed annotations."""
    tiers = {
        xml_attribute(element, 'TIER_ID', path): element
        for element in root.iterfind('TIER')
        if element.find('ANNOTATION/ALIGNABLE_ANNOTATION') is not None
    }
    there = [
        name
        for name, element in tiers.items()
        if wanted is not None or ('PARENT_REF' not in element.attrib and name != _MARKS)
    ]
    option = '--label-option tier=NAME'
    name = choose(wanted, there, path, 'tier of timed annotations', option)
    return name, tiers[name]


def _segment(
    annotation: Element, slots: dict[str, str | None], origin: float, place: str
) -> Segment:
    times = []
    for reference in ('TIME_SLOT_REF1', 'TIME_SLOT_REF2'):
        slot = xml_attribute(annotation, reference, place)
        if slots.get(slot) is None:
            raise UserError(
                f'{place}: its time slot {slot!r} has no time; give the annotation a '
                'start and an end in ELAN.'
            )
        times.append((number(slots[slot], place, slot) + origin) / 1000)
    label = annotation.findtext('ANNOTATION_VALUE')
    return make_segment(place, times[0], times[1], label)


def write_elan(path: FilePath, video: VideoSegments, classes: Sequence[str]) -> None:
    """Write an ``.eaf`` with a tier of annotations, and the classes as its vocabulary.

    Confidences, if there are any, go into a child tier, and marks into a tier of their
    own. Times are rounded to milliseconds, so that frames are recovered exactly below
    1000 frames per second. The video's filename, if any, is the media file: an absolute
    path, or one relative to the folder of the ``.eaf``.
    """
    root = Element(
        'ANNOTATION_DOCUMENT',
        {
            'AUTHOR': 'mmskelseg',
            'DATE': datetime.now(timezone.utc).isoformat(timespec='seconds'),
            'FORMAT': '3.0',
            'VERSION': '3.0',
            'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
            'xsi:noNamespaceSchemaLocation': 'http://www.mpi.nl/tools/elan/EAFv3.0.xsd',
        },
    )
    _add_header(root, video)
    order = SubElement(root, 'TIME_ORDER')
    spans = [*video.segments, *video.marks]
    times = [time for item in spans for time in (item.start, item.end)]
    for i, time in enumerate(times, 1):
        value = str(round(time * 1000))
        SubElement(order, 'TIME_SLOT', TIME_SLOT_ID=f'ts{i}', TIME_VALUE=value)
    _add_tiers(root, video)
    root.extend(fromstring(_TYPES))
    (vocabulary,) = root.iterfind('CONTROLLED_VOCABULARY')
    for i, name in enumerate(classes):
        entry = SubElement(vocabulary, 'CV_ENTRY_ML', CVE_ID=f'cveid{i}')
        SubElement(entry, 'CVE_VALUE', DESCRIPTION='', LANG_REF='und').text = name
    indent(root, '    ')
    with atomic_write(path) as file:
        ElementTree(root).write(file, 'UTF-8', xml_declaration=True)


def _add_header(root: Element, video: VideoSegments) -> None:
    header = SubElement(root, 'HEADER', MEDIA_FILE='', TIME_UNITS='milliseconds')
    if video.filename:
        url = _url(video.filename)
        # A path beside the .eaf, in case the absolute path is of another machine.
        beside = url if url.startswith('./') else f'./{url.rpartition("/")[2]}'
        SubElement(
            header,
            'MEDIA_DESCRIPTOR',
            MEDIA_URL=url,
            MIME_TYPE=guess_type(video.filename)[0] or 'video/mp4',
            RELATIVE_MEDIA_URL=beside,
        )
    last = SubElement(header, 'PROPERTY', NAME='lastUsedAnnotationId')
    scores = sum(segment.score is not None for segment in video.segments)
    last.text = str(len(video.segments) + len(video.marks) + scores)


def _url(filename: str) -> str:
    """Return the URL of a media file as ELAN writes it, with unescaped spaces.

    >>> _url('/my videos/a.mp4'), _url('a.mp4')
    ('file:///my videos/a.mp4', './a.mp4')
    """
    path = filename.replace('\\', '/')
    if '://' in path:
        return path
    if re.match('/|[A-Za-z]:/', path):
        return f'file:///{path.lstrip("/")}'
    return f'./{path}'


def _add_tiers(root: Element, video: VideoSegments) -> None:
    segments, marks = list(video.segments), list(video.marks)
    ids = count(1)

    def annotate(tier: Element, kind: str, text: str, refers: dict[str, str]) -> None:
        keys = {'ANNOTATION_ID': f'a{next(ids)}', **refers}
        annotation = SubElement(SubElement(tier, 'ANNOTATION'), kind, keys)
        SubElement(annotation, 'ANNOTATION_VALUE').text = text

    # The segments come first, so that a1 is the first of them.
    slots = count(1)
    for name, kind, items in ((_TIER, 'action', segments), (_MARKS, 'note', marks)):
        if name == _MARKS and not items:
            continue
        tier = SubElement(root, 'TIER', LINGUISTIC_TYPE_REF=kind, TIER_ID=name)
        for item in items:
            times = {f'TIME_SLOT_REF{side}': f'ts{next(slots)}' for side in (1, 2)}
            annotate(tier, 'ALIGNABLE_ANNOTATION', item.label, times)
    scores = [(i, s.score) for i, s in enumerate(segments, 1) if s.score is not None]
    if scores:
        keys = {'LINGUISTIC_TYPE_REF': 'confidence', 'PARENT_REF': _TIER}
        tier = SubElement(root, 'TIER', keys, TIER_ID='confidence')
    for i, score in scores:
        annotate(tier, 'REF_ANNOTATION', f'{score:.3f}', {'ANNOTATION_REF': f'a{i}'})
