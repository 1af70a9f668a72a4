"""Where a person is relative to places, up to the current frame.

Renderers of whole videos use it, too, with root and size of the whole video.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mmskelseg_io.structures.places import Place
from mmskelseg_runtime.streaming.person import RunningPerson, Seen
from mmskelseg_runtime.streaming.state import RunningFeatures

#: A place in n frames, and whether it is known in each, (n,).
PlaceInFrames = tuple[Place, np.ndarray]


class RunningPlaces(RunningFeatures):
    """Features of a causal ``PlaceCoordinates``, computed incrementally.

    Args:
        person: The person.
        places: The places, which stay where they are.
    """

    _arrays = ('distances', 'known', 'whose')

    def __init__(self, person: RunningPerson, places: Sequence[Place]) -> None:
        self.person = person
        self.dims = person.body.dims
        self.num_joints = person.num_joints
        self.places = places
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.person.reset()
        # Of the last frame, for each place and joint: the distance, whether it is
        # known, and to which of several places of a name it is.
        shape = (len(self.places), 1, len(self.person.joints))
        self._distances = np.zeros(shape)
        self._known = np.zeros(shape, bool)
        self._whose = np.full(shape[:2], -1)

    def push(self, points: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return float32 features (n, C) of the next frames."""
        always = np.ones(len(points), bool)
        places = [[(place, always)] for place in self.places]
        return self.relate(self.person.push(points, seen), places)

    def relate(
        self, person: Seen, places: Sequence[Sequence[PlaceInFrames]]
    ) -> np.ndarray:
        """Return float32 values (n, C) of places in the next frames.

        Args:
            person: The person in these frames.
            places: For each name, the places of which one at most is known in a frame.
        """
        relations = self.person.relations
        plane = [*relations.plane]
        xy, root = person.joints[..., plane], person.root[:, plane]
        found = [_measured(own, xy, root, person.present) for own in places]
        values = []
        for i, (whose, distance, inside, offset) in enumerate(found):
            known = person.shown & (whose >= 0)[:, None]
            change = self._change(i, distance, known, whose)
            lengths = np.concatenate([np.where(known, distance, 0), change], axis=1)
            lengths = lengths / person.size[:, None]
            parts = [(whose >= 0)[:, None], inside & known, lengths]
            if relations.ends:
                far = np.linalg.norm(offset, axis=1, keepdims=True)
                to_centre = offset / np.where(far, far, 1)
                looks = (person.heading * to_centre).sum(axis=1, keepdims=True)
                parts.append(looks)
            values.append(np.concatenate(parts, axis=1))
        return np.concatenate(values, axis=1).astype(np.float32)

    def _change(
        self, i: int, distance: np.ndarray, known: np.ndarray, whose: np.ndarray
    ) -> np.ndarray:
        """Return the changes since the previous frame, 0 unless both are known."""
        distance = np.concatenate([self._distances[i], distance])
        known = np.concatenate([self._known[i], known])
        whose = np.concatenate([self._whose[i], whose])
        self._distances[i], self._known[i] = distance[-1:], known[-1:]
        self._whose[i] = whose[-1:]
        both = known[1:] & known[:-1] & (whose[1:] == whose[:-1])[:, None]
        return np.diff(distance, axis=0) * both

    @property
    def _parts(self) -> Mapping[str, RunningPerson]:
        return {'person': self.person}


def _measured(
    places: Sequence[PlaceInFrames],
    xy: np.ndarray,
    root: np.ndarray,
    present: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return which place of a name is known, distances, insides, and to its centre.

    Shapes: xy (n, J, 2), root (n, 2), present (n,); the results are (n,), -1 without
    one, (n, J), (n, J) and (n, 2), 0 where nothing is known.
    """
    whose = np.full(len(xy), -1)
    distance, offset = np.zeros(xy.shape[:2]), np.zeros((len(xy), 2))
    inside = np.zeros(xy.shape[:2], bool)
    for k, (place, known) in enumerate(places):
        own = present & known
        whose[own] = k
        each = [place.distance(xy[:, j]) for j in range(xy.shape[1])]
        found = np.stack(each, axis=1)
        distance = np.where(own[:, None], found, distance)
        inside |= own[:, None] & (found >= 0) & place.has_area
        offset = np.where(own[:, None], place.centre - root, offset)
    return whose, distance, inside, offset
