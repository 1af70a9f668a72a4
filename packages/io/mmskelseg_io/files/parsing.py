"""Reading and checking files of other tools: text, JSON, XML, tables.

Every fault raises a :class:`UserError` that names the file, the place in it, the value
and the remedy.
"""

import csv
import gzip
import io
import json
import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from mmskelseg_io.files.inputs import most_bytes_of, regular_file
from mmskelseg_io.files.workbooks import read_sheets, without_empty
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import (
    MissingFileError,
    UserError,
    misfit,
    reading,
    shown,
)

Value = TypeVar('Value')
FilePath = str | os.PathLike
# Line number and cells of each row.
Rows = Sequence[tuple[int, list[str]]]
# The place of a row in its file, for messages, and its cells by column.
Row = tuple[str, dict[str, str]]
# The most bytes of a text; parsing it takes several times as much memory.
_LONGEST_TEXT = 1 << 30
_MOST_DIGITS = 18
# The most columns that a message names.
_NAMED = 10
_NUMBER = re.compile(r'\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*', re.ASCII)
_COMMA_NUMBER = re.compile(r'[+-]?\d*[,.]?\d+([eE][+-]?\d+)?', re.ASCII)
# Characters that occur in binary files and UTF-16, but not in text.
_CONTROL = re.compile(r'[\x00-\x08\x0e-\x1f]')


def read_text(path: FilePath) -> str:
    """Return the text of a file in UTF-8, or in UTF-16 with a byte order mark.

    A file whose name ends in ``.gz`` is decompressed.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If the file has another encoding, contains control characters, or is
            larger than 1 GiB.
    """
    file = text_file(path)
    packed = file.suffix.lower() == '.gz'
    return decoded(_unpacked(file) if packed else file.read_bytes(), str(path))


def text_file(path: FilePath) -> Path:
    """Return the path of a file, after checking that it is not too long for a text."""
    file = regular_file(path)
    if file.stat().st_size > _LONGEST_TEXT:
        raise UserError(
            f'{path}: has {file.stat().st_size} bytes, but texts may have up to '
            f'{_LONGEST_TEXT}; split it.'
        )
    return file


def decoded(content: bytes, place: str) -> str:
    """Return the text of a file, or of a part of it, named by ``place``.

    Raises:
        UserError: If it is neither UTF-8 nor UTF-16 with a byte order mark, or has
            control characters.
    """
    remedy = 'save or export the file in UTF-8'
    is_wide = content[:2] in (b'\xff\xfe', b'\xfe\xff')
    encoding, name = ('utf-16', 'UTF-16') if is_wide else ('utf-8-sig', 'UTF-8')
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f'{place}: byte {error.start} is not valid {name}; {remedy}.'
        ) from None
    if found := _CONTROL.search(text):
        line = text.count('\n', 0, found.start()) + 1
        raise UserError(
            f'{place}: line {line} holds the control character {found[0]!r}, so it is '
            f'not UTF-8 text; {remedy}.'
        )
    # The same conversion of line ends as in Python's text files.
    return text.replace('\r\n', '\n').replace('\r', '\n')


def read_lines(path: FilePath) -> list[str]:
    """Return the stripped lines of a text that are not empty."""
    return [line.strip() for line in read_text(path).split('\n') if line.strip()]


def read_names(given: Sequence[str]) -> list[str]:
    """Return the given names, or the lines of the text file that is given alone."""
    if len(given) == 1 and Path(given[0]).is_file():
        return read_lines(given[0])
    return list(given)


