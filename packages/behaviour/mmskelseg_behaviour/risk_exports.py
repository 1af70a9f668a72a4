"""Ergonomic risk of predictions: REBA and RULA by task, by frame, and as a picture."""

from functools import partial
from logging import WARNING
from pathlib import Path

from mmskelseg_behaviour.posture.angles import Posture
from mmskelseg_behaviour.posture.limits import left_out
from mmskelseg_behaviour.posture.scores import read_station
from mmskelseg_behaviour.posture.tasks import Risk, assess, frame_rows
from mmskelseg_io.labels.bouts import write_table
from mmskelseg_io.labels.writing import register_export
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.logs import print_log
from mmskelseg_io.structures.annotations import Metainfo
from mmskelseg_io.structures.predictions import Prediction
from mmskelseg_io.structures.tiers import flat_label, tiers_of

_register = partial(register_export, check=read_station)
# Moments in a picture.
_SHOWN = 6
_KEYS = {'keypoint', 'keypoint_3d'}


def _assessed(prediction: Prediction, station: Path | None) -> tuple[Posture, Risk]:
    classes = prediction['classes']
    meta: Metainfo = {'classes': classes, 'skeleton': prediction['skeleton']}
    if 'up' in prediction:
        meta['up'] = prediction['up']
    if 'view' in prediction:
        meta['view'] = prediction['view']
    label = flat_label(prediction['pred_label'], tiers_of(prediction))
    stated = read_station(station, classes) if station else {}
    return assess(prediction, label, meta, stated)


@_register('risk', 'risk.csv', 'REBA and RULA by task (CSV)', keys=_KEYS)
def write_risk(path: Path, prediction: Prediction, station: Path | None) -> None:
    """Write a row for each task and method; see :meth:`Risk.task_rows`."""
    posture, risk = _assessed(prediction, station)
    name = prediction['frame_dir']
    print_log(f'{name}: {posture.note()}')
    if failed := left_out([posture.failures]):
        print_log(f'{name}: {failed}')
    if station is None:
        print_log(
            f'{name}: REBA and RULA are those of postures without load, grip and '
            'activity; state these of each task by --station FILE.'
        )
    rows = [{'video': name, **row} for row in risk.task_rows(prediction['classes'])]
    if rows:
        write_table(path, rows)
    else:
        _report_unseen(name, path)


def _report_unseen(name: str, path: Path) -> None:
    print_log(
        f'{name}: no frame shows the flexion of trunk and arms, so there is no '
        f'{path.name}; use joints in 3D, or a camera that sees people in profile.',
        WARNING,
    )


@_register(
    'risk-frames',
    'risk_frames.csv',
    'REBA, RULA and joint angles by frame (CSV)',
    keys=_KEYS,
)
def write_risk_frames(path: Path, prediction: Prediction, station: Path | None) -> None:
    """Write a row for each frame; see :func:`frame_rows`."""
    posture, risk = _assessed(prediction, station)
    write_table(path, frame_rows(posture, risk, prediction['classes']))


@_register(
    'risk-picture',
    'risk.png',
    'Moments of the highest REBA (PNG)',
    keys={'keypoint'},
    package='matplotlib',
)
def draw_risk(path: Path, prediction: Prediction, station: Path | None) -> None:
    """Draw the worst moments: the frames of the video, or else skeletons."""
    import_optional('matplotlib', 'The picture')
    from mmskelseg_behaviour.drawing.moments import Moment, write_moments

    posture, risk = _assessed(prediction, station)
    frames = risk.worst('reba', _SHOWN)
    if not frames:
        _report_unseen(prediction['frame_dir'], path)
        return
    layout, classes = prediction['skeleton'], prediction['classes']
    write_moments(
        path,
        [
            Moment(
                prediction, layout, i, *risk.task(i, classes), risk.words(i, posture)
            )
            for i in frames
        ],
    )
