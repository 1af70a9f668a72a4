"""Whether labels depend on who else is there, by a quick look."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import Metainfo, VideoAnnotation
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import label_rows
from mmskelseg_runtime.features import PairCoordinates, SkeletonCoordinates

# Means over these windows describe a frame, with edges in seconds.
_EDGES = (-1.0, -0.5, -0.1, 0.1, 0.5, 1.0)
# So many frames are looked at, spread evenly over recordings, in so many parts.
_FRAMES, _PARTS = 4000, 4
# The penalty on weights, of features with standard deviation 1.
_PENALTY = 0.1


def recall_without_and_with(
    videos: Sequence[VideoAnnotation],
    metainfo: Metainfo,
    dims: Literal[2, 3],
    options: Mapping[str, object],
) -> tuple[float, float]:
    """Return how well labels are found with and without the nearest other.

    A linear regression on coordinates around a frame foretells its classes, in
    recordings that it was not fitted to. The figures are the means over classes of the
    part of frames that is found, of the labelled individual alone and with the other.

    Args:
        videos: At least two, of several individuals each.
        metainfo: Their metainfo.
        dims: 3 for keypoint_3d, 2 for keypoint.
        options: Further options of :class:`PairCoordinates`.
    """
    skeleton = Skeleton.get(metainfo['skeleton'])
    render = PairCoordinates(skeleton, dims, **options)  # type: ignore[arg-type]
    features, labels = [], []
    for video in videos:
        rows = label_rows(video['label'])
        frames = np.flatnonzero((rows != IGNORED).any(axis=0))
        frames = frames[:: max(1, len(frames) * len(videos) // _FRAMES)]
        features.append(_windows(render.coordinates(video), video['fps'], frames))
        labels.append(rows[:, frames])
    numbers = np.arange(len(videos)) % _PARTS
    part = np.repeat(numbers, [len(one) for one in features])
    values, rows = np.concatenate(features), np.concatenate(labels, axis=1)
    # Those of the pair begin with those of the individual.
    own = SkeletonCoordinates(skeleton, dims, flatten=True).coordinates(videos[0])
    alone, both = (
        np.mean([_recall(v.reshape(len(v), -1), row, part) for row in rows])
        for v in (values[..., : own.shape[1]], values)
    )
    return float(alone), float(both)


def _windows(values: np.ndarray, fps: float, frames: np.ndarray) -> np.ndarray:
    """Return means (n, windows, C) of values (T, C) around frames (n,)."""
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    edges = frames[:, None] + np.round(np.multiply(_EDGES, fps)).astype(np.int64)
    # A window has at least one frame, also beyond the ends.
    starts = edges[:, :-1].clip(0, len(values) - 1)
    ends = np.maximum(edges[:, 1:].clip(0, len(values)), starts + 1)
    return (sums[ends] - sums[starts]) / (ends - starts)[..., None]


def _recall(values: np.ndarray, label: np.ndarray, part: np.ndarray) -> float:
    """Return the mean over classes of the part of frames that is found.

    Classes of ``label`` (n,) are foretold from ``values`` (n, F) in each ``part`` (n,)
    by a ridge regression on all others, in which all classes weigh the same.
    """
    kept = label != IGNORED
    values, part = values[kept], part[kept]
    classes, label = np.unique(label[kept], return_inverse=True)
    scaled = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)
    scaled = np.column_stack([scaled, np.ones(len(scaled))])
    found = np.empty_like(label)
    for number in np.unique(part):
        own = part == number
        given, known = scaled[~own], np.eye(len(classes))[label[~own]]
        known /= np.maximum(known.sum(axis=0), 1) * len(classes)
        gram = (given * known.sum(axis=1, keepdims=True)).T @ given
        gram[np.diag_indices(len(gram))] += _PENALTY
        weights = np.linalg.solve(gram, given.T @ known)
        found[own] = (scaled[own] @ weights).argmax(axis=1)
    every = range(len(classes))
    return float(np.mean([(found[label == c] == c).mean() for c in every]))
