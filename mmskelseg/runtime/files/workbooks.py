"""Tables in workbooks of Excel (``.xlsx``), read by openpyxl, which is optional."""

import os
import zipfile
import zlib
from collections.abc import Sequence

from mmskelseg.runtime.files.inputs import check_claim, regular_file
from mmskelseg.runtime.messages.dependencies import import_optional
from mmskelseg.runtime.messages.errors import UserError, reading, shown

_Rows = list[tuple[int, list[str]]]
# The rows of the largest sheet of Excel.
_MOST_ROWS = 1 << 20
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
    try:
        with zipfile.ZipFile(file) as archive:
            check_claim(sum(part.file_size for part in archive.infolist()), path)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(
            f'{path}: not a complete workbook ({shown(error)}); export or copy it '
            'again.'
        ) from None
    sheets = []
    # openpyxl names its own errors for what defusedxml refuses; all are of values.
    with reading(path, *_DAMAGED), file.open('rb') as content:
        book = openpyxl.load_workbook(content, read_only=True, data_only=True)
        for sheet in book.worksheets:
            # What a file states about a sheet's size may be wrong.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(max_row=_MOST_ROWS, values_only=True)
            texts = [
                (i, [_text(cell) for cell in row]) for i, row in enumerate(rows, 1)
            ]
            sheets.append(without_empty(texts))
    return [rows for rows in sheets if rows]


def _text(cell: object) -> str:
    return '' if cell is None else str(cell).strip()


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
