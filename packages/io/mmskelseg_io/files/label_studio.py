"""Exports of Label Studio: tasks, their annotations, and the regions in these."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmskelseg_io.files.names import video_name
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.files.typed import read_typed, typed

#: What to do about a file that cannot be read.
REMEDY = 'export the project from Label Studio as JSON again'
_UPLOAD = re.compile(r'^[0-9a-f]{8}-')


@dataclass(frozen=True)
class Region:
    """A span or a shape; a relation has no value."""

    type: str = ''
    value: dict[str, Any] = field(default_factory=dict)
    from_name: str = ''
    id: Any = None
    score: Any = None
    original_width: Any = None
    original_height: Any = None


@dataclass(frozen=True)
class Annotation:
    """What somebody, or a model, says of a task."""

    result: list[Region]
    was_cancelled: bool = False
    ground_truth: bool = False


@dataclass(frozen=True)
class Task:
    """A video or an image."""

    data: dict[str, Any]
    id: Any = None
    annotations: list[Any] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The texts in its data, among them the address of its media."""
        return [text for text in self.data.values() if isinstance(text, str)]

    def made(self, part: str, place: str) -> list[Annotation]:
        """Return its annotations or predictions."""
        return typed(getattr(self, part), list[Annotation], place, REMEDY, part)


def read_tasks(path: FilePath) -> Iterator[tuple[str, Task]]:
    """Yield the tasks of an export, with their names."""
    tasks = read_typed(path, list[Task], 'Label Studio', REMEDY, unique=True)
    for i, task in enumerate(tasks):
        yield f'task {i if task.id is None else task.id}', task


def name_of_media(media: str) -> str:
    """Return the name of a media file, without the digits that an upload prepends.

    >>> name_of_media('/data/upload/1/0a1b2c3d-take_1.mp4')
    'take_1'
    """
    return _UPLOAD.sub('', video_name(media))
