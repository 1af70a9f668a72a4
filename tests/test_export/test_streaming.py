"""Segmentors as arrays, whose streams give what whole videos get."""

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from torch import nn

from mmskelseg.export.streaming import streaming_model
from mmskelseg.models import ActionSegmentorEnsemble
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.streaming import ModelStream
from tests.errors import raises_naming
from tests.segmentors import PLAIN_HEAD

SMALL = {'channels': 8, 'num_prediction_layers': 5, 'num_refinement_layers': 4}
CAUSAL = {'type': 'MSTCNPlusPlus', 'causal': True, **SMALL}


def build(branch=CAUSAL, seed=0, **model):
    """Return a model whose random weights tell frames apart."""
    torch.manual_seed(seed)
    head = {**PLAIN_HEAD, **model.pop('head', {})}
    config = {'num_classes': 5, 'branches': {'pose2d': {'in_channels': 6, **branch}}}
    model = MODELS.build({'type': 'ActionSegmentor', 'head': head, **config, **model})
    for name, parameter in model.named_parameters():
        std = 0.9 * parameter[0].numel() ** -0.5 if name.endswith('weight') else 0.1
        nn.init.normal_(parameter, std=5 * std if 'classifiers' in name else std)
    if branch.get('standardize'):
        standardizer = model.branches['pose2d']['standardizer']
        standardizer.fit([3 * torch.randn(6, 90) + 5])
    return model.eval()


def features(frames, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(5, 3, (frames, 6)).astype(np.float32)


def offline(model, x):
    """Return the probabilities (T, K) of a whole video's features."""
    sample = ActionDataSample(metainfo={'frame_dir': 'a', 'total_frames': len(x)})
    inputs = {'pose2d': torch.from_numpy(x).T[None]}
    return model(inputs, [sample], mode='predict')[0].pred_score.numpy().T


def chunked(stream, x, sizes):
    """Return the probabilities of a stream that comes in chunks of these sizes."""
    parts, begin = [], 0
    for size in sizes:
        parts.append(stream.push(x[begin : begin + size]))
        begin += size
    return np.concatenate([*parts, stream.push(x[begin:]), stream.flush()])


@pytest.mark.parametrize(
    ('lookahead', 'frames'),
    [(0, 1), (0, 300), (1, 2), (8, 5), (8, 300), (40, 5), (40, 300)],
)
@pytest.mark.parametrize(
    ('branch', 'model'),
    [
        ({}, {}),
        ({'standardize': True}, {'members': 3}),
        ({'share_refinement': True}, {'members': 2, 'temperature': 2.5}),
        ({'num_refinements': 0}, {}),
        ({'type': 'CausalTCN', 'num_layers': 6, 'standardize': True}, {}),
    ],
)
def test_stream_gives_what_the_whole_video_gets(branch, model, lookahead, frames):
    """In whatever chunks its frames come."""
    branch = {**CAUSAL, **branch, 'lookahead': lookahead}
    if branch['type'] == 'CausalTCN':
        branch = {key: v for key, v in branch.items() if key not in {*SMALL, 'causal'}}
    model = build(branch, **model)
    x = features(frames)
    expected = offline(model, x)
    assert expected.shape == (frames, 5)
    stream = ModelStream(streaming_model(model))
    rng = np.random.default_rng(frames)
    for sizes in ((), [1] * min(frames, 99), rng.integers(0, 9, 50), [70, 64, 1, 63]):
        stream.reset()
        found = chunked(stream, x, sizes)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_random_weights_tell_frames_apart():
    """Otherwise the tests above would compare constants."""
    score = offline(build(), features(300))
    assert len(set(score.argmax(axis=1))) > 2
    assert score.max(axis=1).std() > 0.05


def test_state_does_not_grow():
    """Memory is that of the rings, however long the stream runs."""
    stream = ModelStream(streaming_model(build()))

    def size():
        return sum(array.nbytes for array in stream.state_dict().values())

    before = size()
    stream.push(features(1000))
    assert size() == before


def test_members_of_an_ensemble_standardise_by_themselves(tmp_path):
    """Checkpoints of several training runs are one stream, each at a temperature."""
    branch = {**CAUSAL, 'standardize': True, 'lookahead': 2}
    paths = []
    for seed in range(2):
        single = build(branch, seed, members=2)
        standardizer = single.branches['pose2d']['standardizer']
        standardizer.mean += seed
        paths.append(tmp_path / f'{seed}.pth')
        torch.save({'state_dict': single.state_dict()}, paths[-1])
    config = {
        'type': 'ActionSegmentor',
        'num_classes': 5,
        'branches': {'pose2d': {'in_channels': 6, **branch}},
        'head': PLAIN_HEAD,
        'members': 2,
        'temperature': 2.5,
    }
    ensemble = ActionSegmentorEnsemble(config, paths).eval()
    x = features(60)
    found = chunked(ModelStream(streaming_model(ensemble)), x, [7])
    np.testing.assert_allclose(found, offline(ensemble, x), rtol=0, atol=1e-5)
    models = [offline(model, x) for model in ensemble.members]
    np.testing.assert_allclose(found, np.mean(models, axis=0), rtol=0, atol=1e-5)
    assert abs(models[0] - models[1]).max() > 1e-2


NECK = {'neck': {'type': 'ConcatFusion', 'out_channels': 8}}


@pytest.mark.parametrize(
    ('branch', 'model', 'named'),
    [
        ({**CAUSAL, 'causal': False}, {}, 'pose2d | causal=False | configs/streaming'),
        ({'type': 'ASFormer'}, {}, 'branches.pose2d.type | ASFormer | MSTCNPlusPlus'),
        ({**CAUSAL, 'stem': {'type': 'HeatmapEncoder'}}, {}, 'branches.pose2d | stem'),
    ],
)
def test_model_that_is_not_causal_is_refused(branch, model, named):
    with raises_naming(UserError, named):
        streaming_model(build(branch, **model))


def test_model_of_several_branches_is_refused():
    branches = {name: {'in_channels': 6, **CAUSAL} for name in ('pose2d', 'pose3d')}
    with raises_naming(UserError, 'model.branches', 'pose2d, pose3d'):
        streaming_model(build(branches=branches, fusion=NECK))


def test_other_kind_of_model_is_refused():
    with raises_naming(UserError, 'model.type', 'Identity'):
        streaming_model(nn.Identity())


def test_state_and_features_of_another_model_are_refused():
    stream = ModelStream(streaming_model(build()))
    other = ModelStream(streaming_model(build(members=2)))
    with raises_naming(UserError, 'state_0_0', '(1, ', '(2, '):
        other.load_state_dict(stream.state_dict())
    with raises_naming(UserError, 'state_0_0'):
        other.load_state_dict({})
    with raises_naming(UserError, '(3, 7)', '(frames, '):
        stream.push(np.zeros((3, 7), np.float32))
