"""What features of objects and of places around a person share."""

from dataclasses import asdict
from typing import Any

import numpy as np

from mmskelseg_io.structures.annotations import MIN_SCORE, VideoAnnotation
from mmskelseg_runtime.features.coordinates import (
    Coordinates,
    SkeletonCoordinates,
    check_one_person,
    read_joints,
    whole_body,
)
from mmskelseg_runtime.streaming.body import RunningBody
from mmskelseg_runtime.streaming.objects import RunningObjects
from mmskelseg_runtime.streaming.pairs import Relations
from mmskelseg_runtime.streaming.person import RunningPerson
from mmskelseg_runtime.streaming.places import RunningPlaces


class AroundCoordinates(Coordinates):
    """Base class of renderers of what is around one person.

    Args:
        own: Coordinates of the person, with the same skeleton and settings.
    """

    #: Indices of the joints that are compared with what is around.
    joints: list[int]
    #: The heading of the person, and how what is around is described.
    relations: Relations

    def __init__(self, own: SkeletonCoordinates) -> None:
        super().__init__(own.dims, own.person)
        self.own = own
        self.causal = own.causal

    @property
    def context(self) -> tuple[float, float] | None:
        """All previous frames if ``causal``; else all frames."""
        return self.own.context

    def coordinates(self, results: VideoAnnotation) -> np.ndarray:
        """Return an array of shape (T, C)."""
        self.check(results)
        points, score = read_joints(
            results,
            self._key(results),
            self.own.skeleton,
            self.dims,
            np.float64,
            score_dtype=None,
        )
        if self.causal:
            check_one_person(self, len(points), self.person)
        person = self._one_of(len(points), score, self.person)
        points, seen = points[person], score[person] >= MIN_SCORE
        running, around = self._around(results, len(points))
        if self.causal:
            found = running.person.push(points, seen)
        else:
            root, _, size = whole_body(points, seen, self.own.root)
            sizes = np.full(len(points), size)
            found = running.person.look(points, seen, root, sizes)
        return running.relate(found, around)

    def _around(
        self, results: VideoAnnotation, frames: int
    ) -> tuple[RunningObjects | RunningPlaces, list[Any]]:
        """Return what relates the person to what is around, and that."""
        raise NotImplementedError

    def _person(self) -> RunningPerson:
        """Return what follows the person."""
        own = self.own
        return RunningPerson(
            RunningBody(own.root, own.dims),
            own.skeleton.num_joints,
            self.relations,
            self.joints,
            scale=own.scale == 'body',
        )

    def source(self, results: VideoAnnotation) -> list[np.ndarray]:
        """Return the arrays that the coordinates are computed from."""
        self._key(results)
        return self.own.source(results)

    def settings(self) -> dict[str, object]:
        """Return everything that determines the coordinates, as plain values."""
        own = {k: getattr(self.own, k) for k in ('dims', 'scale', 'person', 'causal')}
        return {
            **own,
            **asdict(self.relations),
            'type': type(self).__name__,
            'joints': self.joints,
            'root': list(self.own.root),
            'joints_of': list(self.own.skeleton.joints),
        }
