"""Predictions beside poses in a dataset of the library movement, as netCDF.

``behaviour`` has the class of each frame over ``time`` and ``individuals``, an index
into ``classes``, or -1 for none; ``score`` their probabilities. With several tiers,
each has variables of its own, which end in its name.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.atomic import atomic_replacement
from mmskelseg_io.files.names import recording_of
from mmskelseg_io.files.netcdf import Dataset
from mmskelseg_io.files.parsing import FilePath
from mmskelseg_io.labels.reading import LABEL_FORMATS, segments_of, without_lone_tier
from mmskelseg_io.labels.segments import (
    Segment,
    VideoSegments,
    labels_to_segments,
    sorted_videos,
)
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.errors import check_name, misfit
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import PlaceKey
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.tiers import label_rows, tiers_of

_LABEL, _CLASSES = 'behaviour', 'classes'
# Names of variables and axes are words, as in programs.
_NO_WORD = re.compile(r'\W+')


@LABEL_FORMATS.register('movement', {'.nc': None})
def read_movement(path: FilePath, subject: str | None = None) -> list[VideoSegments]:
    """Return the segments of the video of a dataset with predictions.

    Args:
        path: The netCDF file, named after the video.
        subject: The individual to read, or ``each``; needed if there are several.
    """
    names = ('time', 'individuals', _LABEL, _CLASSES)
    dataset = Dataset.read(path, lambda name: name.split('_')[0] in names)
    labels = [name for name in dataset.variables if name.split('_')[0] == _LABEL]
    found: list[Segment] = []
    fps, count = dataset.fps, 0
    # Without any, the message lists what there is.
    for name in labels or [_LABEL]:
        place = f'{path}: {name}'
        variable = dataset.get(name)
        rows = variable.over(('individuals', 'time'), place)
        classes = dataset.get(_CLASSES + name.removeprefix(_LABEL)).values.tolist()
        for text in (*map(str, classes), variable.tier):
            check_name(text, f'{place}: the name of a class or tier')
        frames, fps = dataset.frames(rows.shape[1])
        if fps is None or rows.dtype.kind not in 'iu':
            expected = f'indices of classes, at the {fps} fps of the dataset'
            raise misfit(place, 'the variable', rows, expected)
        known = (rows >= -1) & (rows < len(classes))
        if not known.all():
            expected = f'the index of one of {len(classes)} classes, or -1'
            raise misfit(place, 'a label', int(rows[~known][0]), expected)
        count = int(frames[-1]) + 1
        people = dataset.names('individuals', len(rows), '')
        for person, row in zip(people, rows, strict=True):
            ids = np.full(count, -1)
            ids[frames] = row
            found += [
                replace(one, tier=variable.tier, individual=person)
                for one in labels_to_segments(ids, fps, [*map(str, classes)])
            ]
    video = VideoSegments(
        recording_of(path), segments_of(found, subject, str(path)), fps, count
    )
    return without_lone_tier(sorted_videos([video], path))


@register_export(
    'movement',
    'movement.nc',
    'Poses and labels for movement and xarray (netCDF)',
    keys={'keypoint'},
    package='xarray h5netcdf',
    shows_people=True,
)
def write_movement(path: Path, prediction: Prediction | Sequence[Prediction]) -> None:
    """Write a dataset of poses with predictions, of all people of a video.

    Raises:
        DependencyError: If xarray or h5netcdf is not installed.
    """
    purpose = f'{path}: writing this file'
    xarray = import_optional('xarray', purpose)
    import_optional('h5netcdf', purpose)
    people: Any = [prediction] if isinstance(prediction, dict) else prediction
    with atomic_replacement(path) as aside:
        _dataset(people, xarray).to_netcdf(aside, engine='h5netcdf')


def _dataset(people: Sequence[Prediction], xarray: Any) -> Any:
    """Return the ``xarray.Dataset`` of the people of a video."""
    first = people[0]
    score = np.concatenate([one['keypoint_score'] for one in people])
    key: PlaceKey = 'keypoint_3d' if 'keypoint_3d' in first else 'keypoint'
    keypoint = np.concatenate([one[key] for one in people])
    # Everybody at once has the same labels.
    counts = [len(one['keypoint']) for one in people]
    names = [one['person'] for one in people if 'person' in one]
    if len(names) != len(score):
        names = [f'individual_{i}' for i in range(len(score))]
    missing = (score <= 0)[..., None]
    axes = ('individuals', 'time', 'keypoints', 'space')
    order = ('time', 'space', 'keypoints', 'individuals')
    fps = float(first['fps'])
    dataset = xarray.Dataset(
        {
            'position': (axes, np.where(missing, np.nan, keypoint)),
            'confidence': (axes[:3], score),
        },
        {
            'time': np.arange(score.shape[1]) / fps,
            'space': ['x', 'y', 'z'][: keypoint.shape[-1]],
            'keypoints': list(Skeleton.get(first['skeleton']).joints),
            'individuals': names,
        },
        {
            'fps': fps,
            'time_unit': 'seconds',
            'ds_type': 'poses',
            'source_software': 'mmskelseg',
            'image_height': first['img_shape'][0],
            'image_width': first['img_shape'][1],
        },
    )
    for i, tier in enumerate(tiers_of(first)):
        end = f'_{_NO_WORD.sub("_", tier.name)}' if tier.name else ''
        while _CLASSES + end in dataset:
            end += '_'
        labels = np.stack([label_rows(one['pred_label'])[i] for one in people])
        scores = np.stack([one['pred_score'][tier.rows] for one in people])
        classes = _CLASSES + end
        dataset[classes] = list(tier.classes)
        dataset[_LABEL + end] = (
            axes[:2],
            np.repeat(labels, counts, 0).astype(np.int32),
            {'tier': tier.name} if tier.name else {},
        )
        dataset['score' + end] = (
            ('individuals', classes, 'time'),
            np.repeat(scores, counts, 0).astype(np.float32),
        )
    return dataset.transpose(*order, ...)
