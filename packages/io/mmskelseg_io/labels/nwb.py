"""Behaviours in files of Neurodata Without Borders (NWB), as intervals.

Tables of ``start_time`` and ``stop_time`` with a column of labels are read, which
``TimeIntervals`` and those of ndx-ethogram are, tables of events, and the
``IntervalSeries`` of ``BehavioralEpochs``, each of which is a class.
"""

import re
import warnings
from collections.abc import Iterator, Sized
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.atomic import atomic_replacement
from mmskelseg_io.files.hdf5 import Group, open_hdf5
from mmskelseg_io.files.names import recording_of
from mmskelseg_io.files.netcdf import frames_of
from mmskelseg_io.files.nwb import groups_of, name_of, times_of, type_of
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.labels.reading import LABEL_FORMATS, segments_of, without_lone_tier
from mmskelseg_io.labels.segments import (
    Segment,
    VideoSegments,
    make_segment,
    sorted_videos,
)
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import UserError, misfit
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.predictions import Prediction

# The columns that may hold labels; the first that is there does.
_LABELS = ('label', 'behavior', 'behaviour', 'event_type')
_TEXTS = {
    'tier': 'the tier of the label',
    'individual': 'who does it',
    'target': 'to whom it is done',
    'modifiers': 'modifiers',
    'comment': 'a remark',
}
# What no name in a file may have.
_SEPARATORS = re.compile('[/:]')


@LABEL_FORMATS.register('nwb', {'.nwb': None})
def read_nwb(path: FilePath, subject: str | None = None) -> list[VideoSegments]:
    """Return the segments of the session of an NWB file.

    If the file has poses, times count from the first; otherwise, from the start of the
    session. Each table is a tier, unless it has a column ``tier``.

    Args:
        path: The file, named after the video.
        subject: The individual to read, or ``each``; needed if there are several.
    """
    found: list[Segment] = []
    begin, fps, count = 0.0, None, None
    with open_hdf5(path) as file:
        groups = groups_of(file)
        poses = [g for g in groups if type_of(g, path) == 'PoseEstimationSeries']
        if poses:
            times = times_of(poses[0], path)
            frames, fps = frames_of(times, path)
            begin, count = float(times[0]), int(frames[-1]) + 1
        for group in groups:
            if type_of(group, path) == 'IntervalSeries':
                found += _of_series(group, begin, path)
            else:
                found += _of_table(group, begin, path)
        if not found:
            raise UserError(
                f'{path}: has no table of intervals with a column label, and no '
                'IntervalSeries; write the behaviors as one of them.'
            )
    own = segments_of(found, subject, str(path))
    video = VideoSegments(recording_of(path), own, fps, count)
    return without_lone_tier(sorted_videos([video], path))


