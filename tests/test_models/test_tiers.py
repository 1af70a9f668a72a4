"""Segmentors of several tiers, each with a distribution of its own."""

import pickle

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample

from mmskelseg.evaluation.ensembles import average_dumps, labelled
from mmskelseg.models.auxiliary.part import NetworkOutput, StageOutput, Targets
from mmskelseg.models.auxiliary.timestamps import complete_labels
from mmskelseg.models.postprocessors import build_postprocessors
from mmskelseg.registry import MODELS
from tests.errors import raises_naming
from tests.segmentors import (
    ASFORMER,
    BOUNDARY,
    CAUSAL,
    GCN_TCN,
    HEAD,
    MS_GCN,
    PYRAMID_GCN,
    TCN,
    build_segmentor,
    random_videos,
)

BACKBONES = [TCN, ASFORMER, CAUSAL, GCN_TCN, MS_GCN, PYRAMID_GCN]


def samples_of(frames):
    """Return a sample with labels of two tiers, the second of three classes."""
    label = np.stack([np.arange(frames) // 7 % 2, np.arange(frames) // 5 % 3])
    label[0, 3] = -1
    sample = ActionDataSample(metainfo={'total_frames': frames})
    sample.set_gt_label(label)
    return [sample]


@pytest.mark.parametrize('backbone', BACKBONES, ids=lambda cfg: cfg['type'])
def test_each_tier_has_probabilities_and_labels_of_its_own(backbone):
    """Also averaged over members; a loss reaches all weights."""
    model = build_segmentor({'pose': backbone}, tiers=[2, 3], members=2)
    inputs = random_videos({'pose': backbone}, 40)
    sum(model(inputs, samples_of(40), mode='loss').values()).backward()
    (found,) = model.eval()(inputs, samples_of(40), mode='predict')
    assert found.pred_label.shape == (2, 40)
    for rows, label in zip((slice(2), slice(2, 5)), found.pred_label, strict=True):
        score = found.pred_score[rows]
        torch.testing.assert_close(score.sum(0), torch.ones(40))
        assert label.tolist() == score.argmax(0).tolist()
    logits = model(inputs, mode='tensor')[-1, 0].detach()
    torch.testing.assert_close(logits[2:].softmax(0), found.pred_score[2:])


def test_a_temperature_is_that_of_every_tier():
    model = build_segmentor({'pose': TCN}, tiers=[2, 3], temperature=2.0).eval()
    inputs = random_videos({'pose': TCN}, 40)
    (found,) = model(inputs, samples_of(40), mode='predict')
    logits = model(inputs, mode='tensor')[-1, 0].detach()
    for rows in (slice(2), slice(2, 5)):
        expected = (logits[rows] / 2).softmax(0)
        torch.testing.assert_close(found.pred_score[rows], expected)


def test_losses_are_the_means_of_those_of_each_tier():
    weights = [1.0, 2.0, 0.5, 1.5, 3.0]
    cls = {'type': 'FrameCrossEntropyLoss', 'boundary_smoothing': 1}

    def head(num_classes, class_weight, **options):
        loss = {**cls, 'class_weight': class_weight}
        cfg = {**HEAD, 'in_channels': 4, 'num_stages': 2, 'loss_cls': loss}
        return MODELS.build({**cfg, 'num_classes': num_classes, **options})

    torch.manual_seed(0)
    logits = torch.randn(2, 1, 5, 40)
    labels = torch.from_numpy(np.asarray(samples_of(40)[0].gt_label))[None]
    found = head(5, weights, tiers=[2, 3]).loss(logits, labels)
    first = head(2, weights[:2]).loss(logits[:, :, :2], labels[:, 0])
    second = head(3, weights[2:]).loss(logits[:, :, 2:], labels[:, 1])
    for key, value in first.items():
        torch.testing.assert_close(found[key], (value + second[key]) / 2)


def two_tiers(**loss_cls):
    """Return a head of two tiers of two classes, and its logits of three frames."""
    loss = {'type': 'FrameCrossEntropyLoss', **loss_cls}
    cfg = {**HEAD, 'in_channels': 4, 'num_stages': 1, 'loss_cls': loss}
    head = MODELS.build({**cfg, 'num_classes': 4, 'tiers': [2, 2]})
    scores = torch.tensor([[0.9, 0.4, 0.5], [0.1, 0.6, 0.5], [0.8, 0.3, 0.5]])
    scores = torch.cat([scores, 1 - scores[2:]])
    return head, scores.log()[None, None]


def test_combinations_of_classes_compete_with_those_of_the_batch():
    head, logits = two_tiers()
    # Both classes 0, both 1, and a frame that counts in the first tier alone.
    labels = torch.tensor([[[0, 1, 0], [0, 1, -1]]])
    right = [0.9 * 0.8 / (0.9 * 0.8 + 0.1 * 0.2), 0.6 * 0.7 / (0.6 * 0.7 + 0.4 * 0.3)]
    expected = -np.log(right).mean() / 2
    assert head.loss(logits, labels)['loss_joint'] == pytest.approx(expected)


def test_a_combination_has_the_mean_class_weight_of_its_parts():
    head, logits = two_tiers(class_weight=[1.0, 2.0, 3.0, 6.0])
    labels = torch.tensor([[[0, 1, 0], [0, 1, -1]]])
    right = [0.9 * 0.8 / (0.9 * 0.8 + 0.1 * 0.2), 0.6 * 0.7 / (0.6 * 0.7 + 0.4 * 0.3)]
    expected = -np.dot([2, 4], np.log(right)) / 6 / 2
    assert head.loss(logits, labels)['loss_joint'] == pytest.approx(expected)


def test_frames_without_labels_in_all_tiers_have_no_joint_loss():
    head, logits = two_tiers()
    labels = torch.tensor([[[0, 1, -1], [-1, -1, 1]]])
    assert head.loss(logits, labels)['loss_joint'] == 0


def test_a_boundary_of_any_tier_is_a_boundary():
    head = MODELS.build({**BOUNDARY, 'in_channels': 4, 'positive_weight': 1.0})
    logits = torch.zeros(1, 1, 1, 4)
    labels = torch.tensor([[[0, 0, 1, 1], [0, 0, 0, -1]]])
    sure = logits.clone()
    sure[0, 0, 0] = torch.tensor([-50.0, -50, 50, -50])
    loss = head.loss(sure, Targets(labels, labels))['loss_boundary']
    assert loss == pytest.approx(0, abs=1e-6)


def test_one_tier_is_the_model_without_tiers():
    inputs, results = random_videos({'pose': TCN}, 40), []
    steps = [{'type': 'MinDuration'}]
    for tiers in (None, [5]):
        model = build_segmentor({'pose': TCN}, tiers=tiers, postprocess=steps)
        label = samples_of(40)[0].gt_label[1]
        model.postprocess[0].fit([label.numpy()])
        sample = ActionDataSample(metainfo={'total_frames': 40}).set_gt_label(label)
        losses = model(inputs, [sample], mode='loss')
        (found,) = model.eval()(inputs, [sample], mode='predict')
        results.append([*losses.values(), found.pred_label, found.pred_score])
    assert all(map(torch.equal, *results))


def test_decoding_of_each_tier_is_fitted_to_its_labels():
    model = build_segmentor(
        {'pose': TCN}, tiers=[2, 3], postprocess=[{'type': 'MinDuration'}]
    ).eval()
    label = samples_of(70)[0].gt_label.numpy()
    for steps in model.steps_of_tiers:
        steps[0].fit([label[steps[0].tier]])
    assert [int(steps[0].shortest) for steps in model.steps_of_tiers] == [3, 5]
    (found,) = model(random_videos({'pose': TCN}, 70), samples_of(70), mode='predict')
    for row, shortest in zip(found.pred_label.numpy(), (3, 5), strict=True):
        cuts = np.flatnonzero(np.diff(row)) + 1
        assert (np.diff([0, *cuts, 70]) >= shortest).all()
    assert found.raw_label.shape == (2, 70)


def test_labels_of_other_tiers_are_refused():
    model = build_segmentor({'pose': TCN}, tiers=[2, 3])
    sample = ActionDataSample(metainfo={'total_frames': 40, 'frame_dir': 'walk_7'})
    sample.set_gt_label(np.zeros(40, np.int64))
    with raises_naming(ValueError, 'walk_7', '(40,)', '(2, 40)', 'model.tiers'):
        model(random_videos({'pose': TCN}, 40), [sample], mode='loss')
    with raises_naming(ValueError, 'model.tiers=[2, 2]', ' 4 ', 'num_classes=5'):
        build_segmentor({'pose': TCN}, tiers=[2, 2])


def test_timestamps_of_each_tier_are_completed(at):
    at(1, 1)
    model = build_segmentor(
        {'pose': TCN}, tiers=[2, 3], auxiliary=[{'type': 'TimestampSupervision'}]
    )
    (sample,) = samples_of(40)
    label = torch.full((2, 40), -1)
    label[0, [5, 30]] = torch.tensor([0, 1])
    label[1, [2, 20]] = torch.tensor([2, 0])
    sample.set_gt_label(label)
    losses = model(random_videos({'pose': TCN}, 40), [sample], mode='loss')
    assert losses['loss_confidence'] > 0
    features = torch.arange(40.0).expand(1, 8, 40)
    output = NetworkOutput(stages=[StageOutput(features)])
    targets = Targets(label[None], label[None], [40])
    (found,) = model.timestamps.complete(output, targets).labels
    for row, stamps in zip(found, label, strict=True):
        assert torch.equal(row, complete_labels(features[0].T, stamps))
        assert (row >= 0).all()


def test_all_tiers_change_at_the_boundaries_that_a_model_finds():
    score = torch.tensor([0.9, 0.8, 0.1, 0.2])
    prediction = {
        'pred_score': torch.stack([score, 1 - score, 1 - score, score]),
        'pred_boundary': torch.tensor([0.0, 0.9, 0.0, 0.0]),
    }
    steps = build_postprocessors([{'type': 'BoundaryRefinement'}], [2, 2])
    found = labelled(prediction, [2, 2], steps)
    assert found['raw_label'].tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]
    assert all(np.flatnonzero(np.diff(row)) == [0] for row in found['pred_label'])


def test_ensembles_average_the_probabilities_of_each_tier(tmp_path):
    """Dumps of tests, too, which name their tiers."""
    scores = [[[0.9], [0.1], [0.6], [0.4]], [[0.3], [0.7], [0.1], [0.9]]]
    paths = []
    for i, score in enumerate(scores):
        sample = {
            'frame_dir': 'a',
            'pred_label': torch.zeros(2, 1, dtype=torch.int64),
            'pred_score': torch.tensor(score),
            'gt_label': torch.tensor([[0], [1]]),
            'tiers': {'gaze': ['up', 'down'], 'hand': ['rest', 'wave']},
        }
        paths.append(tmp_path / f'{i}.pkl')
        paths[-1].write_bytes(pickle.dumps([sample]))
    (found,) = average_dumps(paths)
    assert found['pred_label'].tolist() == [[0], [1]]
