"""Exported models give what PyTorch gives."""

import copy
import json
import tempfile
from functools import partial
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch

from mmskelseg.export.export import export_onnx
from mmskelseg.registry import MODELS
from mmskelseg_io.files.arrays import gathered
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime import OnnxSegmenter
from mmskelseg_runtime.segmenting import onnx_predictor, segmenter
from mmskelseg_runtime.segmenting.model_files import ModelFile
from mmskelseg_runtime.segmenting.onnx_sessions import Session
from mmskelseg_runtime.segmenting.segmenter import Segmenter
from tests.errors import raises_naming
from tests.inferring import inferencer_of, prediction_of
from tests.test_segmenting.conftest import CLASSES, make_config

SMALL = {'channels': 8}
SHALLOW = {**SMALL, 'num_refinement_layers': 3, 'num_refinements': 1}
MS_TCN = {**SHALLOW, 'num_prediction_layers': 4}
GCN = {'graph_channels': (4, 4), 'stem_channels': 14, 'num_levels': 2}
NETWORK = {
    'type': 'mmaction.STGCN', 'graph_cfg': {'mode': 'stgcn_spatial'}, 'down_stages': [],
    'base_channels': 16, 'num_stages': 4, 'inflate_stages': [3],
}  # fmt: skip
BOUNDARY = {
    'type': 'BoundaryHead', 'channels': 8, 'num_layers': 3, 'num_refinements': 1,
}  # fmt: skip
FUSION = make_config('recipes/uwiom_pose2d.py', {'pose2d': MS_TCN}, members=1)
FUSION.merge_from_dict(
    {
        'model.branches.heatmap': {
            'type': 'MSTCNPlusPlus', 'in_channels': 42, **MS_TCN,
        },
        'model.fusion': {'neck': {'type': 'ConcatFusion', 'out_channels': 8}},
        'test_dataloader.dataset.features.heatmap': {
            'render': {'type': 'RenderSkeletonHeatmap', 'size': (20, 24)},
            # Which divides no side.
            'encoder': {'type': 'GridEncoder', 'grid': (6, 7)},
            'dtype': 'float16',
        },
    }
)  # fmt: skip
CONFIGS = {
    'ASFormer': make_config(
        'asformer/uwiom_pose2d.py',
        {'pose2d': {**SMALL, 'num_layers': 6, 'num_decoders': 1, 'reduction': 1}},
    ),
    'boundaries': make_config(
        'asrf/uwiom_pose2d.py', {'pose2d': MS_TCN}, auxiliary=[BOUNDARY]
    ),
    'GCNTCN and risk': make_config(
        'mtl/uwiom_pose3d.py',
        {'pose3d': {**GCN, 'out_channels': 8}},
        auxiliary=[{'type': 'RiskHead', 'channels': 8, 'num_layers': 1}],
    ),
    'MSGCN': make_config(
        'ms_gcn/uwiom_pose3d.py', {'pose3d': {**SHALLOW, 'num_layers': 3}}
    ),
    'PyramidGCN': make_config(
        'st_pgn/uwiom_pose3d.py', {'pose3d': {**SMALL, 'num_layers': 2}}
    ),
    'ST-GCN': make_config(
        'stgcn/uwiom_pose3d.py',
        {'pose3d': {**SHALLOW, 'network': NETWORK, 'network_channels': 32}},
    ),
    'causal': make_config('streaming/uwiom_pose2d.py', {'pose2d': MS_TCN}, members=1),
    'small encoder': make_config(
        'recipes/uwiom_heatmap_cnn.py',
        {
            'heatmap': {
                **MS_TCN,
                'stem': {'type': 'HeatmapEncoder', 'arch': (4, 8), 'out_channels': 8},
            }
        },
        members=3,
    ),
    'fusion': FUSION,
}
CONFIGS['small encoder, float16'] = copy.deepcopy(CONFIGS['small encoder'])
CONFIGS['small encoder, float16'].merge_from_dict(
    {'test_dataloader.dataset.features.heatmap.dtype': 'float16'}
)


def check_same(found, expected):
    """Labels are the same, probabilities and the like within 1e-5."""
    np.testing.assert_array_equal(found['pred_label'], expected['pred_label'])
    for key in ('pred_score', 'pred_entropy', 'pred_risk', 'pred_boundary'):
        assert (key in found) == (key in expected)
        if key in found:
            np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=1e-5)


