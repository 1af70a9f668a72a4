"""What the inferencer predicts of inputs of all kinds."""

import json

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.evaluation import to_segments
from mmskelseg.export import opening
from mmskelseg.registry import DATASETS
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.estimators import PoseEstimator
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.small_data import small_annotations
from tests.tables import read_table


@pytest.fixture
def inferencer(small_config, checkpoint):
    return inferencer_of(small_config, checkpoint(small_config))


@pytest.fixture
def entry():
    video = small_annotations()['annotations'][0]
    return {key: video[key] for key in ('keypoint', 'keypoint_score', 'fps')}


def test_prediction_is_that_of_a_test(inferencer, small_config, small_data):
    (prediction,) = inferencer(small_data, split='test')['predictions']
    dataset = DATASETS.build(small_config.test_dataloader.dataset)
    with torch.no_grad():
        (sample,) = inferencer.model.test_step(pseudo_collate([dataset[0]]))
    np.testing.assert_allclose(
        prediction['pred_score'], sample.pred_score.numpy(), atol=1e-6
    )
    label = sample.pred_score.argmax(dim=0).numpy()
    np.testing.assert_array_equal(prediction['pred_label'], label)
    expected = [
        (start, end, start / 10, end / 10, f'class_{k}', k)
        for start, end, k in to_segments(label)
    ]
    keys = ('start_frame', 'end_frame', 'start', 'end', 'label', 'label_id')
    found = [tuple(item[key] for key in keys) for item in prediction['segments']]
    assert found == expected
    first = prediction['segments'][0]
    part = sample.pred_score[first['label_id'], : first['end_frame']]
    assert first['score'] == pytest.approx(part.mean().item(), abs=1e-6)


def test_prediction_has_the_boundaries_of_a_boundary_head(
    small_config, checkpoint, small_data
):
    small_config.model.auxiliary = [{'type': 'BoundaryHead', 'num_layers': 2}]
    inferencer = inferencer_of(small_config, checkpoint(small_config))
    (prediction,) = inferencer(small_data, split='test')['predictions']
    boundary = prediction['pred_boundary']
    assert boundary.shape == prediction['pred_label'].shape
    assert np.all((boundary > 0) & (boundary < 1))
    assert 'pred_risk' not in prediction


def test_prediction_keeps_the_annotation(inferencer, small_data):
    prediction = inferencer(small_data, split='test')['predictions'][0]
    video = small_annotations()['annotations'][2]
    assert prediction['frame_dir'] == 'video_2'
    assert prediction['img_shape'] == (480, 640)
    np.testing.assert_array_equal(prediction['label'], video['label'])
    np.testing.assert_array_equal(prediction['keypoint'], video['keypoint'])
    assert prediction['classes'] == ['class_0', 'class_1', 'class_2']


def test_arrays_give_what_the_annotation_file_gives(inferencer, small_data, entry):
    """Keypoints are enough; a single person needs no axis."""
    from_file = inferencer(small_data)['predictions'][0]['pred_score']
    keypoint = entry['keypoint'][0]
    for inputs, fps in (
        (entry, None),
        (keypoint, 10),
        ({'keypoint': keypoint, 'fps': 10}, None),
    ):
        (prediction,) = inferencer(inputs, fps=fps)['predictions']
        np.testing.assert_allclose(prediction['pred_score'], from_file, atol=1e-6)
        assert prediction['fps'] == 10


def test_batches_change_nothing(inferencer, small_data):
    alone = inferencer(small_data)['predictions']
    together = inferencer(small_data, batch_size=2)['predictions']
    assert [p['frame_dir'] for p in together] == ['video_0', 'video_1', 'video_2']
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one['pred_score'], other['pred_score'], atol=1e-5)


def test_stream_makes_features_of_a_batch_when_it_is_its_turn(inferencer, small_data):
    inputs = [small_data, {'keypoint': np.zeros((5, 3, 2))}]
    batches = inferencer.stream(inputs)
    assert next(batches)['predictions'][0]['frame_dir'] == 'video_0'
    next(batches), next(batches)
    with raises_naming(ValueError, '3 joints', 'coco17'):
        next(batches)


