"""Formatting of tables as aligned text and as Markdown."""

from collections.abc import Iterable, Sequence

from mmskelseg_io.messages.errors import escaped

Rows = Sequence[Sequence[str]]


def text_table(rows: Rows, left: Iterable[int] = (0,)) -> list[str]:
    """Return the lines of a table; columns are right-aligned but for those in ``left``.

    >>> text_table([['', 'AP'], ['walk', '9.5']])
    ['       AP', 'walk  9.5']
    """
    return ['  '.join(cells).rstrip() for cells in _padded(rows, left)]


def markdown_table(rows: Rows, left: Iterable[int] = (0,)) -> list[str]:
    """Return the lines of a Markdown table, whose header is the first row.

    >>> markdown_table([['', 'AP'], ['walk', '9.5']])
    ['|      |  AP |', '|------|----:|', '| walk | 9.5 |']
    """
    head, *body = _padded(rows, left)
    at_left = {i % len(head) for i in left}
    rule = ['-' * len(cell) + '-:'[i not in at_left] for i, cell in enumerate(head)]
    lines = [f'| {" | ".join(cells)} |' for cells in (head, *body)]
    return [lines[0], f'|-{"|-".join(rule)}|', *lines[1:]]


def _padded(rows: Rows, left: Iterable[int]) -> list[list[str]]:
    """Return the cells of each row, padded to the width of their column."""
    # Names may come from untrusted files.
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    at_left = {i % len(widths) for i in left}
    return [
        [
            cell.ljust(width) if i in at_left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
