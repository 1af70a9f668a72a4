"""Keypoint results in COCO's format: a JSON list with an entry for each person.

::

    [{"image_id": 1, "category_id": 1, "keypoints": [x1, y1, v1, ...], "score": 0.9}]

``image_id`` is taken as the frame number in one video. It is a whole number, or a file
name that ends in one (``000012.jpg``, as AlphaPose writes). Entries may have a
``track_id``, or an ``idx`` as in AlphaPose.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmskelseg_io.files.names import frame_in
from mmskelseg_io.files.parsing import FilePath, numbers, read_json
from mmskelseg_io.files.typed import Id, typed
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Detection, Poses, gather
from mmskelseg_io.poses.reading import POSE_FORMATS


@dataclass(frozen=True)
class _Entry:
    image_id: Id
    keypoints: list[Any]
    category_id: int = 1
    score: float | None = None
    track_id: Id | None = None
    idx: float | str | list[Any] | None = None


@POSE_FORMATS.register('coco', {'.json': ('image_id', 'annotations').__contains__})
def read_coco(
    path: FilePath,
    first_frame: int | None = None,
) -> Poses:
    """Return the poses of one video in a file of COCO results.

    The third number of a joint is its score. If all of them are 0, 1 or 2, they are
    COCO's visibility flags, and 1 and 2 both mean that the joint is present.

    Args:
        path: The file.
        first_frame: The ``image_id`` of the first frame, which may be empty; by default
            the smallest ``image_id``, if that is 0 or 1.
    """
    content = read_json(path, 'the tracker')
    if isinstance(content, dict) and 'annotations' in content:
        raise UserError(
            f'{path}: is a data set in COCO format, expected COCO results: a list of '
            'entries with image_id, category_id, keypoints and score.'
        )
    entries = typed(content, list[_Entry], path, 'export it again as COCO results')
    if not entries:
        raise UserError(f'{path}: expected a list of at least one person.')
    ids = [
        frame_in(entry.image_id, f'{path}: entry {i}', 'image_id')
        for i, entry in enumerate(entries)
    ]
    first = _first(min(ids), first_frame, path)
    categories = {entry.category_id or 1 for entry in entries}
    if len(categories) > 1:
        remedy = 'keep only those of people'
        raise misfit(path, 'category_id', sorted(categories), 'one', remedy)
    joints = len(entries[0].keypoints) // 3
    notes = [f'frames are numbered by image_id, from {first}']
    xyc = np.array(
        [
            numbers(entry.keypoints, (3 * joints,), f'{path}: entry {i}: keypoints')
            for i, entry in enumerate(entries)
        ]
    ).reshape(len(entries), joints, 3)
    if np.isin(xyc[..., 2], (0, 1, 2)).all():
        xyc[..., 2] = xyc[..., 2] > 0
    tracks = _tracks(entries, ids)
    found = [
        Detection(number - first, points, entry.score, track)
        for number, points, entry, track in zip(ids, xyc, entries, tracks, strict=True)
    ]
    return gather(found, own_layout(joints, str(path)), str(path), notes=notes)


def _first(smallest: int, given: int | None, path: FilePath) -> int:
    """Return the ``image_id`` of the first frame, given that of the first person."""
    first = smallest if given is None and smallest < 2 else given
    if first is None or first > smallest:
        raise UserError(
            f'{path}: the smallest image_id is {smallest}; give the image_id of the '
            f'first frame by --first-frame, which is 0, 1 or up to {smallest}.'
        )
    return first


def _tracks(entries: list[_Entry], ids: list[int]) -> list[str | None]:
    """Return the track name of each entry, or None if there are no tracks.

    AlphaPose writes ``idx`` as a list of the detections that it merged; without
    tracking it is 0 for everybody.
    """
    tracks: list[str | None] = []
    listed = False
    for entry in entries:
        name: Any = entry.idx if entry.track_id is None else entry.track_id
        while isinstance(name, list):
            listed, name = True, name[0] if name else None
        if isinstance(name, float) and name.is_integer():
            name = int(name)
        tracks.append(None if name is None else str(name))
    same = len(set(zip(ids, tracks, strict=True))) < len(tracks)
    return [None] * len(tracks) if listed and same else tracks
