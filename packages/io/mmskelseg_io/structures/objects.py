"""Objects in recordings: tools, boxes and other things, each with a few points."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, TypedDict

import numpy as np

#: The names of the points of each kind: ``{'hammer': ['head', 'handle']}``.
ObjectKinds: TypeAlias = Mapping[str, Sequence[str]]
ObjectKey: TypeAlias = Literal['points', 'score', 'points_3d']
#: The points of whatever is given as a box. They are points like any others, so that
#: the box can rotate with the picture.
BOX = ('top left', 'top right', 'bottom right', 'bottom left')
#: The arrays of an object, each (T, P, ...), by those of skeletons, (M, T, V, ...).
OBJECT_KEYS: Mapping[str, ObjectKey] = {
    'keypoint': 'points',
    'keypoint_score': 'score',
    'keypoint_3d': 'points_3d',
}


class _Object(TypedDict):
    name: str
    kind: str
    points: np.ndarray
    score: np.ndarray


class TrackedObject(_Object, total=False):
    """An object in a video, an item of its ``objects``.

    ``name`` is unique in the video, and ``kind`` a key of metainfo ``objects``, which
    has the names of its P points. Shapes: points (T, P, 2) in pixels, score (T, P),
    points_3d (T, P, 3) with the axes of ``keypoint_3d``. A point that is not seen is 0
    and has score 0, so that an object may come and go.
    """

    points_3d: np.ndarray
