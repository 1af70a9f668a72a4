"""The usable parts of a label file, and a note on those that are skipped."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging import WARNING

from mmskelseg.runtime.files.parsing import FilePath
from mmskelseg.runtime.labels.segments import VideoSegments, sorted_videos
from mmskelseg.runtime.messages.errors import UserError
from mmskelseg.runtime.messages.logs import print_log

# The most reasons that a note lists, and the most names for each.
_REASONS, _NAMES = 6, 3


class NeedsOptionError(UserError):
    """An option is missing that is needed to read a part."""


class Fitting:
    """Collects the videos that a reader finds, and the reasons for skipping parts.

    Real projects contain parts that are unfinished or belong to somebody else. Parts
    that fit are read; a note lists the others.

    Args:
        path: The file.
        kind: Name of its parts in the plural, such as observations.
        strict: Whether a part that does not fit is an error.
        notes: List to which the note is appended; by default it is logged as a warning.
    """

    def __init__(
        self,
        path: FilePath,
        kind: str,
        strict: bool = False,
        notes: list[str] | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.strict = strict
        self.notes = notes
        # The part of each video, and the video.
        self._found: dict[str, tuple[str, VideoSegments]] = {}
        self._left_out: dict[str, list[str]] = {}
        self._first: UserError | None = None

    @contextmanager
    def part(self, name: str, place: str) -> Iterator[None]:
        """Skip a part if the block that reads it raises a :class:`UserError`.

        Args:
            name: Name of the part in the note.
            place: Beginning of the block's error messages, which the note omits.
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
            self.leave_out(name, reason.partition(';')[0].rstrip('.'))

    def add(
        self, name: str, place: str, videos: Iterable[VideoSegments], remedy: str
    ) -> None:
        """Add the videos of a part, or skip it if it has no labels.

        Raises:
            UserError: If another part has one of the videos already.
        """
        videos = list(videos)
        if not any(video.segments for video in videos):
            self.leave_out(name, 'without labels')
            return
        for video in videos:
            if video.name in self._found:
                raise UserError(
                    f'{place}: the video {video.name!r} is labelled twice, by '
                    f'{self._found[video.name][0]} as well; {remedy}.'
                )
        self._found.update({video.name: (name, video) for video in videos})

    def leave_out(self, name: str, reason: str) -> None:
        """Skip a part for a reason that is not an error even if strict."""
        self._left_out.setdefault(reason, []).append(name)

    @property
    def is_empty(self) -> bool:
        """Whether no part has been added, and none raised an error."""
        return not self._found and self._first is None

    def read(self) -> list[VideoSegments]:
        """Return the videos, and note which parts are skipped.

        Raises:
            UserError: If nothing fits.
        """
        self.tell(len({name for name, _ in self._found.values()}))
        return sorted_videos((video for _, video in self._found.values()), self.path)

    def tell(self, fit: int) -> None:
        """Note which parts are skipped, if others fit.

        Args:
            fit: Number of parts that fit.

        Raises:
            UserError: If none fits, because of an error.
        """
        count = sum(map(len, self._left_out.values()))
        if self._first is not None and not fit:
            text = str(self._first).removesuffix('.')
            more = f' (the first of {count} {self.kind}, none of which can be read)'
            raise UserError(f'{text}{more if count > 1 else ""}.')
        if fit and count:
            note = f'{self.path}: {count} of {fit + count} {self.kind} are left out: '
            self.note(note + self._reasons())

    def _reasons(self) -> str:
        told = []
        for reason, names in list(self._left_out.items())[:_REASONS]:
            more = len(names) - _NAMES
            listed = ', '.join(names[:_NAMES]) + (f' and {more} more' * (more > 0))
            told.append(f'{listed} ({reason})')
        more = len(self._left_out) - _REASONS
        return '; '.join(told) + f'; and for {more} other reasons' * (more > 0)

    def note(self, note: str) -> None:
        """Append a note, without a full stop, to the list, or log it as a sentence."""
        if self.notes is None:
            print_log(f'{note}.', WARNING)
        else:
            self.notes.append(note)