def test_features_have_the_type_that_the_config_asks_for(small_config, checkpoint):
    pose2d = {
        'render': {
            'type': 'SkeletonCoordinates', 'dims': 2, 'scale': None, 'flatten': True,
        },
        'dtype': 'float16',
    }  # fmt: skip
    features = {'heatmap': {'_delete_': True, **pose2d}}
    small_config.merge_from_dict({'test_dataloader.dataset.features': features})
    small_config.model.branches.heatmap.in_channels = 68
    segment = inferencer_of(small_config, checkpoint(small_config))
    keypoint = np.zeros((10, 17, 2))
    assert segment({'keypoint': keypoint, 'fps': 10})['predictions']
    keypoint[3] = 1e5
    with raises_naming(ValueError, 'float16', '65504'):
        segment({'keypoint': keypoint, 'fps': 10})


def test_segments_below_the_least_score_become_unlabelled(inferencer, entry):
    prediction = inferencer(entry)['predictions'][0]
    scores = sorted(item['score'] for item in prediction['segments'])
    least = scores[len(scores) // 2]
    sure = inferencer(entry, min_score=least)['predictions'][0]
    kept = [item for item in prediction['segments'] if item['score'] >= least]
    assert sure['segments'] == kept
    gaps = np.ones(60, bool)
    for item in kept:
        gaps[item['start_frame'] : item['end_frame']] = False
    np.testing.assert_array_equal(sure['pred_label'] == -1, gaps)


def test_picture_is_returned_on_request(inferencer, entry):
    assert inferencer(entry)['visualization'] == [None]
    (image,) = inferencer(entry, return_vis=True)['visualization']
    assert image.dtype == np.uint8
    assert image.shape[2] == 3


def test_results_are_a_dataframe_of_segments(inferencer, small_data):
    results = inferencer(small_data)
    found = results.to_dataframe()
    expected = [
        (video['frame_dir'], item['start'], item['end'], item['label'], item['score'])
        for video in results['predictions']
        for item in video['segments']
    ]
    assert [*found] == ['video', 'start', 'end', 'label', 'score']
    assert [*found.itertuples(index=False, name=None)] == expected


def test_of_several_videos_the_time_budget_of_all_is_written(
    inferencer, small_data, tmp_path
):
    inferencer(small_data, out_dir=tmp_path, formats=['budget', 'budget-picture'])
    names = {path.name for path in tmp_path.iterdir()}
    assert {'video_1_time_budget.csv', 'time_budget.csv', 'time_budget.png'} <= names
    total = dict.fromkeys(('video_0', 'video_1', 'video_2', 'all'), 0.0)
    for row in read_table(tmp_path / 'time_budget.csv'):
        total[row['video']] += float(row['total_s'])
    assert total['all'] == pytest.approx(15.5, abs=0.01)
    assert total['video_0'] == pytest.approx(6, abs=0.01)


@pytest.fixture
def pair():
    """Poses of two people, of whom the second is there for 2.5 of 6 seconds."""
    video = small_annotations()['annotations'][0]
    keypoint = np.concatenate([video['keypoint'], video['keypoint'] + [300, 0]])
    score = np.repeat(video['keypoint_score'], 2, axis=0)
    score[1, :20] = score[1, 45:] = 0
    # A gap of less than a second.
    score[1, 30:33] = 0
    return Poses(keypoint, score, 'coco17', fps=10, people=('ann', 'bob'))


def test_each_person_is_predicted_as_if_alone(inferencer, pair):
    """Frames are unlabelled while the person is absent."""
    first, second = inferencer(pair, person='each', batch_size=2)['predictions']
    assert (first['frame_dir'], second['person']) == ('video_ann', 'bob')
    alone = inferencer(pair, person='ann')['predictions'][0]
    np.testing.assert_allclose(first['pred_score'], alone['pred_score'], atol=1e-5)
    np.testing.assert_array_equal(first['pred_label'], alone['pred_label'])
    absent = second['pred_label'] == -1
    assert np.flatnonzero(~absent).tolist() == list(range(20, 45))
    assert second['segments'][0]['start_frame'] == 20


def test_each_person_has_tables_and_the_video_pictures(inferencer, pair, tmp_path):
    """With batches that end between the people of a video."""
    lone = pair.noting(people=('cid', 'dan'))
    formats = ['csv', 'json', 'timeline', 'overlay', 'budget']
    inferencer(
        [pair, lone],
        person='each',
        batch_size=3,
        out_dir=tmp_path / 'out',
        formats=formats,
    )
    people = ('video_ann', 'video_bob', 'video_2_cid', 'video_2_dan')
    names = ('segments.csv', 'segments.json', 'time_budget.csv')
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        *(f'{person}_{name}' for person in people for name in names),
        *(f'{video}_timeline.png' for video in ('video', 'video_2')),
        *(f'{video}_overlay.mp4' for video in ('video', 'video_2')),
        'time_budget.csv',
    }
    content = json.loads((tmp_path / 'out' / 'video_bob_segments.json').read_text())
    assert (content['video'], content['person']) == ('video', 'bob')
    assert content['time_budget']['unlabelled'] == pytest.approx(3.5)


