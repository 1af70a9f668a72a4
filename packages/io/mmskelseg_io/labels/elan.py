"""ELAN annotation files (``.eaf``): annotations of tiers, in milliseconds.

EAF 3.0 (2016) is written; 2.7 and later are read. The annotation time 0 is the time
``TIME_ORIGIN`` of the media, an offset that ELAN sets when media are synchronised.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from itertools import count
from mimetypes import guess_type
from typing import TypeAlias
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ElementTree, SubElement, fromstring, indent

from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.files.names import recording_of, video_name
from mmskelseg_io.files.parsing import (
    FilePath,
    by_name,
    number,
    read_xml,
    xml_attribute,
)
from mmskelseg_io.labels.reading import (
    EACH_SUBJECT,
    ETHOGRAM_FORMATS,
    LABEL_FORMATS,
    FoundVideos,
    choose_several,
    name_of_tier,
    of_subject,
)
from mmskelseg_io.labels.segments import (
    Classes,
    ClassInfo,
    Ethogram,
    NoLabelsError,
    Segment,
    VideoSegments,
    by_tier,
    make_segment,
    sorted_videos,
)
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.structures.tiers import class_name

_TIER = 'actions'
# The segments of each tier of each individual.
_Tiers: TypeAlias = dict[tuple[str, str], list[Segment]]
# The tier of marked intervals.
_MARKS = 'to label'
# The tier of a new file of ELAN.
_DEFAULT = 'default'
# The elements between the types of tiers and the vocabularies of an .eaf.
_TYPES = """<types>
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="note"
  TIME_ALIGNABLE="true"/>
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="confidence"
  CONSTRAINTS="Symbolic_Association" TIME_ALIGNABLE="false"/>
<LANGUAGE LANG_ID="und" LANG_DEF="http://cdb.iso.org/lg/CDB-00130975-001"
  LANG_LABEL="undetermined (und)"/>
<CONSTRAINT DESCRIPTION="1-1 association with a parent annotation"
  STEREOTYPE="Symbolic_Association"/>
