"""`mmskelseg suggest` as a user runs it, with a small model."""

import json

import numpy as np
import pytest

from mmskelseg.commands import suggest
from mmskelseg.commands.export import main as export
from mmskelseg.config_files import find_config
from mmskelseg.datasets.action_seg_dataset import ActionSegDataset
from mmskelseg_io.commands.convert import main as convert
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.labels import read_segments, segments_to_labels
from tests.errors import raises_naming
from tests.small_data import save_poses, small_annotations
from tests.tables import read_table

RECIPE = """
_base_ = {base!r}
dataset = dict(ann_file={data!r})
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = val_dataloader
model = dict(
    num_classes=3, members=2, branches=dict(pose2d=dict(in_channels=68, channels=8)))
val_evaluator = dict(num_classes=3)
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=1)
del dataset
"""


@pytest.fixture(scope='module')
def model(tmp_path_factory, untrained):
    """A config and a checkpoint of random weights, and an annotation file.

    Of its two training videos, the first is labelled in part and the other not at all.
    """
    folder = tmp_path_factory.mktemp('suggest')
    data = small_annotations((100, 80, 50))
    data['annotations'][0]['label'][40:] = -1
    data['annotations'][1]['label'][:] = -1
    save_annotations(data, folder / 'annotations.pkl')
    base = find_config('recipes/pose2d')
    text = RECIPE.format(base=str(base), data=str(folder / 'annotations.pkl'))
    (folder / 'mine.py').write_text(text)
    checkpoint = untrained(folder / 'mine.py', data['metainfo'])
    return folder / 'annotations.pkl', folder / 'mine.py', checkpoint


def run(*args):
    """Run the command in this process."""
    return suggest.main([str(arg) for arg in args], prog='mmskelseg suggest')


def test_suggestions_of_an_annotation_file(model, run_tool, tmp_path):
    """Table, JSON and drafts agree, keep the budget, and avoid labelled frames."""
    words = [*model, '--split', 'train', '--stretch', '2', '--budget', '0.1']
    words += ['--formats', 'boris', 'elan', 'label_studio', '--out', 'next']
    done = run_tool('mmskelseg', 'suggest', *words)
    out = tmp_path / 'next'
    content = json.loads((out / 'suggestions.json').read_text())
    intervals = content['stretches']
    assert [s['end'] - s['start'] for s in intervals] == [2, 2, 2]
    assert '3 intervals, 0.1 minutes, in ' in done.stdout
    assert '] Predicted video_' in done.stdout
    rows = read_table(out / 'suggestions.csv')
    assert [row['video'] for row in rows] == [s['video'] for s in intervals]
    assert all(s['start'] >= 4 for s in intervals if s['video'] == 'video_0')
    chosen = {s['video'] for s in intervals}
    assert {v['video'] for v in content['videos']} == chosen
    drafted = {video.name: video for video in read_segments(out / 'segments.boris')}
    assert drafted.keys() == chosen
    assert {path.stem for path in out.glob('*.eaf')} == chosen
    classes = [f'class_{k}' for k in range(3)]
    for video in load_annotations(model[0])['annotations']:
        wanted = video['label'] >= 0
        for interval in intervals:
            if interval['video'] == video['frame_dir']:
                wanted[interval['start_frame'] : interval['end_frame']] = True
        if video['frame_dir'] in chosen:
            label = segments_to_labels(
                drafted[video['frame_dir']].segments, wanted.size, 10, classes,
                missing='unlabelled',
            )  # fmt: skip
            np.testing.assert_array_equal(label >= 0, wanted)


def test_drafts_teach_where_they_have_labels(model, tmp_path):
    """Once converted: crops are around the labels of a long recording."""
    ann_file, *config = model
    (data,) = small_annotations((400,))['annotations']
    (tmp_path / 'poses').mkdir()
    poses = save_poses(tmp_path / 'poses' / 'new.npz', data)
    words = ['--stretch', '3', '--budget', '0.1', '--known', ann_file]
    run(poses, *config, *words, '--formats', 'elan', '--out', tmp_path / 'next')
    words = ['keypoints', tmp_path / 'poses', tmp_path / 'mine']
    words += ['--labels', tmp_path / 'next' / 'new.eaf', '--unlabelled', 'ignore']
    convert([str(word) for word in words], prog='mmskelseg convert')
    dataset = ActionSegDataset(
        str(tmp_path / 'mine' / 'annotations.pkl'), 'train', features={}, pipeline=[],
        crop_frames=40,
    )  # fmt: skip
    assert 1 <= len(dataset) <= 2
    items = [dataset[i] for i in range(len(dataset))]
    assert all((item['label'] >= 0).sum() >= 20 for item in items)


def test_members_of_a_checkpoint_disagree(model, tmp_path):
    weights = ['--weights', 'uncertainty=0', 'boundary=0', 'rarity=0']
    run(*model, '--split', 'train', '--stretch', '2', '--out', tmp_path, *weights)
    (first, *_) = json.loads((tmp_path / 'suggestions.json').read_text())['stretches']
    assert first['disagreement'] == first['score'] > 1


def test_new_poses_are_suggested_by_what_is_rare_among_labels(model, tmp_path, capsys):
    data, config, checkpoint = model
    video = small_annotations()['annotations'][2]
    poses = save_poses(tmp_path / 'new.npz', video)
    words = [poses, config, checkpoint, '--known', data]
    run(*words, '--out', tmp_path / 'out', '--weights', 'disagreement=0')
    assert '1 intervals, 0.1 minutes, in 1 of 1 videos' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        (['--weights', 'luck=1'], 'luck=1 | disagreement, uncertainty'),
        (['--budget', '0.001'], '0.001 minutes | --budget | --stretch'),
        (['--split', 'gone'], "annotations.pkl | 'gone' | train, test"),
        (['--split', 'test'], '1 videos | --ignore-labels'),
    ],
)
def test_errors_are_a_sentence(model, tmp_path, options, named):
    with raises_naming(SystemExit, named):
        run(*model, '--out', tmp_path / 'out', *options)
    assert not (tmp_path / 'out').exists()


def test_exported_model_suggests_the_same(model, tmp_path):
    data, config, checkpoint = map(str, model)
    export([config, checkpoint, str(tmp_path / 'm.onnx')])
    words = ['--split', 'train', '--stretch', '2', '--out']
    run(*model, *words, tmp_path / 'one')
    run(data, tmp_path / 'm.onnx', *words, tmp_path / 'other')
    one, other = (tmp_path / name / 'suggestions.csv' for name in ('one', 'other'))
    assert one.read_text() == other.read_text()


def test_models_that_cannot_suggest_are_named(model):
    data, config, _ = model
    for words, named in (
        ([data, config], f'{config} | work_dirs/mine | mmskelseg train'),
        ([data], 'CONFIG | .pth | .onnx'),
    ):
        with raises_naming(SystemExit, named):
            run(*words)


def test_classes_of_known_labels_are_those_of_the_model(model, tmp_path):
    other = small_annotations(num_classes=4)
    save_annotations(other, tmp_path / 'other.pkl')
    classes = 'class_0, class_1, class_2, class_3'
    with raises_naming(SystemExit, tmp_path / 'other.pkl', classes):
        run(*model, '--known', tmp_path / 'other.pkl', '--out', tmp_path)
    # Otherwise, the drafts would lack the labels.
    with raises_naming(SystemExit, 'video_0', classes):
        run(tmp_path / 'other.pkl', *model[1:], '--out', tmp_path)
