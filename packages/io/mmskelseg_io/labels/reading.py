"""What all readers of labels share: their formats, and the parts that they skip."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from logging import WARNING
from typing import TypeVar

from mmskelseg_io.files.formats import Formats, options_of
from mmskelseg_io.files.inputs import check_fps
from mmskelseg_io.files.parsing import FilePath, read_json, read_rows
from mmskelseg_io.labels.segments import (
    ClassInfo,
    LabelledVideos,
    Segment,
    VideoSegments,
    sorted_videos,
)
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.messages.logs import print_log

#: The suffixes of tables.
TABLES = ('.csv', '.tsv', '.txt', '.xlsx')
#: The formats of label files. A hint is the content of a JSON file, or a table's row.
LABEL_FORMATS: Formats[list[VideoSegments]] = Formats(
    'labels',
    '--label-format',
    {
        '.json': lambda path: [read_json(path, 'the labelling tool')],
        **dict.fromkeys(TABLES, lambda path: [row for _, row in read_rows(path)]),
    },
    'start, end, label',
)
READERS = LABEL_FORMATS.readers
#: The formats of files that state classes, with or without labels.
ETHOGRAM_FORMATS: Formats[list[ClassInfo]] = Formats(
    'classes',
    '--label-format',
    {
        **LABEL_FORMATS.hints,
        # The names of columns alone tell.
        **dict.fromkeys(('.csv', '.tsv', '.txt'), lambda path: [read_rows(path)[0][1]]),
    },
)
label_format = LABEL_FORMATS.recognise
# The most reasons that a note lists, and the most names for each.
_REASONS, _NAMES = 6, 3
_Item = TypeVar('_Item')


def read_segments(
    path: FilePath,
    format: str | None = None,
    *,
    strict: bool = False,
    notes: list[str] | None = None,
    **options: object,
) -> LabelledVideos:
    """Return the segments of each video in a label file of any format.

    Parts of a project that do not fit are skipped, with a note. The list is a
    ``pandas.DataFrame`` by ``to_dataframe()``.

    Args:
        path: The label file.
        format: A key of ``READERS``; by default recognised by suffix and content.
        strict: Whether a part that does not fit is an error instead.
        notes: List to which notes are appended; by default they are logged as warnings.
        options: Options of the format's reader, such as ``fps`` or ``subject``. None is
            the default.

    Raises:
        ValueError: If the format is unknown or lacks the option, or if its reader
            raises one.
    """
    format = format or label_format(path)
    read = LABEL_FORMATS.reader(path, format)
    given = {name: value for name, value in options.items() if value is not None}
    there = reader_options(format)
    for name in given:
        if name not in there:
            raise UserError(
                f'{path}: the format {format} has no option {name!r}; its options are '
                f'{", ".join(there) or "none"}.'
            )
    if 'notes' in options_of(read):
        given |= {'strict': strict, 'notes': notes}
    return LabelledVideos(read(path, **given))


def read_ethogram(path: FilePath, *, notes: list[str] | None = None) -> list[ClassInfo]:
    """Return what a file states of classes, in its order.

    Args:
        path: The file.
        notes: List to which a note on keys and colors of a tool that cannot be used is
            appended; by default, it is logged as a warning.

    Raises:
        UserError: If it has no known format, or a value cannot be used.
    """
    format = ETHOGRAM_FORMATS.recognise(path)
    read = ETHOGRAM_FORMATS.reader(path, format)
    classes = read(path, **({'notes': notes} if 'notes' in options_of(read) else {}))
    found: dict[tuple[str, str], ClassInfo] = {}
    for one in classes:
        one.check(f'{path}: ')
        found.setdefault((one.tier, one.name), one)
    if not found:
        raise UserError(f'{path}: states no classes.')
    return [*found.values()]


def infos_of(path: FilePath, videos: Iterable[VideoSegments] = ()) -> list[ClassInfo]:
    """Return what a file, or the videos read from it, state of classes, if anything."""
    for video in videos:
        if video.ethogram and video.ethogram.classes:
            return [*video.ethogram.classes]
    with suppress(UserError):
        return read_ethogram(path, notes=[])
    return []


def reader_options(format: str) -> list[str]:
    """Return the names of the options that choose what to read from a file."""
    names = options_of(LABEL_FORMATS.readers[format])
    return [name for name in names if name not in ('strict', 'notes')]


#: The option ``subject`` that reads the labels of each individual, with its name.
EACH_SUBJECT = 'each'


def of_subject(
    items: Sequence[_Item],
    subject: str | None,
    place: str,
    individual: Callable[[_Item], str],
) -> list[_Item]:
    """Return the items of an individual, or all with ``EACH_SUBJECT``.

    ``individual`` returns whose an item is, '' if it does not say.

    Raises:
        UserError: If no item is of the subject, or items are of several without one.
    """
    there = sorted({individual(item) for item in items})
    is_alone = subject is None and len({*there} - {''}) < 2
    if not there or is_alone or subject == EACH_SUBJECT:
        return [*items]
    if there == ['']:
        raise UserError(
            f'{place}: its labels name no individual; leave --label-option '
            f'subject={subject} out.'
        )
    remedy = '--label-option subject=NAME, or all by --person each'
    wanted = choose(subject, there, place, 'subject', remedy)
    return [item for item in items if individual(item) == wanted]


def name_of_tier(tier: str, individual: str) -> str:
    """Return the name of an individual's tier, in tools that name nothing but tiers.

    >>> [name_of_tier(*its) for its in (('gaze', 'ann'), ('', 'ann'), ('gaze', ''))]
    ['gaze@ann', '@ann', 'gaze']
    """
    return f'{tier}@{individual}' if individual else tier


def tier_and_individual(name: str) -> tuple[str, str]:
    """Split the name of a tier: the inverse of :func:`name_of_tier`.

    >>> [tier_and_individual(name) for name in ('gaze@ann', '@ann', 'gaze')]
    [('gaze', 'ann'), ('', 'ann'), ('gaze', '')]
    """
    tier, at, individual = name.rpartition('@')
    return (tier, individual) if at else (name, '')


def names_of_tiers(
    wanted: str | Sequence[str] | None, names: Sequence[str], subject: str | None
) -> str | Sequence[str] | None:
    """Return the names of tiers that are wanted, of each individual that is read.

    >>> names_of_tiers('gaze', ['gaze@ann', 'gaze@bob', 'hands@bob'], 'each')
    ['gaze@ann', 'gaze@bob']
    """
    if wanted is None or subject is None:
        return wanted
    known = [wanted] if isinstance(wanted, str) else wanted
    own = [n for n in names if n in known or tier_and_individual(n)[0] in known]
    return own or wanted


def segments_of(
    segments: Sequence[Segment], subject: str | None, place: str
) -> list[Segment]:
    """Return the segments of an individual, without its name, or those of all."""
    own = of_subject(segments, subject, place, lambda one: one.individual)
    if subject in (None, EACH_SUBJECT):
        return own
    return [replace(one, individual='') for one in own]


def segments_of_tiers(
    segments: Sequence[Segment], subject: str | None, place: str, lone: str = ''
) -> list[Segment]:
    """Return those of a subject among segments whose tiers are called ``tier@NAME``.

    ``lone`` is the tier called ``@NAME``. If only some segments name an individual, and
    none is asked for, tiers keep their names.
    """
    own = []
    for one in segments:
        tier, individual = tier_and_individual(one.tier)
        tier = tier or (lone if individual else '')
        own.append(replace(one, tier=tier, individual=individual))
    own = segments_of(own, subject, place)
    if subject is not None:
        return own
    is_one = len({one.individual for one in own}) == 1
    return [replace(one, individual='') for one in own] if is_one else [*segments]


def needed_rate(fps: float | None, path: FilePath, tool: str) -> float:
    """Return the frame rate that was given for a file whose times are frame numbers.

    Raises:
        UserError: If none was given; ``tool`` is what does not write it.
    """
    if fps is None:
        raise UserError(
            f'{path}: its times are frame numbers, but {tool} does not write the frame '
            "rate; give the video's by --label-fps."
        )
    return check_fps(fps, str(path))


class NeedsOptionError(UserError):
    """An option that is needed to read a part is missing."""


@dataclass
class FoundVideos:
    """Collects the videos that a reader finds, and the reasons for skipping parts.

    Real projects contain parts that are unfinished or belong to somebody else. Parts
    that fit are read; a note lists the others.

    Args:
        path: The file.
        kind: Name of its parts in the plural, such as observations.
        remedy: What to do if two parts label the same video.
        strict: Whether a part that does not fit is an error.
        notes: See :func:`read_segments`.
    """

    path: FilePath
    kind: str
    remedy: str = ''
    strict: bool = False
    notes: list[str] | None = None
    # The part of each video, and the video.
    _found: dict[str, tuple[str, VideoSegments]] = field(default_factory=dict)
    _skipped: dict[str, list[str]] = field(default_factory=dict)
    _first: UserError | None = None

    @contextmanager
    def trying(self, name: str, place: str) -> Iterator[None]:
        """Skip a part if the block that reads it raises a :class:`UserError`.

        Its message begins with the place, which the note omits.
        """
        try:
            yield
        except UserError as error:
            if self.strict or isinstance(error, NeedsOptionError):
                raise
            self._first = self._first or error
            reason = str(error)
            for start in (place, str(self.path)):
                reason = reason.removeprefix(start).lstrip(':, ')
            # The text after the semicolon is the remedy.
            self.skip(name, reason.partition(';')[0].rstrip('.'))

    @contextmanager
    def part(self, name: str, place: str) -> Iterator[list[VideoSegments]]:
        """Yield a list for the videos of a part; skip it as :meth:`trying` does.

        A part without labels is skipped, too. A second part that labels the same video
        does not fit.
        """
        with self.trying(name, place):
            videos: list[VideoSegments] = []
            yield videos
            if not any(video.segments for video in videos):
                self.skip(name, 'without labels')
                return
            for video in videos:
                if video.name in self._found:
                    raise UserError(
                        f'{place}: the video {video.name!r} is labelled twice, by '
                        f'{self._found[video.name][0]} as well; {self.remedy}.'
                    )
            self._found |= {video.name: (name, video) for video in videos}

    def skip(self, name: str, reason: str) -> None:
        """Skip a part for a reason that is never an error, even if strict."""
        self._skipped.setdefault(reason, []).append(name)

    @property
    def is_empty(self) -> bool:
        """Whether no part has been added, and none raised an error."""
        return not self._found and self._first is None

    def read(self) -> list[VideoSegments]:
        """Return the videos, and note which parts are skipped, unless none fits."""
        self.tell(len({name for name, _ in self._found.values()}))
        return sorted_videos((video for _, video in self._found.values()), self.path)

    def tell(self, fit: int) -> None:
        """Note which parts are skipped, if any ``fit``, else raise the first error."""
        count = sum(map(len, self._skipped.values()))
        if self._first is not None and not fit:
            text = str(self._first).removesuffix('.')
            more = f' (the first of {count} {self.kind}, none of which can be read)'
            raise UserError(f'{text}{more if count > 1 else ""}.')
        if not (fit and count):
            return
        reasons = []
        for reason, names in list(self._skipped.items())[:_REASONS]:
            more = f' and {len(names) - _NAMES} more' if len(names) > _NAMES else ''
            reasons.append(f'{", ".join(names[:_NAMES])}{more} ({reason})')
        if len(self._skipped) > _REASONS:
            reasons.append(f'and for {len(self._skipped) - _REASONS} other reasons')
        left_out = f'{count} of {fit + count} {self.kind} are left out'
        add_note(f'{self.path}: {left_out}: {"; ".join(reasons)}', self.notes)


def add_note(note: str, notes: list[str] | None) -> None:
    """Append a note (without a full stop) to a list, or log it as a sentence."""
    if notes is None:
        print_log(f'{note}.', WARNING)
    else:
        notes.append(note)


def without_lone_tier(
    videos: Sequence[VideoSegments], stated: Sequence[str] = ()
) -> list[VideoSegments]:
    """Return videos; if none has segments of several tiers, tiers have no names.

    Tiers that the file has as well, though they may be empty, are ``stated``.
    """
    used = [{one.tier for one in video.segments} for video in videos]
    if len(stated) > 1 or any(len(tiers) > 1 for tiers in used):
        return list(videos)
    return [
        replace(video, segments=[replace(one, tier='') for one in video.segments])
        for video in videos
    ]


def choose_several(
    wanted: str | Sequence[str] | None,
    there: Sequence[str],
    place: FilePath,
    what: str,
    key: str,
) -> list[str]:
    """Return the wanted ones of several names, or all if none is wanted.

    ``what`` they are, in the singular, and the ``key`` of the option that chooses among
    them are for messages.
    """
    if wanted is None and there:
        return list(there)
    names = [wanted] if wanted is None or isinstance(wanted, str) else wanted
    remedy = f'--label-option {key}=NAME'
    return [choose(one, there, place, what, remedy) for one in dict.fromkeys(names)]


def choose(
    wanted: str | None, there: Sequence[str], place: FilePath, what: str, remedy: str
) -> str:
    """Return the wanted one of several names, or the only one if none is wanted.

    ``what`` they are, in the singular, and the ``remedy`` are for messages.
    """
    names = shown(tuple(there), 200)[1:-1].rstrip(',') or 'none'
    if wanted is not None and wanted not in there:
        raise UserError(
            f'{place}: there is no {what} {shown(wanted)}; there is {names}.'
        )
    if wanted is None and len(there) != 1:
        raise UserError(
            f'{place}: expected one {what}, but there is {names}; choose one by '
            f'{remedy}.'
        )
    return there[0] if wanted is None else wanted
