"""Tables in workbooks of Excel (``.xlsx``), read by openpyxl, which is optional."""

import os
import zipfile
import zlib
from collections.abc import Sequence

from mmskelseg_io.files.inputs import check_claim, regular_file
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import reading

_Rows = list[tuple[int, list[str]]]
# The rows of the largest sheet of Excel.
_MOST_ROWS = 1 << 20
# The bytes of memory that a cell takes, and those of its text besides its letters.
_CELL, _TEXT = 8, 50
# What zipfile and openpyxl raise for damaged files, besides errors of content.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, SyntaxError,
    AssertionError,
)  # fmt: skip


def read_sheets(path: str | os.PathLike) -> list[_Rows]:
    """Return row number and cells, as texts, of the rows of each sheet that has some.

    Empty rows are left out, and empty cells to the right of a sheet.

    Raises:
        DependencyError: If openpyxl is not installed.
        UserError: If it is no complete workbook, or claims far more memory than its
            size.
    """
    file = regular_file(path)
    openpyxl = import_optional('openpyxl', f'{path}: a workbook')
    sheets, taken = [], 0
    # openpyxl names its own errors for what defusedxml refuses; all are of values.
    with reading(path, *_DAMAGED), file.open('rb') as content:
        with zipfile.ZipFile(content) as archive:
            check_claim(sum(part.file_size for part in archive.infolist()), path)
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        for sheet in book.worksheets:
            # What a file states about a sheet's size may be wrong.
            sheet.reset_dimensions()
            texts: _Rows = []
            rows = sheet.iter_rows(max_row=_MOST_ROWS, values_only=True)
            for i, row in enumerate(rows, 1):
                # openpyxl fills a row up to its last cell, however far to the right.
                taken += _CELL * len(row)
                check_claim(taken, path)
                if cells := _texts(row):
                    taken += sum(_TEXT + len(cell) for cell in cells if cell)
                    check_claim(taken, path)
                    texts.append((i, cells))
            sheets.append(without_empty(texts))
    return [rows for rows in sheets if rows]


def _texts(row: Sequence[object]) -> list[str]:
    """Return the cells of a row, without empty ones to the right."""
    texts = ['' if cell is None else str(cell).strip() for cell in row]
    return texts[: _width(texts)]


def without_empty(rows: _Rows) -> _Rows:
    """Return rows without those that are empty, and empty cells to their right."""
    rows = [(line, row) for line, row in rows if any(row)]
    width = max((_width(row) for _, row in rows), default=0)
    return [(line, row[:width]) for line, row in rows]


def _width(row: Sequence[str]) -> int:
    """Return the number of cells up to the last that is not empty."""
    width = len(row)
    while width and not row[width - 1]:
        width -= 1
    return width