@pytest.mark.parametrize('name', CONFIGS)
def test_every_segmentor_gives_what_pytorch_gives(name, export, person):
    checkpoint, file = export(CONFIGS[name])
    inferencer = inferencer_of(CONFIGS[name], checkpoint)
    segment = OnnxSegmenter(file, show_progress=False)
    for frames in (1, 2, 130 if 'small encoder' in name else 300):
        video = person(frames)
        (expected,) = inferencer(video)['predictions']
        (found,) = segment(video)['predictions']
        check_same(found, expected)
    assert len(expected['segments']) > 1
    assert found['segments'][0].keys() == expected['segments'][0].keys()
    # A graph gives the mean of the members' probabilities, not those of each.
    assert found.keys() == expected.keys()


WALK = {'classes': ['walk'], 'skeleton': 'coco17'}
UNREAD = Segmenter(SimpleNamespace(metainfo=WALK, recipes=[], device=None))


def test_option_that_does_not_exist_or_fit_is_named_at_once():
    for wrong, right in (('persons', 'person'), ('mins_score', 'min_score')):
        with raises_naming(TypeError, f'{wrong!r} | {right!r}'):
            UNREAD.stream('take1.json', **{wrong: 0.5})
    for option in ('fps', 'min_score', 'codec'):
        with raises_naming(UserError, f'{option}=-1'):
            UNREAD.stream('take1.json', **{option: -1})


def test_wrong_station_is_named_before_a_video_is_read(tmp_path):
    station = tmp_path / 'station.csv'
    station.write_text('class\nfly\n')
    with raises_naming(UserError, station, 'fly', 'walk'):
        UNREAD.stream('no.mp4', station=station, formats=['risk'])


def test_pairs_give_what_pytorch_gives(export, person):
    """Who else is there counts, and a video of one person is no fault."""
    cfg = make_config(
        'recipes/uwiom_pose2d.py', {'pose2d': {**MS_TCN, 'in_channels': 102}}, members=1
    )
    render = {'type': 'PairCoordinates', 'dims': 2}
    cfg.test_dataloader.dataset.features.pose2d.render = render
    checkpoint, file = export(cfg)
    segment = OnnxSegmenter(file, show_progress=False)
    video, other = person(200), person(200, seed=1)
    # Apart from the first, or else both cannot be told apart.
    other['keypoint'] += 1000
    together = {
        **video,
        'individual': 0,
        **{
            key: np.concatenate([video[key], other[key]])
            for key in ('keypoint', 'keypoint_3d', 'keypoint_score')
        },
    }
    found = [segment(item)['predictions'][0] for item in (video, together)]
    for one, item in zip(found, (video, together), strict=True):
        check_same(one, prediction_of(cfg, checkpoint, item))
    assert np.abs(found[0]['pred_score'] - found[1]['pred_score']).max() > 0.1
    # An entry that says whose it is stays one; without it, both have their labels.
    (only,) = segment(together, person='each')['predictions']
    np.testing.assert_array_equal(only['pred_score'], found[1]['pred_score'])
    del together['individual']
    first, second = segment(together, person='each')['predictions']
    assert len(second['keypoint']) == 1
    np.testing.assert_array_equal(first['pred_score'], found[1]['pred_score'])
    swapped = {
        key: x[::-1] if key[:8] == 'keypoint' else x for key, x in together.items()
    }
    (expected,) = segment({**swapped, 'individual': 0})['predictions']
    np.testing.assert_array_equal(second['pred_score'], expected['pred_score'])


def test_long_video_gives_what_pytorch_gives(coordinates, recipe, person):
    checkpoint, file = recipe
    video = person(20000)
    found = OnnxSegmenter(file, show_progress=False)(video)['predictions'][0]
    check_same(found, prediction_of(coordinates, checkpoint, video))
    assert len(found['segments']) > 2


