import numpy as np
import pytest
import torch

from mmskelseg.evaluation.ensembles import labelled
from mmskelseg.models.postprocessors import build_postprocessors
from tests.errors import raises_naming
from tests.segmentors import TCN, build_segmentor, labelled_samples

FLICKER = [0, 0, 0, 1, 0, 0, 2, 2, 2, 2]


def prediction(labels=FLICKER, **fields):
    score = torch.nn.functional.one_hot(torch.tensor(labels), 3).T * 0.7 + 0.1
    return {'pred_label': torch.tensor(labels), 'pred_score': score, **fields}


def apply(*configs, **fields):
    """Return the labels after steps."""
    steps = build_postprocessors(configs, [3])
    return labelled(prediction(**fields), [3], [steps])


@pytest.mark.parametrize(
    ('cfg', 'expected'),
    [
        ({'type': 'MinDuration', 'frames': 3}, [0] * 6 + [2] * 4),
        ({'type': 'CausalMinDuration', 'frames': 2}, [0] * 6 + [2] * 4),
        ({'type': 'BoundaryRefinement', 'threshold': 0.8}, [0] * 5 + [2] * 5),
    ],
)
def test_steps_change_labels_alone(cfg, expected):
    boundary = torch.zeros(10)
    boundary[5] = 0.9
    result = apply(cfg, pred_boundary=boundary)
    assert result['pred_label'].tolist() == expected
    assert result['raw_label'].tolist() == FLICKER
    assert torch.equal(result['pred_score'], prediction()['pred_score'])


@pytest.mark.parametrize('kind', ['MinDuration', 'CausalMinDuration'])
def test_shortest_duration_is_that_of_the_training_labels(kind):
    """Of 20 segments, 5 % of 19 steps from the shortest one: 2 frames, and 0.95."""
    (step,) = build_postprocessors([{'type': kind}], [3])
    with raises_naming(ValueError, kind, '`frames`'):
        step.step()
    labels = np.repeat(np.arange(20) % 3, [2, 3, *[9] * 18])
    step.fit([labels])
    assert step.step() == {'type': kind, 'frames': 2}
    assert set(step.state_dict()) == {'fitted', 'shortest'}
    (fixed,) = build_postprocessors([{'type': kind, 'frames': 4}], [3])
    assert not fixed.state_dict()


def test_orders_are_those_of_the_training_labels():
    """After 0 comes 1 twice, also after background, 2; half of 5 frames count."""
    cfg = {'type': 'ActionOrder', 'background': 2}
    (step,) = build_postprocessors([cfg], [3])
    with raises_naming(ValueError, 'ActionOrder'):
        step.step()
    step.fit([np.repeat([0, 2, 1], 5), np.repeat([0, 1, -1, 0], [5, 9, 1, 4])])
    follows = [[0, 2, 0], [0, 0, 0], [0, 0, 0]]
    assert step.step() == {**cfg, 'follows': follows, 'frames': 2, 'cost': 0}
    (other,) = build_postprocessors([cfg], [3])
    other.load_state_dict(step.state_dict())
    assert other.step() == step.step()


@pytest.mark.parametrize('temperature', [1, 2])
def test_a_segment_costs_what_most_have_as_evidence(temperature):
    """But at least 0, and at most as in a semi-Markov model."""
    (step,) = build_postprocessors(
        [{'type': 'ActionOrder', 'frames': 1}], [3], temperature=temperature
    )
    step.fit([np.array([0, 1, 2, 0])])
    # Each class has one, to which a third is added for each of three.
    most = np.log(8) - (2 * np.log(1 / 6) + 4 * np.log(4 / 6)) / 6
    label = np.repeat([0, 1, 2, 0, 1, 2], 9)

    def cost(share):
        score = np.full((3, len(label)), (1 - share) / 2)
        score[label, range(len(label))] = share
        step.weigh([(label, score)])
        return step.step()['cost']

    # Each segment has nine frames, a little likelier than of another class.
    assert cost(0.34) == pytest.approx(9 * np.log(0.34 / 0.33))
    assert cost(0.9) == pytest.approx(most)
    assert cost(0.1) == 0
    # Of tempered probabilities.
    assert float(step.cost) == 0
    cost(0.9)
    assert float(step.cost) == pytest.approx(temperature * most)
    step.weigh([])
    assert float(step.cost) == pytest.approx(temperature * most)


def test_steps_follow_one_another():
    """What the first makes of a flicker is too short then."""
    labels = [1, 1, 1, 1, 2, 1, 2, 2, 2, 0, 0]
    first, second = (
        {'type': 'CausalMinDuration', 'frames': 2},
        {'type': 'MinDuration', 'frames': 4},
    )
    filtered = apply(first, labels=labels)['pred_label'].tolist()
    assert filtered == [1] * 6 + [2] * 3 + [0] * 2
    both = apply(first, second, labels=labels)
    assert both['pred_label'].tolist() == [1] * 6 + [2] * 5
    assert both['raw_label'].tolist() == labels


def test_without_steps_nothing_is_raw():
    assert 'raw_label' not in apply()


@pytest.mark.parametrize(
    ('configs', 'named'),
    [
        ([{'type': 'BoundaryRefinement'}], 'postprocess.0: | BoundaryHead'),
        ([{'frames': 3}], "model.postprocess.0 | {'frames': 3}"),
        (['MinDuration'], "model.postprocess.0 | 'MinDuration'"),
    ],
)
def test_options_are_checked(configs, named):
    with raises_naming(ValueError, named):
        build_postprocessors(configs, [3], has_boundaries=False)


def test_what_a_step_lacks_is_said():
    with raises_naming(ValueError, 'pred_boundary', 'BoundaryHead'):
        apply({'type': 'BoundaryRefinement'})


@pytest.mark.parametrize('members', [1, 3])
def test_model_postprocesses_the_mean_of_its_members(members):
    steps = [{'type': 'MinDuration', 'frames': 5}]
    branch = {**TCN, 'num_prediction_layers': 2, 'num_refinements': 0}
    model = build_segmentor({'pose': branch}, members=members, postprocess=steps)
    inputs = {'pose': 100 * torch.randn(1, 6, 60)}
    (result,) = model.eval()(inputs, labelled_samples((60,)), mode='predict')
    assert torch.equal(result.raw_label, result.pred_score.argmax(dim=0))
    lengths = torch.unique_consecutive(result.pred_label, return_counts=True)[1]
    assert lengths.min() >= 5
    assert torch.unique_consecutive(result.raw_label, return_counts=True)[1].min() < 5