def _unpacked(path: Path) -> bytes:
    most = most_bytes_of(path.stat().st_size)
    with reading(path, gzip.BadGzipFile, EOFError, zlib.error), gzip.open(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise UserError(
            f'{path}: larger than {most >> 20} MiB when unpacked; unpack it yourself, '
            'if that is right.'
        )
    return content


def read_json(path: FilePath, tool: str, *, unique: bool = False) -> Any:
    """Return the content of a JSON file.

    Integers may have up to 18 digits, more than any frame number or id needs. The
    caller has to check the content, as :func:`~mmskelseg_io.files.typed.typed` does.
    ``tool`` is what writes such files, for messages. With ``unique``, an object that
    names a key twice is refused, instead of taking the last one; large files take
    longer.
    """
    return parse_json(read_text(path), str(path), tool, unique=unique)


def parse_json(text: str, source: str, tool: str, *, unique: bool = False) -> Any:
    """Return the content of a JSON text of the file ``source``; see read_json."""

    def whole_number(digits: str) -> int:
        if len(digits) > _MOST_DIGITS:
            what, expected = (
                f'a number of {len(digits)} digits',
                f'up to {_MOST_DIGITS}',
            )
            raise misfit(source, what, digits, expected, f'export it from {tool} again')
        return int(digits)

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return by_name(pairs, source, 'keys of an object')

    hook = without_repeats if unique else None
    try:
        return json.loads(text, parse_int=whole_number, object_pairs_hook=hook)
    except json.JSONDecodeError as error:
        raise UserError(
            f'{source}: line {error.lineno}, column {error.colno} is not valid JSON '
            f'({error.msg}); export the file from {tool} again.'
        ) from None
    except RecursionError:
        raise UserError(
            f'{source}: its lists or objects are nested too deeply for a file of '
            f'{tool}; export it again.'
        ) from None


def by_name(
    pairs: Iterable[tuple[str, Value]], place: str, what: str
) -> dict[str, Value]:
    """Return pairs of names and values as a dict, after checking that names differ.

    ``what`` they are, in the plural, is for messages.
    """
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found:
            raise UserError(
                f'{place}: two {what} are called {shown(name)}; rename or delete one.'
            )
        found[name] = value
    return found


def read_xml(path: FilePath, root: str, tool: str) -> Element:
    """Return the root of an XML file of a tool, which must have the tag ``root``.

    Document types are rejected, and with them entities that could expand to huge texts
    or fetch other files.
    """
    try:
        element = fromstring(regular_file(path).read_bytes(), forbid_dtd=True)
    except DefusedXmlException:
        raise UserError(
            f'{path}: declares a document type, which no file of {tool} has and which '
            'could hide entities; delete it.'
        ) from None
    except ParseError as error:
        line, column = error.position
        raise UserError(
            f'{path}: line {line}, column {column + 1} is not valid XML '
            f'({expat.ErrorString(error.code)}); export the file from {tool} again.'
        ) from None
    except (LookupError, ValueError) as error:
        raise UserError(
            f'{path}: its encoding cannot be read ({shown(error)}); save it in UTF-8.'
        ) from None
    if element.tag != root:
        remedy = f'this is not a file of {tool}'
        raise misfit(path, 'the outermost element', element.tag, f'{root!r}', remedy)
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
    """Return line number and cells of each row of a table: a text, or a workbook.

    Empty rows are left out, and empty cells to the right of the table. Of a workbook
    (``.xlsx``), the first sheet that is not empty is read.
    Cells are separated by tabs, semicolons or commas, whichever is most frequent, in
    the first row if it has no comma, else in all. If semicolons separate them, numbers
    may have decimal commas, as spreadsheets write them in many countries.
    """
    if Path(path).suffix.lower() == '.xlsx':
        return next(iter(read_sheets(path)), [])
    text = read_text(path)
    first = text.lstrip().partition('\n')[0]
    counted = text if ',' in first or not re.search('[\t;]', first) else first
    separator = max('\t;,', key=counted.count)
    # Strict, since an unclosed quote would swallow all rows below it.
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    begin, rows = 1, []
    try:
        for row in reader:
            rows.append((reader.line_num, [cell.strip() for cell in row]))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f'{path}: line {begin} is not a valid row ({error}); close its quotes, '
            'write a quote in a text twice, or shorten the cell.'
        ) from None
    rows = without_empty(rows)
    if separator == ';':
        _replace_decimal_commas(rows)
    return rows


def _replace_decimal_commas(rows: Rows) -> None:
    """Replace decimal commas in the columns that have only numbers below the header."""
    width = max((len(row) for _, row in rows), default=0)
    for column in range(width):
        cells = [row for _, row in rows[1:] if column < len(row) and row[column]]
        if all(_COMMA_NUMBER.fullmatch(row[column]) for row in cells):
            for row in cells:
                row[column] = row[column].replace(',', '.')


def check_widths(rows: Rows, path: FilePath) -> None:
    """Raise a UserError unless all rows have as many cells as the first, the header."""
    first, header = rows[0]
    for line, row in rows:
        if len(row) != len(header):
            raise UserError(
                f'{path}: line {line} has {len(row)} cells, but line {first} has '
                f'{len(header)}; complete it, or quote a text that has the separator.'
            )