def test_long_videos_are_computed_in_chunks_with_the_same_result(
    recipe, person, monkeypatch
):
    video = person(500)
    whole = OnnxSegmenter(recipe[1], show_progress=False)
    expected = whole(video)['predictions'][0]
    monkeypatch.setattr(onnx_predictor, '_CHUNK', 64)
    lengths = []
    run = Session.run

    def counted(self, outputs, inputs):
        lengths.append(np.ptp(inputs['range']))
        return run(self, outputs, inputs)

    monkeypatch.setattr(Session, 'run', counted)
    check_same(whole(video)['predictions'][0], expected)
    assert len(lengths) == 8
    assert max(lengths) < 300


def test_graph_reads_joints_and_scores_alone(recipe, person):
    """A file needs nothing of ours but what its metadata says."""
    (expected,) = OnnxSegmenter(recipe[1], show_progress=False)(person(200))[
        'predictions'
    ]
    session = onnxruntime.InferenceSession(str(recipe[1]))
    assert [item.name for item in session.get_inputs()] == ['keypoints', 'scores']
    video = person(200)
    feed = {'keypoints': video['keypoint'], 'scores': video['keypoint_score']}
    (found,) = session.run(['probabilities'], feed)
    np.testing.assert_allclose(found.T, expected['pred_score'], rtol=0, atol=1e-6)
    part = {**feed, 'range': np.array([40, 90])}
    (found,) = session.run(['probabilities'], part)
    assert found.shape == (50, 4)


def test_graph_of_features_gives_the_same_as_that_of_joints(
    coordinates, recipe, person, tmp_path
):
    """As graphs did before they could read joints."""
    file = tmp_path / 'model.onnx'
    export_onnx(coordinates, recipe[0], file, inputs='features')
    assert [*ModelFile.open(file).session.inputs] == ['features_pose2d']
    found, expected = (
        OnnxSegmenter(each)(person(200))['predictions'][0] for each in (file, recipe[1])
    )
    check_same(found, expected)


def test_features_too_large_for_the_memory_change_no_prediction(
    coordinates, recipe, person, tmp_path, monkeypatch
):
    """They lie in a file of the folder for temporary ones, which is left empty."""
    checkpoint, file = recipe
    video = person(60)
    segmenters = inferencer_of(coordinates, checkpoint), OnnxSegmenter(file)
    expected = [segment(video)['predictions'][0] for segment in segmenters]
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
    (tmp_path / 'temporary').mkdir()
    monkeypatch.setattr(segmenter, 'gathered', partial(gathered, max_bytes=0))
    for segment, one in zip(segmenters, expected, strict=True):
        found = segment(video)['predictions'][0]
        np.testing.assert_array_equal(found['pred_score'], one['pred_score'])
        assert not list((tmp_path / 'temporary').iterdir())


def test_ensemble_is_the_mean_of_its_checkpoints(coordinates, save, person, tmp_path):
    """Each has two networks, whose mean is at a temperature."""
    coordinates = copy.deepcopy(coordinates)
    coordinates.model.temperature = 2.5
    files = [save(coordinates, f'{seed}.pth', seed=seed) for seed in (0, 1)]
    export_onnx(coordinates, files, tmp_path / 'ensemble.onnx')
    video = person(60)
    (found,) = OnnxSegmenter(tmp_path / 'ensemble.onnx')(video)['predictions']
    check_same(found, prediction_of(coordinates, files, video))
    single = prediction_of(coordinates, files[0], video)
    assert np.abs(found['pred_score'] - single['pred_score']).max() > 0.01


@pytest.mark.parametrize('given', ['poses', 'video'])
def test_model_of_joints_in_3d_says_so_where_there_are_none(
    export, person, clip, given
):
    """By its name, and before poses are estimated."""
    checkpoint, file = export(CONFIGS['GCNTCN and risk'])
    video = person(30)
    del video['keypoint_3d']
    found = video if given == 'poses' else str(clip())
    for model in (
        OnnxSegmenter(file),
        inferencer_of(CONFIGS['GCNTCN and risk'], checkpoint),
    ):
        with raises_naming(UserError, model.predictor.name, '3D | mmskelseg fit') as e:
            model(found)
        assert 'SkeletonCoordinates' not in str(e.value)
    assert model.predictor.name == str(checkpoint)


