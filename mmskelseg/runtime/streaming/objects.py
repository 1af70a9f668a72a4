"""Positions and movements of objects relative to a person, up to the current frame.

Renderers of whole videos use them, too, with roots and size of the whole video.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg.runtime.streaming.body import RunningBody
from mmskelseg.runtime.streaming.pairs import Relations, kept_headings, nearest_values
from mmskelseg.runtime.streaming.state import RunningFeatures, Stateful
from mmskelseg.runtime.structures.objects import BOX


@dataclass(frozen=True)
class Seen:
    """A person in the next frames, as objects are described relative to it.

    Shapes: root (n, dims); heading (n, 2), 0 where it is unknown; joints (n, J, dims)
    and shown (n, J), those to which distances are measured; present (n,), whether any
    joint of the person is seen; size (n,), that of the body.
    """

    root: np.ndarray
    heading: np.ndarray
    joints: np.ndarray
    shown: np.ndarray
    present: np.ndarray
    size: np.ndarray


class RunningKind(Stateful):
    """Values of the nearest objects of one kind, computed incrementally.

    Args:
        names: The names of the points of the kind.
        relations: How positions are turned, and how many objects are described.
        instances: Number of objects of the kind, I.
        dims: Number of coordinates of a point.
        joints: Number of joints to which distances are measured, J.
    """

    _arrays = ('measures', 'known')

    def __init__(
        self,
        names: Sequence[str],
        relations: Relations,
        instances: int,
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
        body: The person's body.
        num_joints: Number of joints of the skeleton, V.
        relations: The person's heading, and how many objects are described.
        joints: Indices of the joints to which distances are measured, ``ROOT`` for the
            root.
        kinds: The names of the points of each kind that is described.
        instances: The kind of each object whose points follow the joints, and how many
            points it has.
        scale: Whether to divide lengths by the size of the body.
    """

    _arrays = ('heading',)

    def __init__(
        self,
        body: RunningBody,
        num_joints: int,
        relations: Relations,
        joints: Sequence[int],
        kinds: Mapping[str, Sequence[str]],
        instances: Sequence[tuple[str, int]],
        *,
        scale: bool,
    ) -> None:
        self.body = body
        self.dims = body.dims
        self.num_joints = num_joints
        self.relations = relations
        self.joints = list(joints)
        self.instances = instances
        self.scale = scale
        found = [kind for kind, _ in instances]
        self.kinds = {
            kind: RunningKind(
                names, relations, found.count(kind), body.dims, len(joints)
            )
            for kind, names in kinds.items()
        }
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.body.reset()
        self._heading = np.zeros((1, 1, 2))
        for kind in self.kinds.values():
            kind.reset()

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C) of the next frames."""
        own, things = np.split(points, [self.num_joints], axis=1)
        shown, visible = np.split(seen, [self.num_joints], axis=1)
        root, _, size = self.body.push(own, shown)
        size = size if self.scale else np.ones(len(points))
        given, begin = [], 0
        for kind, count in self.instances:
            columns = slice(begin, begin + count)
            given.append((kind, things[:, columns], visible[:, columns]))
            begin += count
        return self.relate(own, shown, root, size, given)

    def relate(
        self,
        points: np.ndarray,
        seen: np.ndarray,
        root: np.ndarray,
        size: np.ndarray,
        objects: Sequence[tuple[str, np.ndarray, np.ndarray]],
    ) -> np.ndarray:
        """Return float32 values (n, C) of the objects in the next frames.

        Args:
            points: Joints of the person, shape (n, V, dims).
            seen: Whether they are visible, shape (n, V).
            root: Root of the person, shape (n, dims).
            size: Size of the person's body in each frame, shape (n,).
            objects: Kind, points (n, P, dims) and whether they are visible (n, P), of
                each object.
        """
        present = np.any(seen, axis=1)
        # The root is one more joint, seen in frames that show any joint.
        points = np.concatenate([points, root[:, None]], axis=1)
        seen = np.concatenate([seen, present[:, None]], axis=1)
        headings = self.relations.headings(points[None], seen[None])
        headings = kept_headings(self._heading, headings)
        self._heading = headings[:, -1:]
        person = Seen(
            root, headings[0, 1:], points[:, self.joints], seen[:, self.joints],
            present, size,
        )  # fmt: skip
        values = []
        for kind, running in self.kinds.items():
            own = [(xy, is_seen) for name, xy, is_seen in objects if name == kind]
            if not own:
                width = self.relations.nearest * running.width
                values.append(np.zeros((len(root), width), np.float32))
                continue
            stacked = map(np.stack, zip(*own, strict=True))
            values.append(running.push(person, *stacked))
        return np.concatenate(values, axis=1)

    @property
    def _parts(self) -> Mapping[str, Stateful]:
        kinds = {f'kind.{name}': kind for name, kind in self.kinds.items()}
        return {'body': self.body, **kinds}
