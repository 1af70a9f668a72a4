"""Means of predictions by hand, of dumps, and dumps that do not belong together."""

import pytest
import torch

from mmskelseg.evaluation import SegmentationMetric
from mmskelseg.evaluation.ensembles import average_dumps, average_predictions, labelled
from mmskelseg.evaluation.metrics import DumpPredictions
from mmskelseg.evaluation.predictions import load_samples
from mmskelseg_behaviour.functional.report import format_members
from tests.dumped import ONE, OTHER, prediction, sample
from tests.errors import raises_naming


def test_average_takes_the_likeliest_class_of_the_mean():
    averaged = average_predictions([prediction(ONE), prediction(OTHER)])
    expected = torch.tensor([[0.275, 0.6], [0.45, 0.4], [0.275, 0.0]])
    torch.testing.assert_close(averaged['pred_score'], expected)
    assert averaged['pred_logit'].isfinite().all()
    torch.testing.assert_close(averaged['pred_logit'].softmax(dim=0), expected)
    assert labelled(averaged)['pred_label'].tolist() == [1, 0]
    for member in (ONE, OTHER):
        assert member.argmax(dim=0).tolist() != [1, 0]
    assert 'pred_risk' not in averaged


def test_average_follows_the_weights():
    """Weights are relative; a weight of 0 leaves a member out."""
    members = [prediction(ONE), prediction(OTHER)]
    averaged = average_predictions(members, [6, 2])['pred_score']
    torch.testing.assert_close(averaged, (3 * ONE + OTHER) / 4)
    alone = average_predictions(members, [0, 5])['pred_score']
    torch.testing.assert_close(alone, OTHER)


@pytest.mark.parametrize('field', ['pred_risk', 'pred_boundary'])
def test_average_of_another_field_needs_that_of_every_member(field):
    members = [prediction(ONE), prediction(OTHER)]
    members[0][field] = torch.tensor([1.0, 2.0])
    assert field not in average_predictions(members)
    members[1][field] = torch.tensor([3.0, 6.0])
    assert average_predictions(members)[field].tolist() == [2.0, 4.0]


@pytest.fixture
def dump(tmp_path):
    """Write samples as a test does; return the file."""

    def write(name, samples, classes=('walk', 'stand', 'rest'), background='rest'):
        path = tmp_path / name
        metric = DumpPredictions(str(path))
        metric.dataset_meta = {'classes': list(classes), 'background': background}
        metric.process(None, samples)
        metric.compute_metrics(metric.results)
        return path

    return write


def test_dump_keeps_classes_and_leaves_members_out(dump):
    """So that an ensemble's file can be part of another one."""
    path = dump('one.pkl', [{**sample(ONE), 'members': [prediction(ONE)]}])
    kept = load_samples(path)['a']
    assert kept['classes'] == ['walk', 'stand', 'rest']
    assert kept['background'] == 'rest'
    assert 'members' not in kept
    torch.testing.assert_close(kept['pred_score'], ONE)


def test_average_dumps_goes_by_the_video(dump):
    """Videos may stand in another order; members keep that of the files."""
    paths = [
        dump('one.pkl', [sample(ONE), sample(ONE, 'b')]),
        dump('other.pkl', [sample(ONE, 'b'), sample(OTHER)]),
    ]
    first, second = average_dumps(paths)
    assert (first['frame_dir'], second['frame_dir']) == ('a', 'b')
    assert first['pred_label'].tolist() == [1, 0]
    torch.testing.assert_close(second['pred_score'], ONE)
    torch.testing.assert_close(first['members'][1]['pred_score'], OTHER)
    assert first['classes'] == ['walk', 'stand', 'rest']


def test_average_takes_dumps_without_labels(dump):
    """Where only one of them is labelled, there is nothing to compare."""
    unlabelled = dump('other.pkl', [{**sample(OTHER), 'gt_label': None}])
    (mean,) = average_dumps([dump('one.pkl', [sample(ONE)]), unlabelled])
    assert mean['pred_label'].tolist() == [1, 0]


@pytest.mark.parametrize(
    ('samples', 'classes', 'named'),
    [
        ([sample(ONE), sample(ONE, 'b')], 'wsr', 'one.pkl: | video b'),
        ([sample(ONE, 'b')], 'wsr', 'other.pkl: | video a'),
        ([sample(ONE)], 'wxr', 'video a | w, x, r | w, s, r'),
        ([sample(ONE[:2])], (), 'video a | 2 classes | of 3 '),
        ([sample(ONE[:, :1], label=[1])], 'wsr', 'video a | in 1 frames | in 2;'),
        ([sample(ONE, label=[1, 2])], 'wsr', 'video a | label 2 in frame 1 | 0 in'),
        ([{**sample(ONE), 'pred_score': None}], 'wsr', 'video a | pred_score | --dump'),
    ],
)
def test_average_dumps_names_dump_and_video_that_differ(dump, samples, classes, named):
    one = dump('one.pkl', [sample(ONE)], 'wsr')
    with raises_naming(ValueError, 'other.pkl', named):
        average_dumps([one, dump('other.pkl', samples, classes)])


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('pred_score', float('nan')),
        ('pred_score', float('inf')),
        ('pred_score', -0.5),
        ('pred_score', 1.5),
        ('pred_logit', float('nan')),
        ('pred_risk', float('inf')),
    ],
)
def test_average_dumps_names_impossible_values(dump, field, value):
    wrong = {**sample(ONE), 'pred_risk': torch.ones(2)}
    wrong[field] = wrong[field].clone()
    wrong[field][..., 1] = value
    paths = [dump('one.pkl', [sample(ONE)]), dump('other.pkl', [wrong])]
    for files in (paths, paths[::-1]):
        with raises_naming(ValueError, paths[1], field, f'{value} in frame 1'):
            average_dumps(files)


def test_metric_scores_the_members_of_an_ensemble(dump):
    """Of two frames the ensemble gets both right, the members one and none."""
    paths = [dump('one.pkl', [sample(ONE)]), dump('other.pkl', [sample(OTHER)])]
    samples = average_dumps(paths)
    metric = SegmentationMetric(3)
    metric.process(None, samples)
    assert metric.compute_metrics(metric.results)['acc'] == 100
    assert [m['acc'] for m in metric.report['members']] == [50, 0]
    lines = format_members(metric.report, ['one.pkl', 'other.pkl']).splitlines()
    assert [line.split()[:4] for line in lines[2:]] == [
        ['ensemble', 'of', '2', '100.00'],
        ['one.pkl', '50.00', '50.00', '66.67'],
        ['other.pkl', '0.00', '0.00', '0.00'],
    ]


def test_metric_ranks_a_member_by_its_own_scores(dump):
    """One without logits by its probabilities, never by the ensemble's logits."""
    bare = sample(ONE)
    del bare['pred_logit']
    samples = average_dumps([dump('one.pkl', [bare]), dump('b.pkl', [sample(OTHER)])])
    metric = SegmentationMetric(3, scores='logit')
    metric.process(None, samples)
    metric.compute_metrics(metric.results)
    alone = SegmentationMetric(3)
    alone.process(None, [bare])
    assert metric.report['members'][0] == alone.compute_metrics(alone.results)
