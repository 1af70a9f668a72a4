"""What fits of a file of labels, and one note on what does not."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging import WARNING

from mmskelseg.interchange.labels.segments import VideoSegments, sorted_videos
from mmskelseg.interchange.parsing import FilePath
from mmskelseg.utils.errors import UserError
from mmskelseg.utils.logs import print_log

# A note lists no more reasons than this, and no more names for each.
_REASONS, _NAMES = 6, 3


class NeedsOptionError(UserError):
    """An option is missing, so that parts do not fit which would with it."""


class Fitting:
    """Gathers the videos that a reader finds, and the reasons why it leaves out parts.

    Projects of people hold parts that were begun and not finished, or are of somebody
    else. Those that fit are read; a note tells the others, part by part.

    Args:
        path: The file.
        kind: What its parts are called, in the plural, such as observations.
        strict: Whether a part that does not fit is an error.
        notes: Where to put the note; by default it is a warning in the log.
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
        # The part that each video is from, and the video.
        self._found: dict[str, tuple[str, VideoSegments]] = {}
        self._left_out: dict[str, list[str]] = {}
        self._first: UserError | None = None

    @contextmanager
    def part(self, name: str, place: str) -> Iterator[None]:
        """Leave out a part if the block, which reads it, raises a :class:`UserError`.

        Args:
            name: What to call the part in the note.
            place: How errors of the block begin, which the note does not repeat.
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
            # What follows the semicolon is the remedy.
            self.leave_out(name, reason.partition(';')[0].rstrip('.'))

    def add(
        self, name: str, place: str, videos: Iterable[VideoSegments], remedy: str
    ) -> None:
        """Keep the videos of a part, if any has a label and no other part has them."""
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
        """Leave out a part for a reason that is no error even if strict."""
        self._left_out.setdefault(reason, []).append(name)

    def read(self) -> list[VideoSegments]:
        """Return the videos, and tell which parts are left out.

        Raises:
            UserError: If nothing fits.
        """
        self.tell(len({name for name, _ in self._found.values()}))
        return sorted_videos((video for _, video in self._found.values()), self.path)

    def tell(self, fit: int) -> None:
        """Tell which parts are left out, if some fit.

        Args:
            fit: How many do.

        Raises:
            UserError: If none does, because of an error.
        """
        count = sum(map(len, self._left_out.values()))
        if self._first is not None and not fit:
            text = str(self._first).removesuffix('.')
            more = f' (the first of {count} {self.kind}, none of which can be read)'
            raise UserError(f'{text}{more if count > 1 else ""}.')
        if fit and count:
            note = f'{self.path}: {count} of {fit + count} {self.kind} are left out: '
            self._tell(note + self._reasons())

    def _reasons(self) -> str:
        told = []
        for reason, names in list(self._left_out.items())[:_REASONS]:
            more = len(names) - _NAMES
            listed = ', '.join(names[:_NAMES]) + (f' and {more} more' * (more > 0))
            told.append(f'{listed} ({reason})')
        more = len(self._left_out) - _REASONS
        return '; '.join(told) + f'; and for {more} other reasons' * (more > 0)

    def _tell(self, note: str) -> None:
        if self.notes is None:
            print_log(f'{note}.', WARNING)
        else:
            self.notes.append(note)