</types>"""


@LABEL_FORMATS.register('elan', {'.eaf': None})
def read_elan(
    path: FilePath,
    *,
    tier: str | Sequence[str] | None = None,
    subject: str | None = None,
    strict: bool = False,
    notes: list[str] | None = None,
) -> list[VideoSegments]:
    """Return the annotations of the tiers of an ``.eaf``, as a list of one video.

    The video is named after the first media file, or else after the ``.eaf``. Segments
    name their tier if the file has several, empty ones included. Annotations without a
    value or a time are skipped, with a note.

    Args:
        path: The ``.eaf`` file.
        tier: Read only the tier of this name, or these. Child tiers and the tier of
            marks are read only if named here.
        subject: Read only tiers of this participant; needed if there are several, and
            none is named. ``each`` reads those of all as individuals. Either takes
            ``NAME`` from the name of a tier ``tier@NAME``.
        strict: Whether such an annotation is an error.
        notes: See :func:`~mmskelseg_io.labels.read_segments`.
    """
    root = read_xml(path, 'ANNOTATION_DOCUMENT', 'ELAN')
    _check_units(root, path)
    media = root.find('HEADER/MEDIA_DESCRIPTOR')
    filename, origin = None, 0.0
    if media is not None:
        filename = unquote(xml_attribute(media, 'MEDIA_URL', str(path)))
        origin = number(media.get('TIME_ORIGIN', 0), str(path), 'TIME_ORIGIN')
    times = root.iterfind('TIME_ORDER/TIME_SLOT')
    slots = _by_id(times, 'TIME_SLOT', str(path))
    tiers, is_lone = _tiers(root, tier, subject, str(path))
    own = _own_names(tiers, subject, is_named=tier is not None)
    is_lone = is_lone or {name for name, _ in own.values()} == {_TIER}
    is_lone = is_lone or _is_one_each([who for _, who in own.values()])
    kind = f'annotations of {listed([repr(name) for name in tiers], 3)}'
    parts = FoundVideos(path, kind, '', strict, notes)
    segments: list[Segment] = []
    for name, element in tiers.items():
        for annotation in element.iterfind('ANNOTATION/ALIGNABLE_ANNOTATION'):
            place = f'{path}: tier {name!r}'
            key = xml_attribute(annotation, 'ANNOTATION_ID', place)
            place += f', annotation {key}'
            if not strict and not annotation.findtext('ANNOTATION_VALUE', '').strip():
                parts.skip(key, 'without a value')
                continue
            with parts.trying(key, place):
                one = _segment(annotation, slots, origin, place)
                of_tier, who = own[name]
                of_tier = '' if is_lone else of_tier
                segments.append(replace(one, tier=of_tier, individual=who))
    parts.tell(len(segments))
    video = video_name(filename) if filename else recording_of(path)
    return sorted_videos([VideoSegments(video, segments, filename=filename)], path)


@ETHOGRAM_FORMATS.register('elan', {'.etf': None, '.eaf': None})
def read_elan_classes(path: FilePath) -> list[ClassInfo]:
    """Return the vocabularies of the tiers of a template or an ``.eaf``."""
    root = read_xml(path, 'ANNOTATION_DOCUMENT', 'ELAN')
    kinds = _by_id(root.iterfind('LINGUISTIC_TYPE'), 'LINGUISTIC_TYPE', str(path))
    words: dict[str, list[tuple[str, str]]] = {}
    for vocabulary in root.iterfind('CONTROLLED_VOCABULARY'):
        entries = vocabulary.iterfind('CV_ENTRY_ML')
        values = [one for entry in entries for one in [entry.find('CVE_VALUE')]]
        # Files before EAF 2.8 have one language.
        own = [one for one in values if one is not None]
        own += vocabulary.findall('CV_ENTRY')
        words[xml_attribute(vocabulary, 'CV_ID', str(path))] = [
            (' '.join((one.text or '').split()), one.get('DESCRIPTION', ''))
            for one in own
            if (one.text or '').strip()
        ]
    tiers: dict[str, list[tuple[str, str]]] = {}
    for name, tier in _by_id(root.iterfind('TIER'), 'TIER', str(path)).items():
        kind = kinds.get(tier.get('LINGUISTIC_TYPE_REF', ''))
        key = '' if kind is None else kind.get('CONTROLLED_VOCABULARY_REF', '')
        if words.get(key):
            tiers[name.removesuffix(f'@{_participant(tier)}')] = words[key]
    return [
        ClassInfo(word, tier * (len(tiers) > 1), description=' '.join(text.split()))
        for tier, own in tiers.items()
        for word, text in own
    ]


def _check_units(root: Element, path: FilePath) -> None:
    header = root.find('HEADER')
    units = header.get('TIME_UNITS') if header is not None else None
    if units not in (None, 'milliseconds'):
        remedy = 'save the file with a current ELAN'
        raise misfit(path, 'TIME_UNITS', units, 'milliseconds', remedy)


def _by_id(elements: Iterable[Element], tag: str, path: str) -> dict[str, Element]:
    each = ((xml_attribute(one, f'{tag}_ID', path), one) for one in elements)
    return by_name(each, path, f'elements {tag}')


def _participant(tier: Element) -> str:
    return tier.get('PARTICIPANT', '')


def _own_names(
    tiers: Mapping[str, Element], subject: str | None, *, is_named: bool
) -> dict[str, tuple[str, str]]:
    """Return each tier's name without the individual's, and that one if it is read."""
    own = {}
    for name, element in tiers.items():
        who = _participant(element)
        short = name.removesuffix(f'@{who}') if who else name
        own[name] = short, who if subject == EACH_SUBJECT else ''
    if subject is None and (is_named or len({*own.values()}) < len(own)):
        return {name: (name, '') for name in tiers}
    return own


def _is_one_each(people: Sequence[str]) -> bool:
    """Return whether each tier is of another participant, so that each has one."""
    return len({*people}) == len(people) > 1 and all(people)


def _tiers(
    root: Element, wanted: str | Sequence[str] | None, subject: str | None, path: str
) -> tuple[dict[str, Element], bool]:
    """Return the tiers to read by their names, and whether there is only one."""
    every = root.findall('TIER')
    if subject is not None:
        every = of_subject(every, subject, path, _participant)
    elements = _by_id(every, 'TIER', path)
    timed = [
        name
        for name, element in elements.items()
        if element.find('ANNOTATION/ALIGNABLE_ANNOTATION') is not None
    ]
    independent = [
        name
        for name, element in elements.items()
        if 'PARENT_REF' not in element.attrib and name != _MARKS
    ]
    there = [name for name in timed if wanted is not None or name in independent]
    if wanted is None and not there:
        raise NoLabelsError(
            f'{path}: no tier has timed annotations; label something first.'
        )
    names = choose_several(wanted, there, path, 'tier of timed annotations', 'tier')
    others = {*independent} - {*names, _DEFAULT}
    is_lone = len(names) == 1 and (wanted is not None or not others)
    if wanted is None:
        of_subject([elements[name] for name in names], subject, path, _participant)
    return {name: elements[name] for name in names}, is_lone


def _segment(
    annotation: Element, slots: Mapping[str, Element], origin: float, place: str
) -> Segment:
    times = []
    for reference in ('TIME_SLOT_REF1', 'TIME_SLOT_REF2'):
        slot = xml_attribute(annotation, reference, place)
        value = slots[slot].get('TIME_VALUE') if slot in slots else None
        if value is None:
            raise UserError(
                f'{place}: its time slot {slot!r} has no time; give the annotation a '
                'start and an end in ELAN.'
            )
        times.append((number(value, place, slot) + origin) / 1000)
    label = annotation.findtext('ANNOTATION_VALUE')
    return make_segment(place, times[0], times[1], label)


@register_export('elan', 'segments.eaf', 'ELAN', by_default=True, corrects=True)
def write_elan(path: FilePath, video: VideoSegments, classes: Classes) -> None:
    """Write an ``.eaf`` with each tier, and the tier's classes as its vocabulary.

    The tiers of an individual are called ``tier@NAME``, with it as the participant.
    Confidences, if there are any, go into child tiers, and marks into a tier of their
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
    individuals = sorted({segment.individual for segment in video.segments}) or ['']
    segments: _Tiers = {(t, one): [] for t in by_tier(classes) for one in individuals}
    for segment in video.segments:
        segments[segment.tier, segment.individual].append(segment)
    _add_header(root, video)
    _add_tiers(root, segments, video.marks)
    for tier in by_tier(classes):
        SubElement(
            root,
            'LINGUISTIC_TYPE',
            GRAPHIC_REFERENCES='false',
            LINGUISTIC_TYPE_ID=class_name('action', tier),
            CONTROLLED_VOCABULARY_REF=class_name('classes', tier),
            TIME_ALIGNABLE='true',
        )
    root.extend(fromstring(_TYPES))
    ids = count()
    for tier, names in by_tier(classes).items():
        key = class_name('classes', tier)
        vocabulary = SubElement(root, 'CONTROLLED_VOCABULARY', CV_ID=key)
        SubElement(vocabulary, 'DESCRIPTION', LANG_REF='und')
        for name in names:
            entry = SubElement(vocabulary, 'CV_ENTRY_ML', CVE_ID=f'cveid{next(ids)}')
            text = (video.ethogram or Ethogram()).info(name, tier).description
            SubElement(entry, 'CVE_VALUE', DESCRIPTION=text, LANG_REF='und').text = name
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