def _of_series(series: Group, begin: float, path: FilePath) -> Iterator[Segment]:
    """Yield the intervals of an IntervalSeries: 1 at each start, -1 at each end."""
    times, marks = times_of(series, path), series.array('data')
    if (marks[::2] <= 0).any() or (
        marks[1::2] != -marks[: len(marks) // 2 * 2 : 2]
    ).any():
        expected = 'a start, such as 1, and its end, -1, in turn'
        raise misfit(path, f'{series.name}, data,', marks[:6].tolist(), expected)
    tier = series.name.split('/')[-2]
    for start, end in zip(times[::2] - begin, times[1::2] - begin, strict=False):
        place = f'{path}: {series.name}'
        yield make_segment(place, float(start), float(end), name_of(series), tier=tier)


def _of_table(table: Group, begin: float, path: FilePath) -> Iterator[Segment]:
    """Yield the rows of a table with times and labels, none of any other group."""
    label = next((name for name in _LABELS if name in table), None)
    key = 'start_time' if 'start_time' in table else 'timestamp'
    if label is None or key not in table:
        return
    texts = {name: table.texts(name) for name in _TEXTS if name in table}
    labels = table.texts(label)
    starts = table.array(key)
    ends = starts
    if 'stop_time' in table:
        ends = table.array('stop_time')
    elif 'duration' in table:
        # An event without a duration has NaN.
        ends = starts + np.nan_to_num(table.array('duration'))
    scores = [None] * len(labels)
    if 'score' in table:
        stated = table.array('score').tolist()
        scores = [None if np.isnan(score) else score for score in stated]
    columns: dict[str, Sized] = {
        label: labels,
        key: starts,
        'stop': ends,
        'score': scores,
        **texts,
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len({*lengths.values()}) > 1:
        raise misfit(path, f'{table.name}, lengths of columns,', lengths, 'one length')
    for i, name in enumerate(labels):
        own = {'tier': name_of(table), **{key: texts[key][i] for key in texts}}
        start, end = float(starts[i]) - begin, float(ends[i]) - begin
        place = f'{path}: {table.name}, row {i}'
        if not np.isfinite([start, end]).all():
            raise misfit(place, 'the time', (start, end), 'numbers')
        yield make_segment(place, start, end, name, scores[i], **own)


@register_export(
    'nwb',
    'session.nwb',
    'Poses and labels for Neurodata (NWB)',
    package='pynwb ndx_pose',
)
def write_nwb(
    path: Path, video: VideoSegments, prediction: Prediction | None = None
) -> None:
    """Write segments, and the poses of a prediction, as an NWB file.

    Times count from the first frame. The start of the session, which NWB requires, is
    that of writing, since recordings do not state theirs.

    Raises:
        DependencyError: If pynwb, or ndx-pose for poses, is not installed.
    """
    pynwb = import_optional('pynwb', f'{path}: writing this file')
    session = pynwb.NWBFile(
        session_description=f'{video.name}; its start is the time of writing',
        identifier=video.name,
        session_start_time=datetime.now(timezone.utc),
    )
    # pynwb writes no table without rows.
    if video.segments:
        session.add_time_intervals(_table(video, pynwb))
    if prediction is not None and 'keypoint' in prediction:
        pose = import_optional('ndx_pose', f'{path}: writing this file')
        module = session.create_processing_module(name='behavior', description='poses')
        for part in _estimations(prediction, pose):
            module.add(part)
    with atomic_replacement(path) as aside, pynwb.NWBHDF5IO(aside, 'w') as file:
        file.write(session)


def _table(video: VideoSegments, pynwb: Any) -> Any:
    table = pynwb.epoch.TimeIntervals(
        name='behaviors', description='Behaviors, a row for each bout.'
    )
    table.add_column(name='label', description='the class')
    rows = [one.fields() for one in video.segments]
    names = [name for name in _TEXTS if any(name in row for row in rows)]
    for name in names:
        table.add_column(name=name, description=_TEXTS[name])
    if any(one.score is not None for one in video.segments):
        names.append('score')
        table.add_column(name='score', description='confidence, from 0 to 1')
    for one, row in zip(video.segments, rows, strict=True):
        row['score'] = np.nan if one.score is None else one.score
        own = {name: row.get(name, '') for name in ('label', *names)}
        table.add_interval(start_time=float(one.start), stop_time=float(one.end), **own)
    return table


def _estimations(prediction: Prediction, pose: Any) -> Iterator[Any]:
    """Yield the objects of ndx-pose that hold the poses of a prediction."""
    layout = Skeleton.get(prediction['skeleton'])
    count = len(prediction['keypoint'])
    names = [_SEPARATORS.sub('_', prediction.get('person', 'PoseEstimation'))]
    joints = [_SEPARATORS.sub('_', joint) for joint in layout.joints]
    if count > 1:
        names = [f'individual_{i}' for i in range(count)]
    skeleton = pose.Skeleton(
        name=_SEPARATORS.sub('_', layout.name),
        nodes=joints,
        edges=np.array(layout.limbs, np.uint8).reshape(-1, 2),
    )
    yield pose.Skeletons(skeletons=[skeleton])
    height, width = prediction['img_shape']
    for i, name in enumerate(names):
        score = prediction['keypoint_score'][i]
        points = np.where(score[..., None] > 0, prediction['keypoint'][i], np.nan)
        series = [
            pose.PoseEstimationSeries(
                name=joint,
                description=f'x and y of {joint} in pixels',
                data=points[:, k].astype(np.float32),
                confidence=score[:, k].astype(np.float32),
                reference_frame='(0, 0) is the top left corner; y points down.',
                starting_time=0.0,
                rate=float(prediction['fps']),
            )
            for k, joint in enumerate(joints)
        ]
        with warnings.catch_warnings():
            # Videos need not be there, so that their objects cannot state the size.
            warnings.simplefilter('ignore', DeprecationWarning)
            yield pose.PoseEstimation(
                name=name,
                pose_estimation_series=series,
                description='Poses whose behavior was labelled.',
                dimensions=np.array([[width, height]], np.uint16),
                source_software='mmskelseg',
                skeleton=skeleton,
            )
