"""A person, as objects and places around it are described, up to the current frame.

Renderers of whole videos use it, too, with root and size of the whole video.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmskelseg_runtime.streaming.body import RunningBody
from mmskelseg_runtime.streaming.pairs import Relations, kept_headings
from mmskelseg_runtime.streaming.state import Stateful


@dataclass(frozen=True)
class Seen:
    """A person in the next frames.

    Shapes: root (n, dims); heading (n, 2), 0 where it is unknown; joints (n, J, dims)
    and shown (n, J), those that are compared with what is around; present (n,), whether
    any joint of the person is seen; size (n,), that of the body, 1 without a scale.
    """

    root: np.ndarray
    heading: np.ndarray
    joints: np.ndarray
    shown: np.ndarray
    present: np.ndarray
    size: np.ndarray


class RunningPerson(Stateful):
    """A person around whom something is, followed incrementally.

    Args:
        body: The person's body.
        num_joints: Number of joints of the skeleton, V.
        relations: The person's heading, and how what is around is described.
        joints: Indices of the joints that are compared with it, ``ROOT`` for the root.
        scale: Whether lengths are divided by the size of the body.
    """

    _arrays = ('heading',)

    def __init__(
        self,
        body: RunningBody,
        num_joints: int,
        relations: Relations,
        joints: Sequence[int],
        *,
        scale: bool,
    ) -> None:
        self.body = body
        self.num_joints = num_joints
        self.relations = relations
        self.joints = list(joints)
        self.scale = scale
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.body.reset()
        self._heading = np.zeros((1, 1, 2))

    def push(self, points: np.ndarray, seen: np.ndarray) -> Seen:
        """Return the person in the next frames; shapes are those of :meth:`look`."""
        root, _, size = self.body.push(points, seen)
        return self.look(points, seen, root, size)

    def look(
        self, points: np.ndarray, seen: np.ndarray, root: np.ndarray, size: np.ndarray
    ) -> Seen:
        """Return the person in the next frames.

        Args:
            points: Joints, shape (n, V, dims).
            seen: Whether they are visible, shape (n, V).
            root: Root, shape (n, dims).
            size: Size of the body in each frame, shape (n,).
        """
        present = np.any(seen, axis=1)
        # The root is one more joint, seen in frames that show any joint.
        points = np.concatenate([points, root[:, None]], axis=1)
        seen = np.concatenate([seen, present[:, None]], axis=1)
        headings = self.relations.headings(points[None], seen[None])
        headings = kept_headings(self._heading, headings)
        self._heading = headings[:, -1:]
        joints, shown = points[:, self.joints], seen[:, self.joints]
        size = size if self.scale else np.ones(len(points))
        return Seen(root, headings[0, 1:], joints, shown, present, size)

    @property
    def _parts(self) -> Mapping[str, RunningBody]:
        return {'body': self.body}