def _add_tiers(root: Element, segments: _Tiers, marks: Sequence[Segment]) -> None:
    order = SubElement(root, 'TIME_ORDER')
    ids, slots = count(1), count(1)

    def slot(time: float) -> str:
        value, key = str(round(time * 1000)), f'ts{next(slots)}'
        SubElement(order, 'TIME_SLOT', TIME_SLOT_ID=key, TIME_VALUE=value)
        return key

    def annotate(tier: Element, kind: str, text: str, refers: dict[str, str]) -> str:
        key = f'a{next(ids)}'
        keys = {'ANNOTATION_ID': key, **refers}
        annotation = SubElement(SubElement(tier, 'ANNOTATION'), kind, keys)
        SubElement(annotation, 'ANNOTATION_VALUE').text = text
        return key

    def add(
        name: str, kind: str, items: Sequence[Segment], individual: str = ''
    ) -> list[str]:
        tier = SubElement(root, 'TIER', LINGUISTIC_TYPE_REF=kind, TIER_ID=name)
        if individual:
            tier.set('PARTICIPANT', individual)
        keys = []
        for one in items:
            refers = {
                'TIME_SLOT_REF1': slot(one.start),
                'TIME_SLOT_REF2': slot(one.end),
            }
            keys.append(annotate(tier, 'ALIGNABLE_ANNOTATION', one.label, refers))
        return keys

    # The segments come first, so that a1 is the first of them.
    keys = {
        (name, who): add(
            name_of_tier(name or _TIER, who), class_name('action', name), items, who
        )
        for (name, who), items in segments.items()
    }
    if marks:
        add(_MARKS, 'note', marks)
    for (name, who), items in segments.items():
        pairs = zip(keys[name, who], items, strict=True)
        scores = [(key, segment.score) for key, segment in pairs]
        if all(score is None for _, score in scores):
            continue
        parent = name_of_tier(name or _TIER, who)
        refers = {'LINGUISTIC_TYPE_REF': 'confidence', 'PARENT_REF': parent}
        child = name_of_tier(class_name('confidence', name), who)
        tier = SubElement(root, 'TIER', refers, TIER_ID=child)
        for key, score in scores:
            if score is not None:
                text = f'{score:.3f}'
                annotate(tier, 'REF_ANNOTATION', text, {'ANNOTATION_REF': key})