def headed_rows(
    path: FilePath, is_own: Callable[[list[str]], bool], expected: str
) -> Rows:
    """Return the rows of a table, which begin with a header of different names.

    All have as many cells. ``expected`` is what the header of such a table has.
    """
    rows = read_rows(path)
    header = rows[0][1] if rows else []
    if not is_own(header) or len({*header}) < len(header):
        more = ', ...' if len(header) > _NAMED else ''
        named = f'{", ".join(header[:_NAMED]) or "none"}{more}'
        raise UserError(f'{path}: expected different columns, {expected}, not {named}.')
    check_widths(rows, path)
    return rows


def as_dicts(rows: Rows, path: FilePath) -> list[Row]:
    """Return the place of each row below a header, and its cells by column."""
    check_widths(rows, path)
    line, header = rows[0]
    by_name(
        ((name, name) for name in header if name), f'{path}: line {line}', 'columns'
    )
    return [
        (f'{path}: line {line}', dict(zip(header, row, strict=True)))
        for line, row in rows[1:]
    ]


def read_dicts(path: FilePath, *needed: str) -> list[Row]:
    """Return the place of each row of a table, and its cells by column.

    The header may name columns in upper case; here they are in lower case.

    Raises:
        UserError: If a needed column is missing.
    """
    rows = read_rows(path)
    line, names = rows[0] if rows else (1, [])
    header = [name.lower() for name in names]
    missing = [column for column in needed if column not in header]
    if missing:
        # Tables of poses repeat the name of their model for each joint.
        counts = Counter(names).items()
        columns = [k + f' ({count} times)' * (count > 1) for k, count in counts]
        there = listed(columns, 8)
        raise UserError(
            f'{path}: the columns are {there}, without {", ".join(missing)}; '
            f'begin with a header that has {", ".join(needed)}.'
        )
    return as_dicts([(line, header), *rows[1:]], path)


def number(
    value: object,
    place: str,
    what: str,
    expected: str = 'a number with a decimal point',
) -> float:
    """Return a finite number from a number or a text; messages say what is expected.

    >>> number('12.5', 'a.csv: line 3', 'start')
    12.5
    """
    result = math.nan
    if isinstance(value, str):
        # Excludes texts such as 1_000, and digits of other scripts, which Python takes.
        if _NUMBER.fullmatch(value):
            result = float(value)
    else:
        given: Any = value
        with suppress(TypeError, ValueError, OverflowError):
            result = float(given)
    if isinstance(value, bool) or not math.isfinite(result):
        raise UserError(f'{place}: {what} is {shown(value)}, expected {expected}.')
    return result


def whole(value: object, place: str, what: str) -> int:
    """Return a whole number from a number or a text.

    >>> whole('12', 'a.xml: track 1', 'frame')
    12
    """
    expected = 'a whole number'
    result = number(value, place, what, expected)
    # Larger ones are no longer exact, and fit into no array.
    if result != int(result) or abs(result) >= 1 << 53:
        raise UserError(f'{place}: {what} is {shown(value)}, expected {expected}.')
    return int(result)


def numbers(values: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Return nested lists as an array of floats, with NaN for None.

    They must have a shape in which -1 is any length; ``where`` is for messages.
    """
    expected = ' x '.join('any' if size < 0 else str(size) for size in shape)
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise UserError(
            f'{where} is not all numbers, or ragged; expected {expected} numbers.'
        ) from None
    if array.ndim != len(shape) or any(
        size not in (-1, found) for size, found in zip(shape, array.shape, strict=True)
    ):
        found = ' x '.join(map(str, array.shape)) or 'one'
        raise UserError(f'{where} has {found} numbers, expected {expected}.')
    return array


def field(holder: object, key: str, where: str) -> Any:
    """Return the value of a key in a dict from a file."""
    if not isinstance(holder, dict) or key not in holder:
        names = isinstance(holder, dict) and ', '.join(map(str, holder))[:200]
        has = 'nothing' if holder == {} else names or shown(holder)
        raise UserError(f'{where} lacks {key!r}; it has {has}.')
    return holder[key]


def release_lines(path: Path) -> list[str]:
    """Return the stripped lines of a text, without empty lines at the end."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise MissingFileError(f'{path}: missing; copy the release again.') from None
    return [line.strip() for line in text.rstrip().split('\n')]
