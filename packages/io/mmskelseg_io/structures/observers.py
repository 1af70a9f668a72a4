"""Observers: labels of the same frames by several people, and what most of them say.

In a file, ``observers`` of a video has the labels of each by name. When it is read,
they become ``label``, so that the rest of the package knows only one label a frame,
except for trainings that ask for the votes for each class.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import Tier, flat_rows


def majority(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the label that most observers give each frame, -1 if several are level.

    An observer without a label does not count. All labels have one shape, (..., T).

    >>> majority([np.array([0, 0, 1, -1]), np.array([0, 1, 1, 2]),
    ...           np.array([1, 2, -1, -1])]).tolist()
    [0, -1, 1, 2]
    """
    stacked = np.stack(labels)
    ids = range(stacked.max(initial=0) + 1)
    counts = np.stack([(stacked == k).sum(axis=0) for k in ids])
    best = counts.max(axis=0)
    clear = (best > 0) & ((counts == best).sum(axis=0) == 1)
    return np.where(clear, counts.argmax(axis=0), IGNORED)


def votes(labels: Sequence[np.ndarray], tiers: Sequence[Tier]) -> np.ndarray:
    """Return how many observers give each frame each class, (K, T), uint8.

    All labels have one shape, (T,) or (tiers, T); K classes are those of all tiers.

    >>> pair = [Tier('', ('rest', 'rear'), None, slice(0, 2))]
    >>> votes([np.array([0, 0, -1]), np.array([0, 1, -1])], pair).tolist()
    [[2, 1, 0], [0, 1, 0]]
    """
    found = np.zeros((tiers[-1].rows.stop, labels[0].shape[-1]), np.uint8)
    for label in labels:
        for row in flat_rows(label, tiers).values():
            (frames,) = np.nonzero(row != IGNORED)
            found[row[frames], frames] += 1
    return found


def differ(video: VideoAnnotation) -> bool:
    """Return whether two observers of a video give a frame different classes.

    >>> ann, bob, cat = np.array([[0, 1, 2], [0, -1, 2], [0, 1, 1]])
    >>> [differ({'observers': {'ann': ann, 'other': one}}) for one in (bob, cat)]
    [False, True]
    """
    if 'observers' not in video:
        return False
    labels = np.stack([*video['observers'].values()])
    highest = labels.max(axis=0)
    return bool((np.where(labels < 0, highest, labels) != highest).any())


def of_videos(
    found: Mapping[str, AnnotationFile],
) -> dict[str, dict[str, np.ndarray]]:
    """Return the labels of each observer of each video, from those of :func:`of_each`.

    Both are by name.
    """
    labels: dict[str, dict[str, np.ndarray]] = {}
    for who, data in found.items():
        for video in data['annotations']:
            labels.setdefault(video['frame_dir'], {})[who] = video['label']
    return labels


def joined(data: AnnotationFile) -> AnnotationFile:
    """Return annotations with ``label`` as stated, or else that of most observers."""
    videos = []
    for video in data['annotations']:
        own = {**video}
        own.pop('observers', None)
        if 'label' not in own:
            own['label'] = majority([*video['observers'].values()])
        videos.append(own)
    return {**data, 'annotations': cast(list[VideoAnnotation], videos)}


def of_each(data: AnnotationFile) -> dict[str, AnnotationFile]:
    """Return what each observer has labelled, by name, without splits."""
    found: dict[str, list[VideoAnnotation]] = {}
    for video in data['annotations']:
        for who, label in video.get('observers', {}).items():
            own: VideoAnnotation = {**video, 'label': label}
            del own['observers']
            found.setdefault(who, []).append(own)
    return {
        who: {**data, 'split': {}, 'annotations': own} for who, own in found.items()
    }
