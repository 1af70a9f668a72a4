"""Ergonomic risk of recordings, as `bouts --risk` writes it."""

import json

import numpy as np
import pytest

from mmskelseg_behaviour.commands.bouts import DescribeBouts
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.labels.bouts import write_table
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.tables import read_table
from tests.test_posture.people import JOINTS, filmed, person, video

BENT = person(trunk=(70, 0, 0), neck=(25, 0, 0))


def describe(tmp_path, *labels, **options) -> list[dict]:
    """Run the command, and return the rows of its table of risk."""
    out = tmp_path / 'out'
    job = DescribeBouts(labels=labels, out=out, risk=True, **options)
    job.run(PrintedEvents())
    return read_table(out / 'risk.csv')


@pytest.fixture
def annotations(tmp_path):
    """Two recordings of somebody who stands and bends, in 3D."""
    path = tmp_path / 'annotations.pkl'
    videos = []
    for name, people in (('a', [person()] * 10 + [BENT] * 10), ('b', [person()] * 10)):
        frames = len(people)
        both = {**filmed(*people), **video(*people)}
        videos.append(
            {
                **{k: np.float32(v) for k, v in both.items()},
                'frame_dir': name,
                'total_frames': frames,
                'img_shape': (480, 640),
                'fps': 10.0,
                'label': np.repeat([0, 1], 10)[:frames],
            }
        )
    meta = {
        'classes': ['stand', 'bend'], 'skeleton': {'joints': JOINTS, 'limbs': []},
        'dataset': 'station', 'background': None, 'up': 'z',
    }  # fmt: skip
    split = {'train': ['a'], 'test': ['b']}
    save_annotations({'split': split, 'annotations': videos, 'metainfo': meta}, path)
    return path


def test_risk_of_annotations_is_that_of_their_poses(annotations, tmp_path):
    station = tmp_path / 'station.csv'
    station.write_text('class,load_kg\nbend,7\n')
    rows = describe(tmp_path, annotations, station=station)
    reba = {(r['video'], r['class']): r for r in rows if r['method'] == 'REBA'}
    assert reba.keys() == {('a', 'stand'), ('a', 'bend'), ('b', 'stand')}
    # As in the test of the file of a prediction.
    assert reba['a', 'bend']['mean_low'] == '6.000'
    assert reba['b', 'stand']['mean_low'] == '1.000'
    assert (tmp_path / 'out' / 'risk.png').is_file()


@pytest.fixture
def prediction(tmp_path):
    """Segments of somebody who stands and bends, beside the scores of frames."""
    content = {
        'frame_dir': 'take', 'fps': 10, 'total_frames': 4, 'classes': ['stand', 'bend'],
        'segments': [
            {'start': 0, 'end': 0.2, 'label': 'stand'},
            {'start': 0.2, 'end': 0.4, 'label': 'bend'},
        ],
    }  # fmt: skip
    labels = tmp_path / 'take_segments.json'
    labels.write_text(json.dumps(content))
    scores = (('reba_low', 3), ('reba_high', 5), ('rula_low', 2), ('rula_high', 2))
    frames = [
        {'time_s': i / 10, 'seen': 1, **{k: v + i for k, v in scores}} for i in range(4)
    ]
    write_table(tmp_path / 'take_risk_frames.csv', frames)
    return labels


def test_risk_of_predictions_is_that_of_the_file_beside_them(prediction, tmp_path):
    stand, bend, *_ = describe(tmp_path, prediction)
    assert (stand['mean_low'], stand['mean_high']) == ('3.500', '5.500')
    assert (bend['mean_low'], bend['worst_high']) == ('5.500', '8')
    assert not (tmp_path / 'out' / 'risk.png').exists()


@pytest.mark.parametrize(
    'change', [{'reba_high': 1e300}, {'time_s': -1}, {'rula_low': 0}]
)
def test_scores_of_frames_that_cannot_be_are_named(tmp_path, change):
    content = {
        'frame_dir': 'take', 'fps': 10, 'total_frames': 2, 'classes': ['a'],
        'segments': [{'start': 0, 'end': 0.2, 'label': 'a'}],
    }  # fmt: skip
    (tmp_path / 'segments.json').write_text(json.dumps(content))
    names = ('reba_low', 'reba_high', 'rula_low', 'rula_high')
    frames = [{'time_s': i / 10, 'seen': 1, **dict.fromkeys(names, 3)} for i in (0, 1)]
    write_table(tmp_path / 'risk_frames.csv', [frames[0] | change, frames[1]])
    with raises_naming(UserError, 'risk_frames.csv', 'from 1 to 15'):
        describe(tmp_path, tmp_path / 'segments.json')


def test_labels_without_poses_have_no_risk(tmp_path):
    path = tmp_path / 'lab.csv'
    path.write_text('video,start,end,label\na,0,1,walk\n')
    match = r"lab.csv: 'a' has no poses; leave --risk out, .* risk-frames"
    with pytest.raises(UserError, match=match):
        describe(tmp_path, path)


@pytest.mark.parametrize('text', ['class\nfly\n', 'class,load_kg\nbend,heavy\n'])
def test_wrong_stations_are_named_before_anything_is_written(
    annotations, tmp_path, text
):
    station = tmp_path / 'station.csv'
    station.write_text(text)
    with raises_naming(UserError, station, 'line 2'):
        describe(tmp_path, annotations, station=station)
    assert not (tmp_path / 'out').exists()


def test_the_work_of_predictions_is_stated_to_segment(prediction, tmp_path):
    station = tmp_path / 'station.csv'
    station.write_text('class,load_kg\nbend,7\n')
    with raises_naming(UserError, station, 'take_risk_frames.csv', 'segment'):
        describe(tmp_path, prediction, station=station)


def test_the_work_of_a_station_is_for_the_risk(tmp_path):
    station, out = tmp_path / 'station.csv', tmp_path / 'out'
    job = DescribeBouts(labels=[tmp_path], out=out, station=station)
    with raises_naming(UserError, '--station', station, '--risk'):
        job.run(PrintedEvents())
