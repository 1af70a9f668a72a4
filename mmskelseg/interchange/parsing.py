"""Reading of files that other tools wrote: text, JSON, XML, tables and their numbers.

Every fault is one sentence that names the file, the place, the value and the remedy.
"""

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mmskelseg.interchange.segments import Segment, VideoSegments
from mmskelseg.utils.errors import UserError


def read_text(path: str | os.PathLike) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: If it is no UTF-8.
        OSError: If it cannot be read.
    """
    try:
        return Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path}: byte {error.start} is no text in UTF-8; save or export the file '
            'as that.'
        ) from None


def read_json(path: str | os.PathLike, tool: str) -> Any:
    """Return the content of a JSON file.

    Raises:
        ValueError: If it is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path}: line {error.lineno}, column {error.colno} is no JSON '
            f'({error.msg}); export the file from {tool} again.'
        ) from None


def read_xml(path: str | os.PathLike, root: str, tool: str) -> Element:
    """Return the root of an XML file.

    A document type is refused, as is therefore whatever an entity could expand to or
    fetch.

    Args:
        path: The file.
        root: The tag that the root must have.
        tool: The program that wrote it.

    Raises:
        UserError: If it is no XML, has a document type, or another root.
    """
    try:
        element = fromstring(Path(path).read_bytes(), forbid_dtd=True)
    except DefusedXmlException:
        raise UserError(
            f'{path}: declares a document type, which no file of {tool} has and which '
            'could hide entities; delete it.'
        ) from None
    except ParseError as error:
        line, column = error.position
        raise UserError(
            f'{path}: line {line}, column {column + 1} is no XML '
            f'({expat.ErrorString(error.code)}); export the file from {tool} again.'
        ) from None
    if element.tag != root:
        raise UserError(
            f'{path}: the outermost element is {element.tag!r}, expected {root!r}; '
            f'this is no file of {tool}.'
        )
    return element


def attribute(element: Element, name: str, place: str) -> str:
    """Return an attribute of an XML element.

    Raises:
        ValueError: If it has none of that name.
    """
    if name not in element.attrib:
        raise ValueError(
            f'{place}: the element {element.tag} has no attribute {name}; export the '
            'file again.'
        )
    return element.attrib[name]


def read_rows(path: str | os.PathLike) -> list[tuple[int, list[str]]]:
    """Return line number and cells of each row of a text table that is not empty.

    Cells are separated by tabs, semicolons or commas, whichever the file has most of.
    """
    text = read_text(path)
    separator = max('\t;,', key=text.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    return [(line, row) for line, row in rows if any(row)]


def as_dicts(
    rows: Sequence[tuple[int, list[str]]], path: str | os.PathLike
) -> list[tuple[str, dict[str, str]]]:
    """Return the place and the cells by column of each row below a header.

    Raises:
        ValueError: If a row has another number of cells than the header.
    """
    header = rows[0][1]
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise ValueError(
                f'{path}: line {line} has {len(row)} cells, but the header in line '
                f'{rows[0][0]} has {len(header)}; complete it, or quote a text that '
                'holds the separator.'
            )
    return [
        (f'{path}: line {line}', dict(zip(header, row, strict=True)))
        for line, row in rows[1:]
    ]


def number(value: Any, place: str, what: str) -> float:
    """Return a finite number, from a number or a text.

    >>> number('12.5', 'a.csv: line 3', 'start')
    12.5

    Raises:
        ValueError: If it is none.
    """
    try:
        result = float(value)
    except (TypeError, ValueError):
        result = float('nan')
    if isinstance(value, bool) or not isfinite(result):
        raise ValueError(
            f'{place}: {what} is {value!r}, expected a number with a decimal point.'
        )
    return result


def make_segment(
    place: str, start: float, end: float, label: Any, score: float | None = None
) -> Segment:
    """Return a segment, checked.

    Raises:
        ValueError: If it ends before it starts, or has no label.
    """
    if not isinstance(label, str) or not label.strip():
        raise ValueError(
            f'{place}: the label from {start:.3f} to {end:.3f} s is {label!r}; give '
            'it the name of a class.'
        )
    if end < start:
        raise ValueError(
            f'{place}: {label.strip()!r} starts at {start:.3f} s and ends at '
            f'{end:.3f} s; exchange the two.'
        )
    return Segment(start, end, label.strip(), score)


def video_name(media: str) -> str:
    r"""Return the name of a media file, without its folder and suffix.

    >>> video_name('C:\\clips\\take 1.mp4'), video_name('/data/?d=cam/subject.01.avi')
    ('take 1', 'subject.01')
    """
    name = re.split(r'[/\\]', media)[-1].partition('?')[0]
    return re.sub(r'\.(?=\w*[A-Za-z])\w{2,4}$', '', name)


def sorted_videos(
    videos: Iterable[VideoSegments], path: str | os.PathLike, remedy: str
) -> list[VideoSegments]:
    """Return the videos with their segments in order.

    Args:
        videos: In the order of the file.
        path: The file.
        remedy: What to do about two that have the same name.

    Raises:
        ValueError: If there are none, or if two have the same name.
    """
    found: dict[str, VideoSegments] = {}
    for video in videos:
        if video.name in found:
            raise ValueError(
                f'{path}: the video {video.name!r} is labelled twice; {remedy}.'
            )
        ordered = sorted(video.segments, key=lambda item: (item.start, item.end))
        found[video.name] = VideoSegments(
            video.name, ordered, video.fps, video.num_frames, video.filename
        )
    if not found:
        raise ValueError(f'{path}: no video in it has a label; label one first.')
    return list(found.values())


def choose(
    wanted: str | None, there: Sequence[str], place: str, what: str, option: str
) -> str:
    """Return the wanted one of several, or the only one.

    Raises:
        ValueError: If the wanted one is not there, or none is wanted of several.
    """
    names = ', '.join(repr(name) for name in there) or 'none'
    if wanted is not None and wanted not in there:
        raise ValueError(f'{place}: there is no {what} {wanted!r}; there is {names}.')
    if wanted is None and len(there) != 1:
        raise ValueError(
            f'{place}: expected one {what}, but there is {names}; choose one by '
            f'{option}.'
        )
    return there[0] if wanted is None else wanted
