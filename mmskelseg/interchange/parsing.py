"""Reading and checking of files that other tools wrote: text, JSON, XML, tables, HDF5.

Every fault is a :class:`UserError` that names the file, the place, the value and the
remedy.
"""

import csv
import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mmskelseg.utils.errors import MissingFileError, UnavailableError, UserError

FilePath = str | os.PathLike
# Bytes of a packed file beyond which it is not what its name says.
_MOST_UNPACKED = 1 << 30
# Line number and cells of each row.
Rows = Sequence[tuple[int, list[str]]]
# Place in a file, and cells by column.
Row = tuple[str, dict[str, str]]
Shape = Any
_NAMES = {
    dict: 'an object', list: 'a list', str: 'a text', int: 'a number', float: 'a number'
}  # fmt: skip
# What h5py and NumPy raise where a file lacks something or has it otherwise.
_DAMAGED = (
    AttributeError, IndexError, KeyError, MemoryError, OSError, RuntimeError, TypeError,
    UnicodeDecodeError,
)  # fmt: skip


def read_text(path: FilePath) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark.

    A file whose name ends in ``.gz`` is unpacked.
    """
    try:
        if Path(path).suffix.lower() == '.gz':
            return _unpacked(path).decode('utf-8-sig')
        return Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise UserError(
            f'{path}: byte {error.start} is no text in UTF-8; save or export the file '
            'as that.'
        ) from None


def _unpacked(path: FilePath) -> bytes:
    try:
        with gzip.open(path) as file:
            content = file.read(_MOST_UNPACKED + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(
            f'{path}: not a complete gzip file ({error}); copy it again, or unpack it.'
        ) from None
    if len(content) > _MOST_UNPACKED:
        raise UserError(
            f'{path}: larger than {_MOST_UNPACKED >> 20} MiB when unpacked; unpack it '
            'yourself, if that is right.'
        )
    return content


def read_json(path: FilePath, tool: str) -> Any:
    """Return the content of a JSON file."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f'{path}: line {error.lineno}, column {error.colno} is no JSON '
            f'({error.msg}); export the file from {tool} again.'
        ) from None