def test_one_person_of_each_is_named_as_well(inferencer, entry, tmp_path):
    inferencer(
        entry, person='each', out_dir=tmp_path / 'out', formats=['csv', 'timeline']
    )
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert names == {'video_person1_segments.csv', 'video_timeline.png'}


def test_joints_of_other_trackers_are_taken_by_name(inferencer, entry, tmp_path):
    """Further joints and another order change nothing."""
    expected = inferencer(entry)['predictions'][0]
    joints = ['tail', *reversed(Skeleton.get('coco17').joints)]
    keypoint = np.concatenate(
        [np.full_like(entry['keypoint'][:, :, :1], 7), entry['keypoint'][:, :, ::-1]],
        axis=2,
    )
    path = tmp_path / 'poses.npz'
    np.savez(path, keypoint=keypoint, joints=joints, fps=10.0)
    (prediction,) = inferencer(path)['predictions']
    np.testing.assert_allclose(
        prediction['pred_score'], expected['pred_score'], atol=1e-6
    )
    assert '17 of 18 joints are used' in prediction['notes']


class Standing(PoseEstimator):
    """Finds the same person everywhere."""

    skeleton = 'coco17'

    def detections(self, images):
        raise NotImplementedError

    def estimate(self, video, *, progress=True):
        point = np.random.default_rng(0).normal(50, 9, (1, 1, 17, 2))
        keypoint = np.repeat(point, 30, axis=1)
        return Poses(keypoint, np.ones((1, 30, 17)), 'coco17', (96, 128), 10.0)


def test_poses_of_a_video_are_estimated_where_there_are_none(
    small_config, checkpoint, clip
):
    inferencer = inferencer_of(
        small_config, checkpoint(small_config), pose_estimator=Standing()
    )
    (prediction,) = inferencer(clip())['predictions']
    assert prediction['estimated']
    assert prediction['pred_label'].shape == (30,)
    assert prediction['filename'].endswith('clip.mp4')


@pytest.mark.parametrize(('given', 'used'), [(None, 'cpu'), ('cuda:1', 'cuda:1')])
def test_pose_estimator_is_on_the_device_of_the_model(
    small_config, checkpoint, clip, given, used
):
    """Unless it was given one of its own."""
    estimator = Standing()
    estimator.device = given
    inferencer_of(small_config, checkpoint(small_config), pose_estimator=estimator)(
        clip()
    )
    assert estimator.device == used


