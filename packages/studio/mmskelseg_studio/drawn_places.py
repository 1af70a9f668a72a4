"""The places that are drawn in a folder, which a file of GeoJSON there has."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmskelseg_io.files.atomic import atomic_write
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.places import Places, read_places
from mmskelseg_io.places.geojson import write_geojson
from mmskelseg_io.places.reading import make_place, places_by_video, places_for
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.places import Shape, zones
from mmskelseg_studio.project import OutdatedError

#: The file, in the folder of the recordings.
FILE = 'places.geojson'


@dataclass(frozen=True)
class SentPlace:
    """What the page sends of a place; of one in all recordings, the video is ''."""

    name: str
    shape: Shape
    points: list[list[Any]]
    video: str
    radius: float = 0.0
    space: str = 'image'


def drawn(folder: Path) -> Places:
    """Return the places of recordings by name, those of '' for all others.

    Raises:
        UserError: If the file cannot be read.
    """
    path = folder / FILE
    return read_places(path) if path.is_file() else {}


class DrawnPlaces:
    """The places in a folder as the page sees and changes them.

    What was drawn can be undone, unless something else has changed the file since.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._steps = [self._content()]
        self._now = 0

    def _content(self) -> bytes:
        path = self.folder / FILE
        return path.read_bytes() if path.is_file() else b''

    def state(self) -> dict[str, Any]:
        """Return the places, what tells them from others, and what can be undone.

        Raises:
            UserError: If the file cannot be read.
        """
        content = self._content()
        is_own = content == self._steps[self._now]
        return {
            'places': [
                {**one.record(), 'points': one.points.tolist(), 'video': video}
                for video, own in drawn(self.folder).items()
                for one in own
            ],
            'seen': hashlib.sha256(content).hexdigest(),
            'can_undo': is_own and self._now > 0,
            'can_redo': is_own and self._now < len(self._steps) - 1,
        }

    def draw(self, places: list[SentPlace], seen: str) -> dict[str, Any]:
        """Save the places that a page sends, in place of all others.

        Raises:
            OutdatedError: If the file is not as the page has seen it.
            UserError: If one is none, two of a recording have one name, or the file
                cannot be read.
        """
        self._check(seen)
        given = []
        for one in places:
            more = one.points, one.radius, one.space
            place = make_place('the request', one.name, one.shape, *more)
            given.append((one.video, place))
        found, before = places_by_video(FILE, given), self._content()
        del self._steps[self._now + 1 :]
        if before != self._steps[-1]:
            self._steps.append(before)
        if found:
            write_geojson(self.folder / FILE, found)
        else:
            (self.folder / FILE).unlink(missing_ok=True)
        self._steps.append(self._content())
        self._now = len(self._steps) - 1
        return self.state()

    def undo(self, seen: str) -> dict[str, Any]:
        """Undo what was drawn last; see :meth:`draw`."""
        return self._travel(seen, forwards=False)

    def redo(self, seen: str) -> dict[str, Any]:
        """Redo what was undone last; see :meth:`draw`."""
        return self._travel(seen, forwards=True)

    def _travel(self, seen: str, *, forwards: bool) -> dict[str, Any]:
        state = self._check(seen)
        if not state['can_redo' if forwards else 'can_undo']:
            raise UserError('There is nothing to undo or to redo in the places.')
        self._now += 1 if forwards else -1
        if content := self._steps[self._now]:
            with atomic_write(self.folder / FILE) as file:
                file.write(content)
        else:
            (self.folder / FILE).unlink(missing_ok=True)
        return self.state()

    def _check(self, seen: str) -> dict[str, Any]:
        state = self.state()
        if state['seen'] != seen:
            raise OutdatedError('The places have changed in another window or program.')
        return state


def add_places(folder: Path, videos: Sequence[VideoAnnotation]) -> None:
    """Add the places that are drawn to annotations.

    If recordings have places of different names, no model could see them, so that none
    gets any.
    """
    if not (found := drawn(folder)):
        return
    path = folder / FILE
    if '' not in found and any(video['frame_dir'] not in found for video in videos):
        return
    each = [places_for(found, video['frame_dir'], path) for video in videos]
    if len({frozenset(one.name for one in zones(own)) for own in each}) == 1:
        for video, own in zip(videos, each, strict=True):
            video['places'] = [one.record() for one in own]