def test_post_processing_comes_with_the_file(save, person, tmp_path):
    steps = [
        {'type': 'MinDuration'},
        {'type': 'CausalMinDuration', 'frames': 5},
        {'type': 'BoundaryRefinement', 'threshold': 0.4},
    ]
    plain = make_config(
        'asrf/uwiom_pose2d.py', {'pose2d': MS_TCN}, auxiliary=[BOUNDARY]
    )
    checkpoint = save(plain, video=person(200))
    cfg = copy.deepcopy(plain)
    cfg.model.postprocess = steps
    content = torch.load(checkpoint, weights_only=False)
    model = MODELS.build(cfg.model)
    model.load_state_dict(content['state_dict'], strict=False)
    rng = np.random.default_rng(0)
    model.postprocess[0].fit([np.repeat(rng.integers(0, 4, 9), 12) for _ in range(4)])
    torch.save({**content, 'state_dict': model.state_dict()}, checkpoint)
    export_onnx(cfg, checkpoint, tmp_path / 'model.onnx')
    video = person(200)
    (found,) = OnnxSegmenter(tmp_path / 'model.onnx')(video)['predictions']
    check_same(found, prediction_of(cfg, checkpoint, video))
    raw = found['pred_score'].argmax(axis=0)
    assert (found['pred_label'] != raw).any()


def test_frames_of_a_video_are_encoded_by_the_graph_in_the_file(
    save, person, clip, tmp_path
):
    cfg = make_config('skelseg/toy_fusion.py', {'heatmap': MS_TCN, 'rgb': MS_TCN})
    meta = {'classes': CLASSES, 'skeleton': 'lcr15', 'fps': 10.0}
    checkpoint = save(cfg, meta=meta)
    export_onnx(cfg, checkpoint, tmp_path / 'model.onnx')
    entry = {**person(30), 'filename': str(clip())}
    (found,) = OnnxSegmenter(tmp_path / 'model.onnx')(entry)['predictions']
    check_same(found, prediction_of(cfg, checkpoint, entry))


def test_file_says_what_it_is(recipe, coordinates):
    metadata = ModelFile.open(recipe[1]).metadata
    render = metadata['branches']['pose2d'].pop('render')
    assert render['type'] == 'SkeletonCoordinates'
    assert render['skeleton'] == 'lcr15'
    wanted = {
        'format': 1,
        'kind': 'segmentor',
        'classes': CLASSES,
        'skeleton': 'lcr15',
        'fps': 10.0,
        'data': {'name': 'Small', 'license': 'CC-BY-4.0', 'videos': 7},
        'branches': {'pose2d': {'dtype': 'float32', 'images': False}},
        'postprocess': [],
        'lookahead': None,
        # Of the prediction stage 2 ** 3 + 4 + 4 + 8, of three others 7 each.
        'context': 24 + 7,
        'precision': 'float32',
        'checkpoints': ['model.pth'],
        'opset': 17,
    }
    assert {key: metadata[key] for key in wanted} == wanted
    assert json.loads(json.dumps(metadata)) == metadata


def test_smaller_numbers_are_nearly_the_same(coordinates, recipe, person, tmp_path):
    file = tmp_path / 'model.onnx'
    report = export_onnx(coordinates, recipe[0], file, precision='float16')
    assert 1e-7 < report.error < 5e-3
    assert report.size == file.stat().st_size
    video = person(200)
    # Where 16 bits would round pixels to multiples of 16.
    video['keypoint'] += 30000
    (exact,) = OnnxSegmenter(recipe[1])(video)['predictions']
    (found,) = OnnxSegmenter(file)(video)['predictions']
    assert np.abs(found['pred_score'] - exact['pred_score']).max() < 5e-3
    assert (found['pred_label'] == exact['pred_label']).mean() > 0.95
    assert ModelFile.open(file).metadata['precision'] == 'float16'


def test_encoder_in_the_file_gives_features(export):
    file = ModelFile.open(export(CONFIGS['fusion'])[1])
    images = np.random.default_rng(0).random((3, 1, 20, 24), np.float32)
    (features,) = file.encoders['heatmap'].run(
        ['encoded_heatmap'], {'images_heatmap': images}
    )
    # Of the third column of seven, from pixel 6 to 10 of 24, in the first of six rows.
    assert features[2, 2] == pytest.approx(images[2, 0, :4, 6:11].mean(), abs=1e-6)
