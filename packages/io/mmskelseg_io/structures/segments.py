"""Frame labels as segments.

The label -1 means "no label". A run of such frames ends the segment before it, so equal
labels on both sides of a gap make two segments.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mmskelseg_io.messages.errors import UserError, unlike

IGNORED = -1


def check_labels(labels: np.ndarray, name: str = 'labels') -> np.ndarray:
    """Return frame labels as int64, shape (T,).

    Raises:
        UserError: If they are not integers in one dimension.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise UserError(unlike(name, labels, 'one label a frame, shape (T,)'))
    if labels.size and labels.dtype.kind not in 'iu':
        expected, remedy = 'class ids, integers', 'convert it with astype(int)'
        raise UserError(unlike(name, labels, expected, remedy))
    return labels.astype(np.int64)


def resolve_background(
    background: int | str | None, classes: Sequence[str]
) -> int | None:
    """Return the id of the background class, given by id or by name.

    >>> resolve_background('rest', ['walk', 'rest'])
    1
    """
    if isinstance(background, str):
        if background not in classes:
            expected = f'one of the classes {", ".join(classes)}'
            raise UserError(unlike('background', background, expected))
        return list(classes).index(background)
    if background is not None and not 0 <= background < len(classes):
        expected = f'an id from 0 to {len(classes) - 1}'
        raise UserError(unlike('background', background, expected))
    return background


def segment_table(labels: np.ndarray) -> np.ndarray:
    """Return the runs of equal labels as rows (start, end, label), shape (S, 3).

    Labels (T,) are int64; runs of -1 are left out.
    """
    # One frame of padding on each side, so that the first and last run need no special
    # case.
    padded = np.concatenate(([IGNORED], labels, [IGNORED]))
    cuts = np.flatnonzero(padded[1:] != padded[:-1])
    table = np.stack([cuts[:-1], cuts[1:], labels[cuts[:-1]]], axis=1)
    return table[table[:, 2] != IGNORED]


def next_actions(
    labels: np.ndarray, background: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield each action and the one after it, as (before, after).

    Background is no action, and what follows a gap in the labels follows nothing.

    >>> list(next_actions(np.array([1, 0, 2, 2, -1, 3]), background=0))
    [(1, 2)]
    """
    before, last = None, 0
    for start, end, label in segment_table(labels).tolist():
        if start != last:
            before = None
        if label != background:
            if before is not None:
                yield before, label
            before = label
        last = end


def direct_boundaries(labels: np.ndarray) -> np.ndarray:
    """Return the frames at which a labelled segment follows another one directly.

    A gap in the labels has no boundary, since the action may go on in it.

    >>> direct_boundaries(np.array([4, 4, 0, -1, 2, 2, 3]))
    array([2, 6])
    """
    before, after = labels[:-1], labels[1:]
    different = (before != after) & (before != IGNORED) & (after != IGNORED)
    return np.flatnonzero(different) + 1


def to_segments(labels: np.ndarray) -> list[tuple[int, int, int]]:
    """Return the segments of one video as ``(start, end, label)``, end exclusive.

    Labels have the shape (T,); -1 is left out.

    Raises:
        ValueError: If the labels are not integers in one dimension.

    >>> to_segments(np.array([4, 4, 4, 0, -1, -1, 0]))
    [(0, 3, 4), (3, 4, 0), (6, 7, 0)]
    """
    rows = segment_table(check_labels(labels)).tolist()
    return [(start, end, label) for start, end, label in rows]
