"""What is trained within some minutes."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.automl.planning import (
    LABELS,
    LONG,
    TRAINING,
    FitPlan,
    Limits,
    candidates,
    plan_fit,
    plan_measured,
    read_plan,
    wall,
)
from mmskelseg.engine.jobs import ConfigRequest
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import small_annotations, with_3d

PATH = Path('annotations.pkl')


@pytest.fixture(scope='module')
def found():
    data = small_annotations([300] * 6)
    return candidates(data, PATH, ('train', 'test'))[0]


def test_default_comes_first(found):
    names = [candidate.name for candidate in found]
    assert names == [
        'pose2d', 'pose2d_any_order', 'pose2d_ms_tcn2', 'heatmap', 'heatmap_cnn'
    ]  # fmt: skip
    options = '--recipe pose2d --any-order'
    assert (found[0].options, found[1].options) == ('--recipe pose2d', options)


def test_pairs_are_compared_where_videos_show_several():
    data = small_annotations([300] * 6)
    for video in data['annotations']:
        for key in ('keypoint', 'keypoint_score'):
            video[key] = np.concatenate([video[key]] * 2)
    both = candidates(data, PATH, ('train', 'test'))[0]
    assert [c.name for c in both[:2]] == ['pose2d', 'pose2d_pairs']
    assert both[1].options == '--recipe pose2d --pairs'
    data['annotations'][3]['keypoint_score'][1] = 0
    one, refused = candidates(data, PATH, ('train', 'test'))
    assert not [c for c in one if c.request.pairs]
    assert refused == {}


CUP = {'name': 'cup', 'kind': 'cup'}
CUP |= {'points': np.ones((300, 1, 2)), 'score': np.ones((300, 1))}
LAMP = {'name': 'lamp', 'shape': 'point', 'points': [[5, 5]]}


@pytest.mark.parametrize(('key', 'one'), [('objects', CUP), ('places', LAMP)])
def test_things_are_seen_unless_they_are_left_out(key, one):
    data = small_annotations([300] * 6)
    data['metainfo']['objects'] = {'cup': ['middle']}
    for video in data['annotations']:
        video[key] = [one]
    both = candidates(data, PATH, ('train', 'test'))[0]
    assert [c.name for c in both[:2]] == ['pose2d', f'pose2d_without_{key}']
    assert both[1].options == f'--recipe pose2d --no-{key}'
    assert [len(c.choice.parts) for c in both[:2]] == [1, 0]
    asked = ConfigRequest(**{key: False})
    none = candidates(data, PATH, ('train', 'test'), asked)[0]
    assert not any(c.choice.parts for c in none)


def test_shares_of_observers_are_compared_where_they_differ():
    """With what most say, of which frames that one has not labelled are no part."""
    data = small_annotations([300] * 6)
    own = data['annotations'][0]
    gaps, other = own['label'].copy(), own['label'].copy()
    gaps[:9] = -1
    own['observers'] = {'ann': own['label'], 'bob': gaps}
    same = candidates(data, PATH, ('train', 'test'))[0]
    assert not [c for c in same if c.request.observers == 'shares']
    other[20] = 1 - other[20]
    own['observers']['cat'] = other
    default, shares, *_ = candidates(data, PATH, ('train', 'test'))[0]
    assert shares.options == f'{default.options} --observers shares'
    assert (shares.kind, shares.seconds) == (default.kind, default.seconds)
    text = shares.choice.config_text()
    assert text.count("observers='shares'") == 1


def test_joints_in_3d_are_only_compared():
    """A model of them labels no new video, so that of those in 2D is the result."""
    both = candidates(with_3d(small_annotations([300] * 6)), PATH, ('train', 'test'))[0]
    assert [(c.name, c.only_compared) for c in both] == [
        ('pose2d', False), ('pose2d_any_order', False), ('pose2d_ms_tcn2', False),
        ('pose3d', True), ('heatmap', False), ('heatmap_cnn', False),
    ]  # fmt: skip


@pytest.mark.parametrize('recipe', ['pose3d', 'heatmap'])
def test_one_recipe_that_is_asked_is_the_only_one(recipe):
    asked = ConfigRequest(recipe=recipe)
    only = candidates(
        with_3d(small_annotations([300] * 6)), PATH, ('train', 'test'), asked
    )[0]
    assert {c.request.recipe for c in only} == {recipe}
    assert len(only) > 1
    assert not any(c.only_compared for c in only)


def test_joints_known_in_3d_alone_are_read_in_3d():
    """As of NTU RGB+D, whose view in 2D is none of a camera."""
    data = with_3d(small_annotations([300] * 6))
    data['metainfo']['assumed'] = {'keypoint': 'a view of keypoint_3d'}
    found, _ = candidates(data, PATH, ('train', 'test'))
    assert {one.request.recipe for one in found} == {'pose3d'}
    assert not any(one.only_compared for one in found)


def test_known_orders_are_compared_where_there_is_no_script():
    data = small_annotations([300] * 6)
    for video in data['annotations'][::2]:
        video['label'] = video['label'][::-1].copy()
    other = candidates(data, PATH, ('train', 'test'))[0][1]
    assert other.name == 'pose2d_known_orders'
    assert other.options == '--recipe pose2d --no-any-order'


def test_nothing_to_recombine_leaves_one_order():
    data = small_annotations([300] * 6)
    for video in data['annotations']:
        video['label'][::12] = -1
    names = [c.name for c in candidates(data, PATH, ('train', 'test'))[0]]
    assert names[:2] == ['pose2d', 'pose2d_ms_tcn2']


def test_reason_is_given_if_nothing_can_be_trained():
    data = small_annotations([300] * 6)
    for video in data['annotations']:
        video['keypoint_score'][:] = 0
    with raises_naming(UserError, PATH, "'train'", 'keypoint_score'):
        candidates(data, PATH, ('train', 'test'))


def planned(found, minutes, processes=2, compare=None, pace=1.0, folds=3):
    """Return a plan where all trainings take so many times as long as assumed."""
    limits = Limits(minutes, processes, folds, compare)
    return plan_fit(found, {}, limits, {one.kind: pace for one in found})


def test_more_minutes_compare_more(found):
    before = 0
    for minutes in (5, 8, 10, 15, 20, 30, 60, 120):
        plan = planned(found, minutes)
        assert sum(plan.times(3, 2).values()) <= 0.9 * minutes * 60
        assert len(plan.compared) >= before
        before = len(plan.compared)
        assert len(plan.compared) + len(plan.left_out) == len(found)
    assert (plan.length, before) == (1, len(found))
    assert plan.finalists >= 2


def test_only_long_trainings_are_compared(found):
    """A fifth of short ones tells nothing of configs, nor of half of the labels."""
    plans = [planned(found, minutes) for minutes in range(3, 40)]
    for plan in plans:
        assert plan.is_long == (plan.length >= LONG)
        assert plan.is_long or len(plan.compared) == 1
        half = plan.trainings(3)[LABELS]
        assert len(half) == 3 * plan.is_long
    assert {plan.is_long for plan in plans} == {True, False}


@pytest.mark.parametrize('minutes', [50, 100])
def test_slow_machine_trains_less_in_the_same_time(found, minutes):
    plans = [planned(found, minutes, pace=pace) for pace in (1.0, 3.0, 10.0)]
    for plan in plans:
        assert sum(plan.times(3, 2).values()) <= 0.9 * minutes * 60
    sizes = [(len(plan.compared), plan.length) for plan in plans]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    # As a tenth of the time of one that is as fast as assumed.
    assert plans[-1].length == planned(found, minutes / 10).length


def test_minutes_in_full_are_as_many_as_are_needed(found):
    plan = planned(found, 8, compare=1)
    assert plan.length < 1
    enough = plan.minutes_in_full
    assert planned(found, enough, compare=1).length == 1
    assert planned(found, enough - 1, compare=1).length < 1


def test_too_few_minutes_say_how_many_it_takes(found):
    with raises_naming(UserError, '--minutes 1 ', '--minutes 2') as error:
        planned(found, 1, processes=1)
    least = int(str(error.value).rpartition('--minutes ')[2].rstrip('.'))
    assert planned(found, least, processes=1).length < 0.2
    with pytest.raises(UserError):
        planned(found, least - 1, processes=1)


@pytest.mark.parametrize(('minutes', 'holds'), [(1.5, True), (1, True), (0.01, False)])
def test_too_few_minutes_train_less_if_nothing_is_refused(found, minutes, holds):
    """However little it is, if the minutes are enough for anything."""
    plan = plan_fit(found, {}, Limits(minutes, 1, 3, always=True), {}, spent=20)
    assert plan.compared == [found[0].name]
    assert plan.length < 0.1
    assert (20 + sum(plan.times(3, 1).values()) <= 60 * minutes) == holds
    assert plan.minutes_in_full > minutes


def test_time_that_has_passed_is_missing(found):
    late = plan_fit(found, {}, Limits(15, 2, 3), {}, spent=270)
    # A tenth is kept for what is slower than expected.
    less = plan_fit(found, {}, Limits(10, 2, 3), {})
    assert (late.compared, late.length) == (less.compared, less.length)


def test_one_config_alone_is_trained_for_longer(found):
    gained = 0.0
    for minutes in (4, 5, 6, 8, 10):
        several, one = (planned(found, minutes, compare=n) for n in (None, 1))
        assert one.compared == [found[0].name]
        gained += one.length - several.length
        assert one.length >= several.length
        assert one.left_out.keys() == {c.name for c in found[1:]}
        assert all('at most 1' in why for why in one.left_out.values())
    assert gained > 0


def test_single_person_is_not_compared(found):
    plan = plan_fit(found, {'pose3d': 'no'}, Limits(30, 2, folds=0), {})
    assert plan.compared == ['pose2d']
    assert plan.left_out['pose3d'] == 'no'
    assert 'one person' in plan.left_out['heatmap']
    times = {stage: own for stage, own in plan.trainings(0).items() if own}
    first = plan.cost('pose2d', plan.first)
    assert times == {TRAINING: [first, plan.cost('pose2d', 1)]}


@pytest.mark.parametrize(
    ('seconds', 'full', 'first'),
    # 2 s to start, and 38 s for steps.
    [(380.0, 1.0, 0.1), (380.0, 0.15, 0.0), (70.0, 1.0, 0.0)],
)
def test_first_model_takes_40_seconds_if_others_take_far_longer(seconds, full, first):
    plan = FitPlan(['a'], {}, 1, full, full, {'a': seconds}, 2.0, 15)
    assert plan.first == first
    found = plan.trainings(folds=2)[TRAINING]
    assert found[: bool(first)] == [40.0] * bool(first)


def test_stages_begin_when_all_of_the_last_has_ended():
    """Three processes take 5, 4, and 3 and 3 seconds, and one all in turn."""
    assert [wall([3, 4, 5, 3], processes) for processes in (1, 2, 3)] == [15, 8, 6]
    assert wall([], 2) == 0


class Machine:
    """Measures trainings of a machine, where each recipe has a pace."""

    def __init__(self, processes, **paces):
        self.limits = Limits(30, processes, 3)
        self.paces = paces
        self.rounds = []

    def __call__(self, todo):
        self.rounds.append([one.name for one in todo])
        return {one.kind: self.paces.get(one.request.recipe, 1.0) for one in todo}

    def plan(self, found):
        return plan_measured(found, {}, self.limits, self, lambda: 60)


def test_all_kinds_of_trainings_in_a_plan_are_measured(found):
    """One of each kind, as many at a time as there are processes."""
    machine = Machine(2, pose2d=0.2, heatmap=0.2, heatmap_cnn=0.5)
    plan = machine.plan(found)
    assert plan.compared == [one.name for one in found]
    first, *others = machine.rounds
    assert first == ['pose2d', 'pose2d_ms_tcn2']
    assert others == [['heatmap', 'heatmap_cnn']]
    seconds = {one.name: one.seconds for one in found}
    assert plan.seconds['pose2d_any_order'] == 0.2 * seconds['pose2d_any_order']
    assert plan.seconds['heatmap_cnn'] == 0.5 * seconds['heatmap_cnn']


def test_what_is_known_is_not_measured(found):
    machine = Machine(2)
    known = {found[0].kind: 4.0}
    limits = Limits(30, 2, 3, compare=1)
    plan = plan_measured(found, {}, limits, machine, lambda: 60, known)
    assert machine.rounds == []
    assert plan == plan_fit(found, {}, limits, known, 60)


def test_what_is_not_compared_is_not_measured(found):
    machine = Machine(1, pose2d=4.0)
    plan = machine.plan(found)
    assert plan.compared == ['pose2d']
    assert machine.rounds == [['pose2d']]
    assert plan == plan_fit(found, {}, machine.limits, {found[0].kind: 4.0}, 60)


def test_plan_is_read_as_it_was_written(found, tmp_path):
    plan = planned(found, 20)
    file = tmp_path / 'plan.json'
    file.write_text(json.dumps(asdict(plan)))
    assert read_plan(file, found) == plan


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'compared': ['pose9']}, "compared | 'pose9' | 'pose2d'"),
        ({'compared': []}, 'compared | []'),
        ({'length': 1.5}, 'length | 1.5'),
        ({'length': 'long'}, "length | 'long'"),
        ({'seconds': {}}, "compared | 'pose2d' | []"),
        ({'start': float('inf')}, 'start | inf'),
        ({'left_out': None}, 'left_out'),
    ],
)
def test_plan_for_other_data_is_refused(found, tmp_path, change, named):
    file = tmp_path / 'plan.json'
    file.write_text(json.dumps(asdict(planned(found, 20)) | change))
    with raises_naming(UserError, file, named):
        read_plan(file, found)


def plan(length):
    """A plan for two configs of 100 s each, with nothing beside the steps."""
    return FitPlan(['a', 'b'], {}, 1, length, length, {'a': 100.0, 'b': 100.0}, 0.0, 15)


@pytest.mark.parametrize(
    ('length', 'seconds', 'full'),
    [
        # Three folds, the final model, and three trainings on half of the labels, a
        # fifth as long: 200 + 40 s in two processes.
        (1.0, 240, 1.0),
        (1.0, 239, 0.95),
        # 120 + 40 s
        (1.0, 160, 0.6),
        # Even if they say little, they end in time.
        (1.0, 70, 0.15),
        (1.0, 48, 0.02),
        (0.4, 40, 0.2),
        (0.4, 10, 0.05),
        (0.4, 1, 0.01),
    ],
)
def test_full_trainings_are_shortened_to_the_time_that_is_left(length, seconds, full):
    found = plan(length).shortened(3, 2, seconds)
    assert (found.full, found.length) == (full, length)
