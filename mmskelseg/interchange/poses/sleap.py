"""Analysis files of SLEAP: HDF5, made by "Export Analysis HDF5" or ``sleap-convert``.

``tracks`` (tracks, 2, nodes, frames), NaN where a node was not found; ``node_names``;
and, in files of predictions, ``track_names``, ``point_scores`` (tracks, nodes, frames),
``instance_scores`` (tracks, frames), ``edge_inds``. Newer files name the axes in the
attribute ``dims``, and may have another order.
"""

import json
from typing import Any

import numpy as np

from mmskelseg.interchange.parsing import FilePath, open_hdf5, texts
from mmskelseg.interchange.poses.layouts import checked, in_order, named_layout
from mmskelseg.interchange.poses.poses import Layout, Poses
from mmskelseg.utils.errors import UserError

_AXES = {
    'tracks': ('track', 'xy', 'node', 'frame'),
    'point_scores': ('track', 'node', 'frame'),
    'instance_scores': ('track', 'frame'),
}
_OURS = ('track', 'frame', 'node', 'xy')


def read_sleap(path: FilePath, skeleton: Layout | None = None) -> Poses:
    """Return the poses in an analysis file of SLEAP, one video.

    The skeleton has the nodes and edges of the file, unless COCO's 17 joints are there.

    Args:
        skeleton: A layout to take instead.
    """
    with open_hdf5(path) as file:
        if not {'tracks', 'node_names'} <= set(file):
            raise UserError(
                f'{path}: no tracks and node_names, but {", ".join(file) or "nothing"};'
                ' export it from SLEAP as analysis HDF5.'
            )
        arrays = {key: _array(file, key, str(path)) for key in _AXES if key in file}
        nodes = texts(file['node_names'][()])
        people = texts(file['track_names'][()]) if 'track_names' in file else []
        edges = np.array(file.get('edge_inds', ()), int).tolist()
    keypoint, score = arrays['tracks'], arrays.get('point_scores')
    whole = arrays.get('instance_scores')
    tracks, frames, count, axes = keypoint.shape
    fits = score is None or score.shape == keypoint.shape[:3]
    fits &= whole is None or whole.shape == keypoint.shape[:2]
    if not fits or count != len(nodes) or axes != 2 or not keypoint.size:
        raise UserError(
            f'{path}: tracks of {tracks} tracks, {frames} frames, {count} nodes and '
            f'{axes} coordinates, but {len(nodes)} node_names, or scores of another '
            'shape; export the file again.'
        )
    # Instances that somebody placed or corrected have no scores: NaN.
    score = np.ones(keypoint.shape[:3]) if score is None else score
    score = np.where(np.isnan(score), 1, score)
    if len(people) != tracks:
        people = [f'track_{i}' for i in range(tracks)]
    order, layout, notes = in_order(nodes, skeleton, str(path))
    if skeleton is None and isinstance(layout, dict) and edges:
        layout, notes = checked(named_layout(nodes, edges, 'sleap'), str(path)), ()
    return Poses(
        keypoint[:, :, order],
        score[:, :, order],
        layout,
        people=tuple(people),
        person_score=None if whole is None else np.nan_to_num(whole),
        notes=notes,
    )


def _array(file: Any, key: str, source: str) -> np.ndarray:
    """Return an array of the file with our order of axes."""
    data = file[key]
    axes = data.attrs.get('dims')
    axes = list(_AXES[key]) if axes is None else json.loads(texts([axes])[0])
    if data.ndim != len(axes) or sorted(axes) != sorted(_AXES[key]):
        raise UserError(
            f'{source}: {key} has shape {data.shape} and axes {", ".join(axes)}, '
            f'expected {", ".join(_AXES[key])}; export it again as analysis HDF5.'
        )
    return np.transpose(data[()], [axes.index(axis) for axis in _OURS if axis in axes])
