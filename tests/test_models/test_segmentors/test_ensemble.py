"""Several checkpoints as one model, and checkpoints that do not belong together."""

import copy

import pytest
import torch
from mmengine.config import Config

from mmskelseg.models import ActionSegmentorEnsemble
from mmskelseg.registry import MODELS
from tests.errors import raises_naming
from tests.segmentors import NECK, PLAIN_HEAD, RISK, TCN, labelled_samples

FEATURES = "dict(heatmap=dict(render=dict(type='RenderSkeletonHeatmap', sigma={})))"


def config(modalities=('heatmap',), channels=8, risk=False):
    return {
        'type': 'ActionSegmentor',
        'num_classes': 4,
        'branches': {m: {**TCN, 'channels': channels} for m in modalities},
        'head': PLAIN_HEAD,
        'fusion': {'neck': NECK} if len(modalities) > 1 else None,
        'auxiliary': [RISK] if risk else [],
    }


@pytest.fixture
def save(tmp_path):
    """Save a model of random weights with what it was trained on; return the file."""

    def write(cfg, seed, classes='abcd', sigma=0.6):
        torch.manual_seed(seed)
        state = MODELS.build(copy.deepcopy(cfg)).state_dict()
        features = FEATURES.format(sigma)
        text = f'test_dataloader = dict(dataset=dict(features={features}))\n'
        meta = {'dataset_meta': {'classes': list(classes)}, 'cfg': text, 'seed': seed}
        path = tmp_path / f'seed_{seed}.pth'
        torch.save({'state_dict': state, 'meta': meta}, path)
        return path

    return write


def batch(modalities=('heatmap',), lengths=(20, 12)):
    torch.manual_seed(9)
    inputs = {m: [torch.randn(6, n) for n in lengths] for m in modalities}
    return {'inputs': inputs, 'data_samples': labelled_samples(lengths)}


@pytest.mark.parametrize('risk', [False, True])
@pytest.mark.parametrize('modalities', [('heatmap',), ('heatmap', 'rgb')])
def test_ensemble_predicts_the_mean_of_its_members(save, modalities, risk):
    """Of padded batches, of fused branches and of risk too."""
    cfg = config(modalities, risk=risk)
    files = [save(cfg, seed) for seed in (0, 1, 2)]
    ensemble = ActionSegmentorEnsemble(cfg, files).eval()
    assert ensemble.seeds == [0, 1, 2]
    assert ensemble.num_classes == 4
    with torch.no_grad():
        predicted = ensemble.test_step(batch(modalities))
        alone = []
        for file in files:
            member = MODELS.build(copy.deepcopy(cfg)).eval()
            member.load_state_dict(torch.load(file)['state_dict'])
            alone.append(member.test_step(batch(modalities)))
    for sample, *members in zip(predicted, *alone, strict=True):
        mean = sum(member.pred_score for member in members) / 3
        torch.testing.assert_close(sample.pred_score, mean)
        assert torch.equal(sample.pred_label, mean.argmax(dim=0))
        torch.testing.assert_close(sample.pred_logit, mean.log())
        for kept, member in zip(sample.members, members, strict=True):
            torch.testing.assert_close(kept['pred_score'], member.pred_score)
        if risk:
            mean = sum(member.pred_risk for member in members) / 3
            torch.testing.assert_close(sample.pred_risk, mean)


def test_ensemble_only_predicts(save):
    cfg = config()
    ensemble = ActionSegmentorEnsemble(cfg, [save(cfg, 0), save(cfg, 1)])
    with raises_naming(ValueError, "mode='loss'", "'predict'"):
        ensemble(batch()['inputs'], batch()['data_samples'], mode='loss')


def test_ensemble_names_the_checkpoint_at_fault(save, tmp_path):
    """Of another model, missing, or counted twice."""
    cfg = config()
    first, other = save(cfg, 0), save(config(channels=16), 1)
    for file, error in (
        (other, ValueError),
        (tmp_path / 'none.pth', FileNotFoundError),
        (first, ValueError),
    ):
        with raises_naming(error, file):
            ActionSegmentorEnsemble(cfg, [first, file])


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'classes': 'abdc'}, 'a, b, d, c | a, b, c, d'),
        ({'sigma': 0.9}, 'heatmap.render.sigma | 0.6 | 0.9. | tools/ensemble.py'),
    ],
)  # fmt: skip
def test_ensemble_refuses_what_learned_something_else(save, change, named):
    """Classes in another order would be averaged with each other."""
    cfg = config()
    with raises_naming(ValueError, 'seed_1.pth: ', 'seed_0.pth', named):
        ActionSegmentorEnsemble(cfg, [save(cfg, 0), save(cfg, 1, **change)])


def test_ensemble_takes_weights_that_do_not_say_what_they_learned(save, tmp_path):
    """Such as of a converter: only their shapes are checked."""
    cfg = config()
    bare = tmp_path / 'bare.pth'
    torch.save(MODELS.build(copy.deepcopy(cfg)).state_dict(), bare)
    ensemble = ActionSegmentorEnsemble(Config({'m': cfg}).m, [bare, save(cfg, 1)])
    assert ensemble.seeds == [None, 1]
