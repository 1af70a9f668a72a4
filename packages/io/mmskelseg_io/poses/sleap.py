"""Analysis files of SLEAP: HDF5, made by "Export Analysis HDF5" or ``sleap-convert``.

A file has ``tracks`` (tracks, 2, nodes, frames), NaN for nodes that were not found, and
``node_names``. Predictions also have ``track_names``, ``point_scores`` (tracks, nodes,
frames), ``instance_scores`` (tracks, frames) and ``edge_inds``. Newer files name the
axes in the attribute ``dims``, and may have another order.
"""

import numpy as np

from mmskelseg_io.files.hdf5 import Group, hdf5_attribute, open_hdf5, texts
from mmskelseg_io.files.parsing import FilePath, parse_json
from mmskelseg_io.messages.errors import UserError, misfit, shown
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import Poses
from mmskelseg_io.poses.reading import POSE_FORMATS

_AXES = {
    'tracks': ('track', 'xy', 'node', 'frame'),
    'point_scores': ('track', 'node', 'frame'),
    'instance_scores': ('track', 'frame'),
}
# The most values in the list of edges.
_MOST_EDGES = 20_000
_OURS = ('track', 'frame', 'node', 'xy')


def _is_own(items: dict[str, bool]) -> bool:
    # DeepLabCut's table of several animals is named `tracks`, like SLEAP's array.
    return 'tracks' in items and not any(items.values())


@POSE_FORMATS.register(
    'sleap',
    {'.h5': _is_own, '.hdf5': _is_own},
    ending=r'\.(analysis|predictions)',
    refused={
        '.slp': 'a SLEAP project; export it from SLEAP as analysis HDF5 (.h5), or read '
        'it by --pose-format movement'
    },
)
def read_sleap(path: FilePath) -> Poses:
    """Return the poses of one video in an analysis file of SLEAP."""
    with open_hdf5(path) as file:
        if not {'tracks', 'node_names'} <= set(file):
            raise UserError(
                f'{path}: no tracks and node_names, but {", ".join(file) or "nothing"};'
                ' export it from SLEAP as analysis HDF5.'
            )
        arrays = {key: _array(file, key, str(path)) for key in _AXES if key in file}
        nodes, people = (
            file.texts(key) if key in file else []
            for key in ('node_names', 'track_names')
        )
        edges = []
        if 'edge_inds' in file:
            found = file.array('edge_inds', _MOST_EDGES)
            edges = found.astype(int).reshape(-1, 2).tolist()
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
    # Manually placed or corrected instances have no scores: NaN.
    score = np.ones(keypoint.shape[:3]) if score is None else score
    score = np.where(np.isnan(score), 1, score)
    if len(people) != tracks:
        people = [f'track_{i}' for i in range(tracks)]
    return Poses(
        keypoint,
        score,
        own_layout(nodes, str(path), edges, 'sleap'),
        people=tuple(people),
        person_score=None if whole is None else np.nan_to_num(whole),
    )


def _array(file: Group, key: str, source: str) -> np.ndarray:
    """Return an array of the file with our order of axes."""
    data = file[key]
    axes = list(_AXES[key])
    if (stated := hdf5_attribute(data, 'dims', source)) is not None:
        axes = parse_json(texts([stated])[0], source, 'SLEAP')
    is_known = isinstance(axes, list) and set(axes) == set(_AXES[key])
    if not is_known or data.ndim != len(axes) or data.dtype.kind not in 'fiu':
        expected, remedy = ', '.join(_AXES[key]), 'export it again as analysis HDF5'
        raise misfit(source, f'{key} of axes {shown(axes)}', data, expected, remedy)
    order = [axes.index(axis) for axis in _OURS if axis in axes]
    return np.transpose(file.array(key), order)
