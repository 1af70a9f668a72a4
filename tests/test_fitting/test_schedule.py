"""What is trained within some minutes."""

from pathlib import Path

import numpy as np
import pytest

from mmskelseg.fitting.schedule import candidates, plan_schedule
from mmskelseg.runtime.messages.errors import UserError
from tests.errors import raises_naming
from tests.small_data import small_annotations

PATH = Path('annotations.pkl')


@pytest.fixture(scope='module')
def found():
    data = small_annotations([300] * 6)
    return candidates(data, PATH, ('train', 'test'))[0]


def test_default_comes_first(found):
    names = [candidate.name for candidate in found]
    assert names == [
        'pose2d', 'pose2d_known_orders', 'pose2d_ms_tcn2', 'heatmap', 'heatmap_cnn'
    ]  # fmt: skip
    options = '--recipe pose2d --no-any-order'
    assert (found[0].options, found[1].options) == ('--recipe pose2d', options)


def test_pairs_are_compared_where_each_video_shows_several():
    data = small_annotations([300] * 6)
    for video in data['annotations']:
        for key in ('keypoint', 'keypoint_score'):
            video[key] = np.concatenate([video[key]] * 2)
    both = candidates(data, PATH, ('train', 'test'))[0]
    assert [c.name for c in both[:2]] == ['pose2d', 'pose2d_pairs']
    assert both[1].options == '--recipe pose2d --pairs'
    data['annotations'][3]['keypoint_score'][1] = 0
    one, refused = candidates(data, PATH, ('train', 'test'))
    assert not [c for c in one if c.wish.pairs]
    assert refused == {}


def test_nothing_to_recombine_leaves_one_order():
    data = small_annotations([300] * 6)
    for video in data['annotations']:
        video['label'][::12] = -1
    names = [c.name for c in candidates(data, PATH, ('train', 'test'))[0]]
    assert 'pose2d_known_orders' not in names


def test_reason_is_given_if_nothing_can_be_trained():
    data = small_annotations([300] * 6)
    for video in data['annotations']:
        video['keypoint_score'][:] = 0
    with raises_naming(UserError, PATH, "'train'", 'keypoint_score'):
        candidates(data, PATH, ('train', 'test'))


def test_more_minutes_compare_more(found):
    before, length = 0, 0.0
    for minutes in (5, 8, 10, 15, 20, 30, 60, 120):
        schedule = plan_schedule(found, {}, 3, minutes, 2)
        assert schedule.time <= 0.8 * minutes * 60
        size = len(schedule.compared) if schedule.length == length else 0
        assert schedule.length >= length
        assert size >= before * (schedule.length == length)
        before, length = len(schedule.compared), schedule.length
        assert len(schedule.compared) + len(schedule.left_out) == len(found)
    assert (length, before) == (1, len(found))
    assert schedule.finalists >= 2


def test_too_few_minutes_say_how_many_it_takes(found):
    with raises_naming(UserError, '--minutes 1 ', '--minutes 2') as error:
        plan_schedule(found, {}, 3, 1, 1)
    least = int(str(error.value).rpartition('--minutes ')[2].rstrip('.'))
    assert plan_schedule(found, {}, 3, least, 1).length == 0.1
    with pytest.raises(UserError):
        plan_schedule(found, {}, 3, least - 1, 1)


def test_one_config_alone_is_trained_for_longer(found):
    gained = 0.0
    for minutes in (4, 5, 6, 8, 10):
        several, one = (plan_schedule(found, {}, 3, minutes, 2, n) for n in (None, 1))
        assert [c.name for c in one.compared] == [found[0].name]
        gained += one.length - several.length
        assert one.length >= several.length
        assert one.left_out.keys() == {c.name for c in found[1:]}
        assert all('--compare' in why for why in one.left_out.values())
    assert gained > 0


def test_single_person_is_not_compared(found):
    schedule = plan_schedule(found, {'pose3d': 'no'}, 0, 30, 2)
    assert [c.name for c in schedule.compared] == ['pose2d']
    assert schedule.left_out['pose3d'] == 'no'
    assert 'one person' in schedule.left_out['heatmap']
