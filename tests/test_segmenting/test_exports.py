"""A prediction as files."""

import json
import sys

import matplotlib.image
import numpy as np
import pytest
from mmengine.fileio import load

from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    segments_to_tiers,
    writing,
)
from mmskelseg_io.labels.writing import EXPORTS
from mmskelseg_io.messages.dependencies import DependencyError
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import read_poses
from mmskelseg_io.structures.tiers import flat_classes, tiers_of
from mmskelseg_runtime.segmenting import exports
from mmskelseg_runtime.segmenting.exports import draw_prediction, write_exports
from mmskelseg_runtime.segmenting.predictions import (
    FileOptions,
    PredictionFiles,
    to_prediction,
)
from tests.errors import raises_naming


@pytest.fixture
def prediction():
    label = np.repeat([0, 1, -1, 0], [8, 7, 5, 10])
    starts = [(0, 8, 0), (8, 15, 1), (20, 30, 0)]
    return {
        'frame_dir': 'take',
        'fps': 10.0,
        'total_frames': 30,
        'img_shape': (96, 128),
        'skeleton': 'coco17',
        'keypoint': np.full((1, 30, 17, 2), 40.0, np.float32),
        'keypoint_score': np.ones((1, 30, 17), np.float32),
        'notes': ('assumed',),
        'classes': ['walk', 'lift'],
        'pred_label': label,
        'pred_score': np.full((2, 30), 0.5, np.float32),
        'segments': [
            {
                'start_frame': start,
                'end_frame': end,
                'start': start / 10,
                'end': end / 10,
                'label': ['walk', 'lift'][k],
                'label_id': k,
                'score': 0.5,
            }
            for start, end, k in starts
        ],
    }


def test_json_and_subtitles_hold_the_segments(prediction, tmp_path):
    files = write_exports(prediction, tmp_path, ['json', 'srt'], prefix='take_')
    content = json.loads(files[0].read_text())
    assert content['segments'] == prediction['segments']
    assert content['classes'] == ['walk', 'lift']
    assert content['notes'] == ['assumed']
    lines = (tmp_path / 'take_segments.srt').read_text().split('\n')
    assert lines[:3] == ['1', '00:00:00,000 --> 00:00:00,800', 'walk (50%)']


