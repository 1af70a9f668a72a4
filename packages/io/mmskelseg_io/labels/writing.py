"""The files that labels and predictions are written to, registered by their writers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, TypeVar

from mmskelseg_io.files.names import file_names
from mmskelseg_io.labels.segments import Classes, VideoSegments
from mmskelseg_io.structures.annotations import Metainfo

Write = TypeVar('Write', bound=Callable[..., None])
# What a writer may take by name.
_GIVEN = (
    'videos', 'video', 'classes', 'prediction', 'budgets', 'names', 'tiers', 'codec',
    'line_minutes', 'show_progress', 'station',
)  # fmt: skip


@dataclass(frozen=True)
class Export:
    """A kind of file, and the function that writes it.

    Args:
        file: Its name, such as ``segments.csv``.
        title: What it is, in a few words.
        write: Takes the path and, by their names, what it needs of these: ``videos``,
            the segments of several recordings, or ``video``, those of one, which then
            has a file of its own; ``classes``, by tiers if there are several; of
            predictions alone ``prediction``, ``budgets``, ``names`` and ``tiers``, the
            time budgets by video and the flat classes, and the options of
            :func:`mmskelseg.apis.write_exports`. What has a default it can do without.
        by_default: Whether a prediction is written to it if no format is named.
        corrects: Whether a labelling tool opens it to correct the labels.
        is_of_one: Whether it does not say whose segments it has, so that individuals
            need files of their own.
        shows_people: Whether it shows all people of a video, whose predictions it takes
            together.
        keys: Keys of a prediction of which it needs one.
        package: Optional packages that it needs, with spaces between them.
        check: Raises a UserError if the station that it needs cannot be used with
            classes; called before videos are predicted.
    """

    file: str
    title: str
    write: Callable[..., None]
    by_default: bool = False
    corrects: bool = False
    is_of_one: bool = False
    shows_people: bool = False
    keys: Collection[str] = ()
    package: str = ''
    check: Callable[[Path, Sequence[str]], object] | None = None

    @property
    def is_there(self) -> bool:
        """Whether the packages that it needs are installed."""
        return all(map(find_spec, self.package.split()))

    @cached_property
    def takes(self) -> Mapping[str, Parameter]:
        """What it takes besides the path, by name."""
        return dict(list(signature(self.write).parameters.items())[1:])

    @cached_property
    def needs(self) -> frozenset[str]:
        """The names of what it needs besides the path."""
        takes = self.takes.items()
        return frozenset(k for k, one in takes if one.default is Parameter.empty)

    def __call__(self, path: Path, **given: object) -> None:
        """Write the file from what is given, of which it takes what it knows."""
        names = {*self.needs, *(self.takes.keys() & given.keys())}
        self.write(path, **{name: given[name] for name in names})


#: All of them, by the names of their formats.
EXPORTS: dict[str, Export] = {}


def register_export(
    name: str, file: str, title: str, **options: Any
) -> Callable[[Write], Write]:
    """Return a decorator that adds a writer to :data:`EXPORTS`; see :class:`Export`."""

    def add(write: Write) -> Write:
        EXPORTS[name] = export = Export(file, title, write, **options)
        if unknown := export.takes.keys() - {*_GIVEN}:
            raise TypeError(
                f'{name}: a writer takes the path, and of {", ".join(_GIVEN)} what it '
                f'needs, but not {min(unknown)}'
            )
        return write

    return add


def write_recordings(
    export: Export,
    videos: Sequence[VideoSegments],
    classes: Classes,
    folder: Path,
    what: str = '',
    meta: Metainfo | None = None,
) -> list[Path]:
    """Write the segments of recordings, and return the files.

    Args:
        export: A kind of file that needs no predictions.
        videos: The recordings.
        classes: The classes, by tiers if there are several.
        folder: Where the files are written.
        what: What they hold, in a word that becomes part of their names.
        meta: States the backgrounds, as a prediction does.
    """
    if 'video' not in export.needs:
        path = folder / '_'.join(filter(None, [what, export.file]))
        export(path, videos=videos, classes=classes)
        return [path]
    names = file_names([video.name for video in videos])
    end = f'_{what}' * bool(what) + Path(export.file).suffix
    paths = [folder / (names[video.name] + end) for video in videos]
    for path, video in zip(paths, videos, strict=True):
        export(path, video=video, classes=classes, prediction=meta)
    return paths
