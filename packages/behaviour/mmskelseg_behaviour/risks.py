"""Ergonomic risk of recordings: that of their poses, or as `segment` has written it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmskelseg_behaviour.drawing.moments import Moment
from mmskelseg_behaviour.posture.angles import Posture
from mmskelseg_behaviour.posture.limits import left_out
from mmskelseg_behaviour.posture.scores import METHODS, Bounds, Work, read_station
from mmskelseg_behaviour.posture.tasks import Risk, assess
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.files.parsing import number, read_dicts
from mmskelseg_io.messages.counts import listed
from mmskelseg_io.messages.errors import UserError, reads_file
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.annotations import (
    AnnotationFile,
    Metainfo,
    VideoAnnotation,
)
from mmskelseg_io.structures.bouts import Bouts
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_io.structures.whole import whole

_SEGMENTS, _FRAMES = 'segments.json', 'risk_frames.csv'
# The highest score, of REBA.
_HIGHEST = 15
# Moments in a picture, and recordings that are named together.
_SHOWN, _NAMED = 6, 3


class RecordedRisk(NamedTuple):
    """The risk of a recording, and its poses, skeleton and angles if they are known."""

    risk: Risk
    video: VideoAnnotation | None = None
    skeleton: Layout | None = None
    posture: Posture | None = None


def read_risks(
    paths: Mapping[str, Path],
    bouts: Mapping[str, Bouts],
    classes: Sequence[str],
    station: Path | None,
) -> dict[str, RecordedRisk]:
    """Return the risk of each recording.

    Args:
        paths: The file of each: an annotation file, or a ``segments.json`` beside a
            ``risk_frames.csv``.
        bouts: Their bouts.
        classes: The names of the classes of all tiers.
        station: Table of the work in each class, for annotation files; see
            :func:`~mmskelseg_behaviour.posture.scores.read_station`.

    Raises:
        UserError: If a file has neither poses nor risk, the joints are of no person, or
            there is a station for scores that are there already.
    """
    work = read_station(station, classes) if station else {}
    files: dict[Path, AnnotationFile] = {}
    found: dict[str, RecordedRisk] = {}
    for name, path in paths.items():
        if path.suffix in ('.pkl', '.pickle'):
            data = files.setdefault(path, whole(load_annotations(path)))
            found[name] = _of_poses(data, name, bouts[name], classes, work)
            continue
        frames = _frames_of(path, name)
        if station:
            raise UserError(
                f'--station {station}: the scores in {frames} are from `segment`, '
                'whose own --station counts; segment again with this one, or leave it '
                'out.'
            )
        found[name] = RecordedRisk(_read_frames(frames, bouts[name]))
    report({name: one.posture for name, one in found.items() if one.posture})
    return found


def report(postures: Mapping[str, Posture]) -> None:
    """Print what is known of recordings, and what is left out, and why."""
    notes: dict[str, list[str]] = {}
    for name, posture in postures.items():
        notes.setdefault(posture.note(), []).append(name)
    for note, names in notes.items():
        print_log(f'{listed(names, _NAMED)}: {note}')
    if failed := left_out([one.failures for one in postures.values()]):
        print_log(failed)


def _of_poses(
    data: AnnotationFile,
    name: str,
    bouts: Bouts,
    classes: Sequence[str],
    station: Mapping[str, Work],
) -> RecordedRisk:
    (video,) = (one for one in data['annotations'] if one['frame_dir'] == name)
    meta: Metainfo = {**data['metainfo'], 'classes': [*classes]}
    label = bouts.labels(float(video['fps']), video['total_frames'])
    posture, risk = assess(video, label, meta, station)
    return RecordedRisk(risk, video, meta['skeleton'], posture)


def _frames_of(path: Path, name: str) -> Path:
    """Return the file with the scores of frames beside a prediction."""
    frames = path.with_name(path.name.removesuffix(_SEGMENTS) + _FRAMES)
    is_prediction = path.name.endswith(_SEGMENTS)
    if not is_prediction or not frames.is_file():
        lacks = f' and no {frames.name}' * is_prediction
        raise UserError(
            f'{path}: {name!r} has no poses{lacks}; leave --risk out, name an '
            'annotation file, or segment with --formats json risk-frames.'
        )
    return frames


@reads_file
def _read_frames(path: Path, bouts: Bouts) -> Risk:
    columns = [f'{method}_{end}' for method in METHODS for end in ('low', 'high')]
    rows = read_dicts(path, 'time_s', 'seen', *columns)
    cells = [
        [number(row[column], place, column) for column in ('time_s', 'seen', *columns)]
        for place, row in rows
    ]
    failed = np.array([bool(row.get('failures')) for _, row in rows])
    times, seen, *scores = np.array(cells).reshape(-1, 2 + len(columns)).T
    is_valid = np.all((np.array(scores) >= 1) & (np.array(scores) <= _HIGHEST))
    if len(times) < 2 or times[0] < 0 or (np.diff(times) <= 0).any() or not is_valid:
        raise UserError(
            f'{path}: expected the scores of two or more frames in order, from 1 to '
            f'{_HIGHEST}; segment the video again.'
        )
    fps = (len(times) - 1) / times[-1]
    spans = {
        method: Bounds(*(scores[2 * i + end].astype(int) for end in range(2)))
        for i, method in enumerate(METHODS)
    }
    return Risk(spans, bouts.labels(fps, len(times)), fps, seen > 0, failed)


def risk_rows(
    risks: Mapping[str, RecordedRisk], classes: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield the rows of :meth:`Risk.task_rows` of each recording."""
    for name, one in risks.items():
        for row in one.risk.task_rows(classes):
            yield {'video': name, **row}


def worst_moments(
    risks: Mapping[str, RecordedRisk], classes: Sequence[str]
) -> list[Moment]:
    """Return the moments of the highest REBA of recordings whose poses are known."""
    found: list[tuple[float, Moment]] = []
    for risk, video, skeleton, posture in risks.values():
        if video is None or skeleton is None or posture is None:
            continue
        for frame in risk.worst('reba', _SHOWN):
            task, words = risk.task(frame, classes), risk.words(frame, posture)
            moment = Moment(video, skeleton, frame, *task, words)
            found.append((float(risk.scores['reba'].middle[frame]), moment))
    found.sort(key=lambda pair: -pair[0])
    return [moment for _, moment in found[:_SHOWN]]