def read_xml(path: FilePath, root: str, tool: str) -> Element:
    """Return the root of an XML file that a tool wrote, which must have a certain tag.

    A document type is refused, as is therefore whatever an entity could expand to or
    fetch.
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


def xml_attribute(element: Element, name: str, place: str) -> str:
    """Return an attribute of an XML element."""
    if name not in element.attrib:
        raise UserError(
            f'{place}: the element {element.tag} has no attribute {name}; export the '
            'file again.'
        )
    return element.attrib[name]


def read_rows(path: FilePath) -> Rows:
    """Return line number and cells of each row of a text table that is not empty.

    Cells are separated by tabs, semicolons or commas, whichever the file has most of.
    """
    text = read_text(path)
    separator = max('\t;,', key=text.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    return [(line, row) for line, row in rows if any(row)]


def check_widths(rows: Rows, path: FilePath) -> None:
    """Make sure that all rows have as many cells as the first, the header."""
    first, header = rows[0]
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f'{path}: line {line} has {len(row)} cells, but the header in line '
                f'{first} has {len(header)}; complete it, or quote a text that holds '
                'the separator.'
            )


def as_dicts(rows: Rows, path: FilePath) -> list[Row]:
    """Return the place and the cells by column of each row below a header."""
    check_widths(rows, path)
    header = rows[0][1]
    return [
        (f'{path}: line {line}', dict(zip(header, row, strict=True)))
        for line, row in rows[1:]
    ]


def number(value: Any, place: str, what: str) -> float:
    """Return a finite number, from a number or a text.

    >>> number('12.5', 'a.csv: line 3', 'start')
    12.5
    """
    try:
        result = float(value)
    except (TypeError, ValueError):
        result = float('nan')
    if isinstance(value, bool) or not isfinite(result):
        raise UserError(
            f'{place}: {what} is {value!r}, expected a number with a decimal point.'
        )
    return result


def video_name(media: str) -> str:
    r"""Return the name of a media file, without its folder and suffix.

    >>> video_name('C:\\clips\\take 1.mp4'), video_name('/data/?d=cam/subject.01.avi')
    ('take 1', 'subject.01')
    """
    name = re.split(r'[/\\]', media)[-1].partition('?')[0]
    return re.sub(r'\.(?=\w*[A-Za-z])\w{2,4}$', '', name)


def choose(
    wanted: str | None, there: Sequence[str], place: str, what: str, option: str
) -> str:
    """Return the wanted one of several, or the only one."""
    names = ', '.join(repr(name) for name in there) or 'none'
    if wanted is not None and wanted not in there:
        raise UserError(f'{place}: there is no {what} {wanted!r}; there is {names}.')
    if wanted is None and len(there) != 1:
        raise UserError(
            f'{place}: expected one {what}, but there is {names}; choose one by '
            f'{option}.'
        )
    return there[0] if wanted is None else wanted


def check_shape(
    value: Any, shape: Shape, place: str, remedy: str, at: str = ''
) -> None:
    """Make sure that a value of a JSON file has a shape.

    A shape is a type, or several in a tuple, of which ``float`` is any number; a list
    with one shape, that of all its items; or a dict with the shapes of the keys that
    matter. A key that ends in ``?`` may be missing or null, and the key ``...`` stands
    for all keys of an object. ``at`` is where in the place the value is.

    >>> check_shape({'a': [1, 2]}, {'a': [int], 'b?': str}, 'x.json', 'export again')
    >>> check_shape({'a': [1, '2']}, {'a': [int]}, 'x', 'export it')
    Traceback (most recent call last):
    mmskelseg.utils.errors.UserError: x: a[1] is '2', expected a number; export it.
    """
    kinds = type(shape) if isinstance(shape, dict | list) else shape
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    kinds += (int,) * (float in kinds)
    # A bool is an int in Python, but not in JSON.
    if not isinstance(value, kinds) or isinstance(value, bool):
        expected = ' or '.join(dict.fromkeys(_NAMES[kind] for kind in kinds))
        raise UserError(
            f'{place}: {at or "the file"} is {str(value)[:40]!r}, expected {expected}; '
            f'{remedy}.'
        )
    if isinstance(shape, list):
        for i, item in enumerate(value):
            check_shape(item, shape[0], place, remedy, f'{at}[{i}]')
    elif isinstance(shape, dict):
        for key, inner in shape.items():
            for name in value if key is ... else [key.removesuffix('?')]:
                if value.get(name) is not None:
                    below = f'{at}.{name}' if at else str(name)
                    check_shape(value[name], inner, place, remedy, below)
                elif key is ... or not key.endswith('?'):
                    raise UserError(
                        f'{place}: {at or "the file"} lacks {name}; {remedy}.'
                    )


def numbers(values: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Return nested lists as an array of floats; None becomes NaN.

    It must have the given shape, in which -1 is any length.
    """
    expected = ' x '.join('any' if size < 0 else str(size) for size in shape)
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise UserError(
            f'{where} is not all numbers, or ragged; expected {expected} numbers.'
        ) from None
    if array.ndim != len(shape) or any(
        size not in (-1, found) for size, found in zip(shape, array.shape, strict=True)
    ):
        found = ' x '.join(map(str, array.shape)) or 'one'
        raise UserError(f'{where} has {found} numbers, expected {expected}.')
    return array


def field(holder: Any, key: str, where: str) -> Any:
    """Return what a dict of the file holds under a key."""
    if not isinstance(holder, dict) or key not in holder:
        has = ', '.join(holder) if isinstance(holder, dict) else repr(holder)[:40]
        raise UserError(f'{where} lacks {key!r}; it has {has or "nothing"}.')
    return holder[key]


@contextmanager
def open_hdf5(path: FilePath) -> Iterator[Any]:
    """Open a file to read, as an ``h5py.File``; the block should do no more than that.

    What h5py raises in it becomes an error that names the file.
    """
    try:
        import h5py
    except ModuleNotFoundError:
        raise UnavailableError(
            f'{path}: h5py is not installed, which reads this file; run pip install '
            "'mmskelseg[trackers]', or export the poses as CSV."
        ) from None
    if not Path(path).is_file():
        raise MissingFileError(f'{path}: there is no such file.')
    try:
        file = h5py.File(path, 'r')
    except OSError as error:
        raise UserError(
            f'{path}: not a complete HDF5 file ({error}); export or copy it again.'
        ) from None
    try:
        with file:
            yield file
    except _DAMAGED as error:
        raise UserError(
            f'{path}: something in it is missing or damaged ({error}); export or copy '
            'it again.'
        ) from None


def texts(values: Any) -> list[str]:
    """Return byte strings of an HDF5 file as text.

    >>> texts([b'nose', 'tail'])
    ['nose', 'tail']
    """
    return [v.decode('utf-8') if isinstance(v, bytes) else str(v) for v in values]