@pytest.fixture
def rgb_config(small_config):
    encoder = {'type': 'GridEncoder', 'channels': 3, 'grid': (4, 4)}
    render = {'type': 'ReadVideoFrames', 'size': (16, 16)}
    small_config.test_dataloader.dataset.features = {
        'rgb': {'render': render, 'encoder': encoder}
    }
    backbone = {**small_config.model.branches.heatmap, 'in_channels': 48}
    small_config.model.branches = {'rgb': backbone}
    return small_config


def test_model_of_video_frames_needs_the_video_alone(
    rgb_config, checkpoint, clip, entry
):
    inferencer = inferencer_of(rgb_config, checkpoint(rgb_config))
    (prediction,) = inferencer(clip(fps=25.0))['predictions']
    assert prediction['pred_score'].shape == (3, 30)
    assert prediction['fps'] == 25
    assert 'keypoint' not in prediction
    with raises_naming(ValueError, 'video: ', 'frames'):
        inferencer(entry)


def test_config_comes_from_the_checkpoint(small_config, checkpoint, entry, inferencer):
    path = checkpoint(small_config, name='other.pth')
    other = inferencer_of(None, path)
    np.testing.assert_array_equal(
        other(entry)['predictions'][0]['pred_score'],
        inferencer(entry)['predictions'][0]['pred_score'],
    )


def test_checkpoint_with_other_classes_is_refused(small_config, checkpoint):
    meta = {'classes': ['a', 'b'], 'skeleton': 'coco17'}
    with raises_naming(ValueError, 'model.pth: ', ' 2 ', ' 3;'):
        SkelSegInferencer(small_config, checkpoint(small_config, meta), 'cpu')


def test_classes_come_from_the_annotation_file_where_a_checkpoint_has_none(
    small_config, checkpoint
):
    inferencer = SkelSegInferencer(small_config, checkpoint(small_config, None), 'cpu')
    assert inferencer.dataset_meta['classes'] == ['class_0', 'class_1', 'class_2']
    small_config.test_dataloader.dataset.ann_file = 'data/gone.pkl'
    with raises_naming(ValueError, 'data/gone.pkl', 'model.pth: '):
        SkelSegInferencer(small_config, checkpoint(small_config, None), 'cpu')


def test_other_features_than_in_training_are_told(
    small_config, checkpoint, monkeypatch
):
    """They would silently give wrong labels."""
    told = []
    monkeypatch.setattr(opening, 'print_log', lambda text, *_: told.append(text))
    path = checkpoint(small_config)
    SkelSegInferencer(small_config, path, 'cpu')
    assert told == []
    render = small_config.test_dataloader.dataset.features.heatmap.render
    render.limbs = False
    SkelSegInferencer(small_config, path, 'cpu')
    assert 'heatmap.render.limbs was True and is False' in told[0]


def test_ensemble_averages_probabilities(small_config, checkpoint, small_data):
    files = [checkpoint(small_config, name=f'{i}.pth', seed=i) for i in (0, 1)]

    def scores(*weights):
        segment = inferencer_of(None, weights)
        return [p['pred_score'] for p in segment(small_data)['predictions']]

    alone = [scores(file) for file in files]
    for mean, one, other in zip(scores(*files), *alone, strict=True):
        np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-6)
        assert np.abs(one - other).max() > 1e-3


def test_options_of_a_call_are_checked(inferencer, entry):
    wrong = [('batch_size', 0), *(('min_score', x) for x in ('x', 5, -0.1, np.nan))]
    for name, value in wrong:
        with raises_naming(ValueError, f'{name}={value!r},'):
            inferencer(entry, **{name: value})


def test_ensemble_refuses_a_checkpoint_of_another_model(small_config, checkpoint):
    first = checkpoint(small_config)
    small_config.model.branches.heatmap.channels = 16
    second = checkpoint(small_config, name='second.pth')
    with raises_naming(ValueError, second):
        SkelSegInferencer(None, [first, second], 'cpu')
    with raises_naming(ValueError, 'checkpoint', '[]'):
        SkelSegInferencer(small_config, [], 'cpu')