@pytest.mark.parametrize(
    ('name', 'package', 'needed'),
    [('nwb', 'ndx_pose', 'pynwb ndx_pose'),
     ('movement', 'h5netcdf', 'xarray h5netcdf')],
)  # fmt: skip
def test_missing_packages_are_named_before_predictions(
    name, package, needed, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    with raises_naming(DependencyError, f'--formats {name}', f'pip install {needed}.'):
        FileOptions(tmp_path, formats=['csv', name])


def test_files_of_two_people_are_not_overwritten_when_their_names_collide(
    prediction, tmp_path
):
    """Of 'a', who is 'b_c', and of 'a_b', who is 'c'."""
    options = FileOptions(tmp_path, formats=['csv'], prefix=True)
    files = PredictionFiles({'classes': ['walk', 'lift']}, options)
    files.add({**prediction, 'frame_dir': 'a_b_c', 'video': 'a', 'person': 'b_c'})
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    with raises_naming(UserError, 'a_b_c', "'a_b'", "'c'"):
        files.add({**prediction, 'frame_dir': 'a_b_c', 'video': 'a_b', 'person': 'c'})
    assert file.read_bytes() == before


def test_time_budget_is_a_table_a_picture_and_in_json(prediction, tmp_path):
    files = write_exports(prediction, tmp_path, ['budget', 'budget-picture', 'json'])
    assert [path.name for path in files[:2]] == ['time_budget.csv', 'time_budget.png']
    first = files[0].read_text().splitlines()[1]
    assert first == 'take,walk,2,1.800,0.900,60.000,0,1'
    found = json.loads(files[2].read_text())['time_budget']
    assert found['classes'][0]['total'] == pytest.approx(1.8)
    assert found['transitions'] == {'walk': {'lift': 1}}
    assert np.ptp(matplotlib.image.imread(files[1])) == 1


def test_timeline_is_wrapped_as_asked(prediction, tmp_path):
    (one,) = write_exports(prediction, tmp_path, ['timeline'])
    height = matplotlib.image.imread(one).shape[0]
    (three,) = write_exports(prediction, tmp_path, ['timeline'], line_minutes=1 / 60)
    assert matplotlib.image.imread(three).shape[0] > 1.5 * height


def test_poses_come_back(prediction, tmp_path):
    (path,) = write_exports(prediction, tmp_path, ['poses'])
    poses = read_poses(path)
    np.testing.assert_array_equal(poses.keypoint, prediction['keypoint'])
    assert (poses.fps, poses.img_shape) == (10, (96, 128))
    assert poses.skeleton == 'coco17'


@pytest.fixture
def of_tiers(prediction):
    """The prediction with a second tier."""
    label = np.stack([prediction['pred_label'], np.repeat([1, 0], [3, 27])])
    fields = {'pred_label': label, 'pred_score': np.full((4, 30), 0.5)}
    tiers = {'gait': ['walk', 'lift'], 'left hand': ['rest', 'reach']}
    meta = {'classes': flat_classes(tiers), 'tiers': tiers}
    meta['background'] = {'left hand': 'rest'}
    return to_prediction(prediction, fields, meta)


def test_backgrounds_are_known_to_exports(of_tiers, tmp_path):
    table, _ = write_exports(of_tiers, tmp_path, ['deepethogram', 'timeline'])
    header = ',background,gait: walk,gait: lift,left hand: reach'
    assert table.read_text().splitlines()[0] == header


@pytest.mark.parametrize('name', ['prediction', 'of_tiers'])
def test_labels_come_back_from_every_format(name, request, tmp_path):
    made = request.getfixturevalue(name)
    formats = ('csv', 'elan', 'boris-events', 'boris', 'label-studio')
    files = write_exports(made, tmp_path, formats)
    assert [file.name for file in files] == [EXPORTS[key].file for key in formats]
    for path in files:
        options = {'part': 'predictions'} if path.suffix == '.json' else {}
        (video,) = read_segments(path, **options)
        back = segments_to_tiers(
            video.segments, 30, 10, tiers_of(made), missing='unlabelled'
        )
        np.testing.assert_array_equal(back, made['pred_label'], str(path))


def test_by_default_there_is_no_overlay_without_a_video(prediction, tmp_path):
    names = {path.name for path in write_exports(prediction, tmp_path)}
    assert 'timeline.png' in names
    assert not names & {'overlay.mp4', 'poses.npz'}
    assert write_exports(prediction, tmp_path, ['overlay'])
    prediction['estimated'] = True
    names = {path.name for path in write_exports(prediction, tmp_path)}
    assert 'poses.npz' in names


def test_timeline_has_a_row_for_labels_that_are_known(prediction):
    without = draw_prediction(prediction)
    prediction['label'] = np.full(30, -1)
    np.testing.assert_array_equal(draw_prediction(prediction), without)
    prediction['label'] = np.zeros(30, np.int64)
    assert draw_prediction(prediction).shape[0] > without.shape[0]


def test_prediction_is_what_mmengine_writes_as_json(prediction, tmp_path):
    from mmengine.fileio import dump

    dump(prediction, tmp_path / 'all.json')
    assert load(tmp_path / 'all.json')['pred_label'] == list(prediction['pred_label'])


def test_unknown_format_is_reported(prediction, tmp_path):
    with raises_naming(ValueError, "'xml'", 'csv', 'json'):
        write_exports(prediction, tmp_path, ['xml'])


def test_writer_of_an_addition_is_offered(prediction, tmp_path, monkeypatch):
    """It takes what its parameters name; one of a recording has a file for each."""
    monkeypatch.setattr(writing, 'EXPORTS', dict(EXPORTS))
    monkeypatch.setattr(exports, 'EXPORTS', writing.EXPORTS)

    @writing.register_export('lab', 'segments.lab', 'Audacity labels')
    def write(path, video):
        path.write_text(f'{video.name} {len(video.segments)}')

    (file,) = write_exports(prediction, tmp_path, ['lab'], prefix='take_')
    assert (file.name, file.read_text()) == ('take_segments.lab', 'take 3')
    videos = [VideoSegments('a', [Segment(0, 1, 'x')]), VideoSegments('b/c', [])]
    export = writing.EXPORTS['lab']
    files = writing.write_recordings(export, videos, ['x'], tmp_path, 'labels')
    assert [file.name for file in files] == ['a_labels.lab', 'b%2Fc_labels.lab']


def test_a_writer_that_takes_something_else_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(writing, 'EXPORTS', {})
    with pytest.raises(TypeError, match=r'^lab: .* not segments$'):

        @writing.register_export('lab', 'segments.lab', 'Audacity labels')
        def write(path, segments):
            raise NotImplementedError
