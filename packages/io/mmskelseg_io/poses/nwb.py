"""Poses in files of Neurodata Without Borders (NWB), by the extension ndx-pose.

A ``PoseEstimation`` is an individual, or the view of a camera, with a series of x and y
for each body part.
"""

from dataclasses import dataclass

import numpy as np

from mmskelseg_io.files.hdf5 import Group, open_hdf5
from mmskelseg_io.files.netcdf import frames_of
from mmskelseg_io.files.nwb import groups_of, name_of, times_of, type_of
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.messages.errors import UserError, misfit, shown
from mmskelseg_io.poses.layouts import own_layout
from mmskelseg_io.poses.poses import (
    Poses,
    check_img_shape,
    check_pixels,
    check_size,
)
from mmskelseg_io.poses.reading import POSE_FORMATS

# The name of the only one in a file.
_ALONE = 'PoseEstimation'
_SUBJECT = 'general/subject/subject_id'
_MOST_EDGES, _MOST_VIDEOS = 20_000, 1000


@dataclass(frozen=True)
class _Estimation:
    """A PoseEstimation: values (T, V, 3), times (T,), names of joints, and limbs."""

    name: str
    values: np.ndarray
    times: np.ndarray
    joints: list[str]
    limbs: list[list[int]]
    size: tuple[int, int] | None


@POSE_FORMATS.register('nwb', {'.nwb': None})
def read_nwb(path: FilePath) -> Poses:
    """Return the poses in an NWB file, whose first frame is that of the first pose.

    Its ``PoseEstimation`` objects are the people. Gaps in timestamps become frames
    without joints.
    """
    with open_hdf5(path) as file:
        groups = [g for g in groups_of(file) if type_of(g, path) == _ALONE]
        if not groups:
            raise UserError(
                f'{path}: has no PoseEstimation of ndx-pose; name a file with poses.'
            )
        found = [_read(group, path) for group in groups]
        names = [one.name for one in found]
        if names == [_ALONE] and _SUBJECT in file:
            names = file.texts(_SUBJECT)[:1]
    first = found[0]
    for one in found:
        if one.joints != first.joints:
            raise UserError(
                f'{path}: {one.name} has the nodes {shown(one.joints)}, but '
                f'{first.name} has {shown(first.joints)}; write a file for each.'
            )
    if len({*names}) < len(names):
        names = [f'{name}_{i}' for i, name in enumerate(names)]
    begin = min(one.times[0] for one in found)
    numbered = [frames_of(one.times, path) for one in found]
    fps = numbered[0][1]
    frames = [
        own + round((one.times[0] - begin) * fps)
        for one, (own, _) in zip(found, numbered, strict=True)
    ]
    last = int(max(own[-1] for own in frames))
    shape = (len(found), last + 1, len(first.joints))
    check_size(shape, sum(map(len, frames)), str(path))
    data = np.full((*shape, 3), np.nan)
    for i, one in enumerate(found):
        data[i, frames[i]] = one.values
    poses = Poses(
        data[..., :2],
        data[..., 2],
        own_layout(first.joints, str(path), first.limbs, 'nwb'),
        img_shape=first.size,
        fps=fps,
        people=tuple(names),
    )
    check_pixels(poses, str(path), 'write them in pixels')
    return poses


def _read(group: Group, path: FilePath) -> _Estimation:
    parts = {name: item for name, item in group.items() if isinstance(item, Group)}
    series = {
        name: item
        for name, item in parts.items()
        if type_of(item, path) == 'PoseEstimationSeries'
    }
    if not series:
        raise UserError(f'{path}: {group.name} has no PoseEstimationSeries.')
    # Older versions of ndx-pose have no object for the nodes.
    skeletons = [one for one in parts.values() if type_of(one, path) == 'Skeleton']
    holder = (*skeletons, group)[0]
    nodes = holder.texts('nodes') if 'nodes' in holder else [*series]
    if {*nodes} != {*series} or len(nodes) != len(series):
        expected = f'those of the series, {shown([*series])}'
        raise misfit(path, f'{group.name}, nodes,', nodes, expected)
    limbs: list[list[int]] = []
    if 'edges' in holder:
        edges = holder.array('edges', _MOST_EDGES)
        limbs = edges.astype(int).reshape(-1, 2).tolist()
    times = times_of(series[nodes[0]], path)
    points = [_points(series[node], len(times), path) for node in nodes]
    size = None
    if 'dimensions' in group:
        sizes = group.array('dimensions', _MOST_VIDEOS).reshape(-1, 2)
        if len(sizes) and sizes[0].all():
            size = check_img_shape(sizes[0][::-1].tolist(), f'{path}: {group.name}')
    return _Estimation(name_of(group), np.stack(points, 1), times, nodes, limbs, size)


def _points(series: Group, count: int, path: FilePath) -> np.ndarray:
    """Return x, y and confidence, (T, 3)."""
    points = series.array('data')
    score = np.ones(len(points))
    if 'confidence' in series:
        score = series.array('confidence')
        score = np.where(np.isnan(score), 1, score)
    if points.shape != (count, 2) or score.shape != (count,):
        raise UserError(
            f'{path}: {series.name} has data {points.shape} and confidence '
            f'{score.shape}, expected x and y in pixels of one camera at {count} times.'
        )
    return np.column_stack([points, score])
