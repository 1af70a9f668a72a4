"""Positions and movements of objects relative to a person, up to the current frame.

Renderers of whole videos use them, too, with roots and size of the whole video.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_io.structures.objects import BOX
from mmskelseg_runtime.streaming.pairs import Relations, nearest_values
from mmskelseg_runtime.streaming.person import RunningPerson, Seen
from mmskelseg_runtime.streaming.state import RunningFeatures, Stateful


class RunningKind(Stateful):
    """Values of the nearest objects of one kind, computed incrementally.

    Args:
        names: The names of the points of the kind.
        instances: Number of objects of the kind, I.
        relations: How positions are turned, and how many objects are described.
        dims: Number of coordinates of a point.
        joints: Number of joints to which distances are measured, J.
    """

    _arrays = ('measures', 'known')

    def __init__(
        self,
        names: Sequence[str],
        instances: int,
        relations: Relations,
        dims: int,
        joints: int,
    ) -> None:
        self.is_box = tuple(names) == BOX
        self.marks = 1 if self.is_box else len(names)
        self.relations = relations
        self.instances = instances
        self.dims = dims
        self.joints = joints
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        # Of the last frame: offsets from the root, then distances; and what is known.
        width = self.dims + self.joints * self.marks
        self._measures = np.zeros((self.instances, 1, width))
        self._known = np.zeros((self.instances, 1, width), bool)

    @property
    def width(self) -> int:
        """Number of values of an object."""
        return 2 + self.dims * (self.marks + 1) + 2 * self.joints * self.marks

    def push(self, person: Seen, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 values (n, nearest * width) of the next frames.

        Shapes: points (I, n, P, dims); seen (I, n, P).
        """
        there = seen.any(axis=2) & person.present
        weights = seen[..., None]
        counts = np.maximum(weights.sum(axis=2), 1)
        centre = (points * weights).sum(axis=2) / counts
        squares = np.square(points - centre[:, :, None]) * weights
        size = np.sqrt((squares.sum(axis=2) / counts).sum(axis=-1, keepdims=True))
        # A box turns with the picture, so that its corners have no meaning.
        marks = centre[:, :, None] if self.is_box else points
        shown = (there[..., None] if self.is_box else seen) & there[..., None]

        places = self.relations.turned(marks - person.root[:, None], person.heading)
        places = np.where(shown[..., None], places, 0).swapaxes(2, 3)
        between = marks[:, :, None] - person.joints[:, :, None]
        both = person.shown[..., None] & shown[:, :, None]
        flat = (*there.shape, self.joints * self.marks)
        both = both.reshape(flat)
        apart = np.linalg.norm(between, axis=-1).reshape(flat)
        offset = centre - person.root
        known = np.broadcast_to(there[..., None], offset.shape)
        change = self._changes(
            np.concatenate([offset, apart], axis=2),
            np.concatenate([known, both], axis=2),
        )
        moved, approach = np.split(change, [self.dims], axis=2)
        lengths = [
            places.reshape(*there.shape, math.prod(places.shape[2:])),
            self.relations.turned(moved, person.heading),
            size,
            np.where(both, apart, 0),
            approach,
        ]
        lengths = [x / person.size[:, None] for x in lengths]
        values = np.concatenate([there[..., None], *lengths], axis=2)
        # The nearest is the one that is nearest to a joint, else to the root.
        close = np.where(both, apart, np.inf).min(axis=2, initial=np.inf)
        far = np.where(np.isfinite(close), close, np.linalg.norm(offset, axis=-1))
        values = np.where(there[..., None], values, 0)
        away = np.where(there, far, np.inf)
        return nearest_values(values, away, self.relations.nearest).astype(np.float32)

    def _changes(self, measures: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return changes since the previous frame, 0 unless they are known in both."""
        measures = np.concatenate([self._measures, measures], axis=1)
        known = np.concatenate([self._known, known], axis=1)
        self._measures, self._known = measures[:, -1:], known[:, -1:]
        return np.diff(measures, axis=1) * (known[:, 1:] & known[:, :-1])


class RunningObjects(RunningFeatures):
    """Features of a causal ``ObjectCoordinates``, computed incrementally.

    Args:
        person: The person.
        kinds: The names of the points of each kind that is described.
        instances: The kind of each object whose points follow the joints, and how many
            points it has.
    """

    def __init__(
        self,
        person: RunningPerson,
        kinds: Mapping[str, Sequence[str]],
        instances: Sequence[tuple[str, int]],
    ) -> None:
        self.person = person
        self.dims = person.body.dims
        self.num_joints = person.num_joints
        self.instances = instances
        given = person.relations, self.dims, len(person.joints)
        found = [kind for kind, _ in instances]
        self.kinds = {
            kind: RunningKind(names, found.count(kind), *given)
            for kind, names in kinds.items()
        }

    def reset(self) -> None:
        """Forget all frames."""
        self.person.reset()
        for kind in self.kinds.values():
            kind.reset()

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C) of the next frames."""
        own, things = np.split(points, [self.num_joints], axis=1)
        shown, visible = np.split(seen, [self.num_joints], axis=1)
        given, begin = [], 0
        for kind, count in self.instances:
            columns = slice(begin, begin + count)
            given.append((kind, things[:, columns], visible[:, columns]))
            begin += count
        return self.relate(self.person.push(own, shown), given)

    def relate(
        self, person: Seen, objects: Sequence[tuple[str, np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """Return float32 values (n, C) of the objects in the next frames.

        Args:
            person: The person in these frames.
            objects: Kind, points (n, P, dims) and whether they are visible (n, P), of
                each object.
        """
        values = []
        for kind, running in self.kinds.items():
            own = [(xy, is_seen) for name, xy, is_seen in objects if name == kind]
            if not own:
                width = running.relations.nearest * running.width
                values.append(np.zeros((len(person.root), width), np.float32))
                continue
            stacked = map(np.stack, zip(*own, strict=True))
            values.append(running.push(person, *stacked))
        return np.concatenate(values, axis=1)

    @property
    def _parts(self) -> Mapping[str, Stateful]:
        kinds = {f'kind.{name}': kind for name, kind in self.kinds.items()}
        return {'person': self.person, **kinds}
