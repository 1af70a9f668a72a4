"""Predictions of MMPose: a JSON file of one video.

``MMPoseInferencer`` with ``pred_out_dir`` writes a list of frames::

    [{"frame_id": 0, "instances": [{"keypoints": [[x, y], ...],
      "keypoint_scores": [...], "bbox": [[x1, y1, x2, y2]], "bbox_score": 0.9}]}]

The demo scripts with ``--save-predictions`` write the same list, with a ``frame_id``
from 1, as ``instance_info``, together with ``meta_info``, which names the joints.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from mmskelseg_io.files.parsing import FilePath, numbers, read_json
from mmskelseg_io.files.typed import typed
from mmskelseg_io.messages.errors import UserError, unlike
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Detection, Layout, Poses, gather
from mmskelseg_io.poses.reading import POSE_FORMATS

_REMEDY = 'predict with MMPoseInferencer and pred_out_dir, and copy the file again'


@dataclass(frozen=True)
class _Person:
    keypoints: list[Any]
    keypoint_scores: list[Any] = field(default_factory=list)
    bbox_score: float | None = None


@dataclass(frozen=True)
class _Frame:
    instances: list[_Person]
    frame_id: int | None = None


@dataclass(frozen=True)
class _Meta:
    keypoint_id2name: dict[str, str]
    skeleton_links: list[list[int]]
    dataset_name: str = 'mmpose'


@POSE_FORMATS.register(
    'mmpose', {'.json': ('meta_info', 'instance_info', 'instances').__contains__}
)
def read_mmpose(path: FilePath) -> Poses:
    """Return the poses of one video that MMPose predicted."""
    data = read_json(path, 'MMPose')
    meta = data.get('meta_info') if isinstance(data, dict) else None
    frames = data if meta is None else data.get('instance_info')
    if not isinstance(frames, list) or not frames:
        raise UserError(
            f'{path}: expected a list of frames with instances, as MMPoseInferencer '
            'writes with pred_out_dir.'
        )
    if isinstance(frames[0], dict) and 'keypoint_scores' in frames[0]:
        raise UserError(
            f'{path}: predictions of one image; run MMPose on the video, so that it '
            'writes all frames into one file.'
        )
    read = typed(frames, list[_Frame], path, _REMEDY)
    ids = [i if one.frame_id is None else one.frame_id for i, one in enumerate(read)]
    found = list(_detections(read, ids, str(path)))
    joints = len(found[0].joints) if found else 0
    for detection in found:
        if len(detection.joints) != joints:
            raise UserError(
                f'{path}: {len(detection.joints)} joints in frame {detection.frame}, '
                f'but {joints} before; give each layout a file of its own.'
            )
    layout: Layout = 'coco17'
    if meta is not None:
        layout = _layout(meta, joints, str(path))
    elif found:
        layout = own_layout(joints, str(path))
    return gather(found, layout, str(path), frames=ids[-1] - ids[0] + 1)


def _detections(
    frames: list[_Frame], ids: list[int], source: str
) -> Iterator[Detection]:
    for before, after in pairwise(ids):
        if after <= before:
            raise UserError(
                f'{source}: frame_id {after} comes after {before}; expected the frames '
                'of one video in order.'
            )
    for i, frame in enumerate(frames):
        for person in frame.instances:
            where = f'{source}: frame {i}: keypoints'
            xy = numbers(person.keypoints, (-1, -1), where)
            if xy.shape[1] != 2:
                remedy = '3D poses cannot be read, so predict with a 2D model'
                raise UserError(unlike(where, xy, '2 coordinates each', remedy))
            score = person.keypoint_scores or [1] * len(xy)
            values = numbers(score, (len(xy),), f'{where}_scores')
            joints = np.column_stack([xy, values])
            yield Detection(ids[i] - ids[0], joints, person.bbox_score)


def _layout(content: object, joints: int, source: str) -> Layout:
    meta = typed(content, _Meta, f'{source}: meta_info', _REMEDY)
    names = meta.keypoint_id2name
    try:
        ordered = [names[str(i)] for i in range(len(names))]
    except KeyError as error:
        raise UserError(
            f'{source}: keypoint_id2name of meta_info lacks the joint {error}; '
            f'{_REMEDY}.'
        ) from None
    if joints not in (0, len(ordered)):
        raise UserError(
            f'{source}: {joints} joints a person, but meta_info names {len(ordered)}.'
        )
    return own_layout(ordered, source, meta.skeleton_links, meta.dataset_name)
