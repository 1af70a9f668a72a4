"""Tiers: rows of labels, in each of which one class holds at each moment, as in ELAN.

A data set whose metainfo has ``classes`` alone has one tier, without a name, and labels
(T,). With ``tiers``, labels are (tiers, T), with ids within each tier, and the K
``classes`` are those of all tiers, which follow each other in scores (K, T).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.segments import IGNORED, resolve_background

#: A color as it is stated of a class.
COLOR = re.compile('#[0-9a-fA-F]{6}')


@dataclass(frozen=True)
class Tier:
    """A row of labels.

    Attributes:
        name: Its name; '' for the only tier of a data set without ``tiers``.
        classes: Names of its classes, in the order of their ids.
        background: The id of its background class; None if it has none.
        rows: Its rows in scores (K, T).
        colors: Those that are stated of its classes, such as ``#0072b2``.
    """

    name: str
    classes: tuple[str, ...]
    background: int | None
    rows: slice
    colors: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def rests(self) -> list[tuple[str, str]]:
        """The names of the tier and its background class, if it has one."""
        return [
            (self.name, self.classes[k]) for k in [self.background] if k is not None
        ]


def tiers_of(metainfo: Mapping[str, object]) -> list[Tier]:
    """Return the tiers of a data set, a model or a prediction.

    >>> meta = {'tiers': {'gaze': ['up', 'down'], 'hand': ['no', 'wave']},
    ...         'background': {'hand': 'no'}}
    >>> [(tier.name, tier.background, tier.rows) for tier in tiers_of(meta)]
    [('gaze', None, slice(0, 2, None)), ('hand', 0, slice(2, 4, None))]
    """
    meta = cast(Metainfo, metainfo)
    stated: Mapping[str, Sequence[str]] = {}
    if 'tiers' not in meta:
        stated, backgrounds = {'': meta['classes']}, {'': meta.get('background')}
    else:
        stated, backgrounds = meta['tiers'], meta.get('background') or {}
    colors = meta.get('colors', {})
    tiers, row = [], 0
    for name, classes in stated.items():
        its_background = resolve_background(backgrounds.get(name), classes)
        rows = slice(row, row + len(classes))
        names = {class_name(one, name): one for one in classes}
        own = {names[one]: color for one, color in colors.items() if one in names}
        tiers.append(Tier(name, tuple(classes), its_background, rows, own))
        row = rows.stop
    return tiers


def metainfo_of(tiers: Sequence[Tier]) -> Metainfo:
    """Return the keys of metainfo that state tiers: the inverse of :func:`tiers_of`."""
    own = {tier.name: list(tier.classes) for tier in tiers}
    backgrounds = {
        tier.name: None if tier.background is None else tier.classes[tier.background]
        for tier in tiers
    }
    colors = {
        class_name(one, tier.name * (len(tiers) > 1)): color
        for tier in tiers
        for one, color in tier.colors.items()
    }
    painted: Metainfo = {'colors': colors} if colors else {}
    if len(tiers) == 1:
        (classes,), (background,) = own.values(), backgrounds.values()
        return {'classes': classes, 'background': background, **painted}
    grounds = backgrounds if any(backgrounds.values()) else None
    flat = flat_classes(own)
    return {'classes': flat, 'background': grounds, 'tiers': own, **painted}


def tier_sizes(meta: Mapping[str, object]) -> list[int]:
    """Return the number of classes of each tier."""
    return [len(tier.classes) for tier in tiers_of(meta)]


def class_name(label: str, tier: str) -> str:
    """Return the name of a class among those of all tiers.

    >>> class_name('walk', ''), class_name('rest', 'left hand')
    ('walk', 'left hand: rest')
    """
    return f'{tier}: {label}' if tier else label


def flat_classes(tiers: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the classes of all tiers by the names that ``metainfo['classes']`` has.

    >>> flat_classes({'gaze': ['up', 'down']})
    ['gaze: up', 'gaze: down']
    """
    return [class_name(name, tier) for tier, names in tiers.items() for name in names]


def label_rows(label: np.ndarray) -> np.ndarray:
    """Return labels (T,) of one tier, or those of several, as (tiers, T)."""
    return np.atleast_2d(label)


def labelled_frames(label: np.ndarray) -> np.ndarray:
    """Return which frames have a label in at least one tier, bool (T,)."""
    return (label_rows(label) != IGNORED).any(axis=0)


def flat_label(label: np.ndarray, tiers: Sequence[Tier]) -> np.ndarray:
    """Return labels (T,) or (G, T) with the ids of rows of scores (K, T), 0 to K - 1.

    >>> meta = {'tiers': {'gaze': ['up', 'down'], 'hand': ['no', 'wave']}}
    >>> flat_label(np.array([[0, 1], [1, -1]]), tiers_of(meta)).tolist()
    [[0, 1], [3, -1]]
    """
    if len(tiers) == 1 and label.ndim == 1:
        return label
    begins = np.array([[tier.rows.start] for tier in tiers])
    return np.where(label < 0, label, label + begins)


def flat_rows(label: np.ndarray, tiers: Sequence[Tier]) -> dict[str, np.ndarray]:
    """Return the labels (T,) of each tier, by its name, with the ids of all tiers."""
    rows = label_rows(flat_label(label, tiers))
    return {tier.name: row for tier, row in zip(tiers, rows, strict=True)}


def with_flat_labels(data: AnnotationFile) -> AnnotationFile:
    """Return annotations whose labels have the ids of ``metainfo['classes']``."""
    tiers = tiers_of(data['metainfo'])
    videos = data['annotations']
    flat = [{**v, 'label': flat_label(v['label'], tiers)} for v in videos]
    return {**data, 'annotations': cast(list[VideoAnnotation], flat)}


def joint_label(label: np.ndarray) -> np.ndarray:
    """Return one id (T,) for the classes of all tiers, -1 where one has no label.

    Labels (T,) of one tier are returned as they are. Different combinations of classes
    get different ids, which are the same in all videos.

    >>> ids = joint_label(np.array([[0, 0, 0, -1], [1, 1, 2, 1]])).tolist()
    >>> ids[0] == ids[1] != ids[2], ids[3]
    (True, -1)
    """
    if label.ndim == 1:
        return label
    ids = np.zeros(label.shape[-1], np.int64)
    for row in label:
        # A hash; the ids are only compared.
        ids = (ids * 1_000_003 + row) & np.int64((1 << 62) - 1)
    return np.where((label >= 0).all(axis=0), ids, IGNORED)
