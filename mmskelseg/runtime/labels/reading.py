"""Recognising and reading label files of all formats."""

from collections.abc import Callable
from inspect import signature
from pathlib import Path

from mmskelseg.runtime.files.parsing import FilePath, read_json, read_rows
from mmskelseg.runtime.labels.boris import read_boris, read_boris_events
from mmskelseg.runtime.labels.cvat import read_cvat
from mmskelseg.runtime.labels.elan import read_elan
from mmskelseg.runtime.labels.label_studio import read_label_studio
from mmskelseg.runtime.labels.segments import VideoSegments
from mmskelseg.runtime.labels.text import read_csv_segments
from mmskelseg.runtime.labels.via import read_via
from mmskelseg.runtime.messages.errors import UserError, reads_file

READERS: dict[str, Callable[..., list[VideoSegments]]] = {
    'boris': read_boris,
    'boris_events': read_boris_events,
    'elan': read_elan,
    'label_studio': read_label_studio,
    'via': read_via,
    'cvat': read_cvat,
    'csv': read_csv_segments,
}


def read_segments(
    path: FilePath,
    format: str | None = None,
    *,
    strict: bool = False,
    notes: list[str] | None = None,
    **options: object,
) -> list[VideoSegments]:
    """Return the segments of each video in a label file of any format.

    Parts of a project that do not fit are skipped, with a note.

    Args:
        path: The label file.
        format: A key of ``READERS``; by default the result of :func:`label_format`.
        strict: Whether a part that does not fit is an error instead.
        notes: List to which notes are appended; by default they are logged as warnings.
        options: Options of the format's reader, such as ``fps`` or ``subject``. None is
            the default.

    Raises:
        ValueError: If the format is unknown or lacks the option, or if its reader
            raises one.
    """
    format = format or label_format(path)
    if format not in READERS:
        raise UserError(
            f'{path}: {format!r} is not a label format; expected {", ".join(READERS)}.'
        )
    given: dict[str, object] = {
        name: value for name, value in options.items() if value is not None
    }
    there = options_of(format)
    for name in given:
        if name not in there:
            raise UserError(
                f'{path}: the format {format} has no option {name!r}; its options are '
                f'{", ".join(there) or "none"}.'
            )
    read = READERS[format]
    common = {'strict': strict, 'notes': notes}
    given |= {k: common[k] for k in signature(read).parameters if k in common}
    return read(path, **given)


def options_of(format: str) -> list[str]:
    """Return the names of the options that choose what to read from a file."""
    names = list(signature(READERS[format]).parameters)[1:]
    return [name for name in names if name not in ('strict', 'notes')]


@reads_file
def label_format(path: FilePath) -> str:
    """Return the format of a label file, from its suffix or else its content."""
    suffix = label_suffix(path)
    if suffix not in _FORMATS:
        raise UserError(
            f'{path}: the suffix {suffix!r} is not that of a label format; expected '
            f'{", ".join(_FORMATS)}.'
        )
    format = _FORMATS[suffix]
    return format if isinstance(format, str) else format(path)


def label_suffix(path: FilePath) -> str:
    """Return the suffix of a label file, including that before ``.gz``.

    >>> label_suffix('a.v2.EAF'), label_suffix('old.boris.gz')
    ('.eaf', '.boris.gz')
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return ''.join(suffixes[-2:] if suffixes[-1:] == ['.gz'] else suffixes[-1:])


def _json_format(path: FilePath) -> str:
    content = read_json(path, 'the labelling tool')
    if isinstance(content, list):
        return 'label_studio'
    is_boris = isinstance(content, dict) and 'behaviors_conf' in content
    return 'boris' if is_boris else 'via'


def _table_format(path: FilePath) -> str:
    is_boris = any('Behavior' in row for _, row in read_rows(path))
    return 'boris_events' if is_boris else 'csv'


# The format of each suffix, or a function that returns it from the content.
_FORMATS: dict[str, str | Callable[[FilePath], str]] = {
    '.boris': 'boris',
    '.boris.gz': 'boris',
    '.csv': _table_format,
    '.tsv': _table_format,
    '.txt': _table_format,
    '.eaf': 'elan',
    '.json': _json_format,
    '.xml': 'cvat',
}
SUFFIXES = tuple(_FORMATS)
