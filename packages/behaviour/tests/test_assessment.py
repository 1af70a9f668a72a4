"""Verdicts, intervals, suspect labels and curves, worked out by hand."""

import math

import numpy as np
import pytest

from mmskelseg_behaviour.assessment import (
    class_results,
    confusion,
    evaluated,
    person_intervals,
    remaining,
    suspect_labels,
)
from mmskelseg_behaviour.functional.videos import videos_of_tiers
from tests.predicted import META, TIERS, of_tiers, prediction


@pytest.fixture
def with_tiers():
    """Two videos with tiers, of which the first has a shifted hand, the second none."""
    a = prediction('0011110011100', '0001110000000')
    b = prediction('0011110000000', '0011110001100')
    hand = prediction('0000111000000', '0000000111000')
    none = prediction('0' * 13, '0' * 13)
    none.gt[:] = -1
    return {'a': of_tiers(a, hand), 'b': of_tiers(b, none)}, {'a': a, 'b': b}, hand


def test_tiers_are_parted_with_their_rows(with_tiers):
    """A video without labels in a tier does not count there."""
    videos, first, hand = with_tiers
    parts = [(tier.name, own) for tier, own in videos_of_tiers(videos, TIERS)]
    assert [(name, list(own)) for name, own in parts] == [
        ('walk', ['a', 'b']),
        ('hand', ['a']),
    ]
    for name, video in first.items():
        np.testing.assert_equal(vars(parts[0][1][name]), vars(video))
    np.testing.assert_array_equal(parts[1][1]['a'].scores, hand.scores[:2])


def test_classes_of_tiers_are_as_those_of_each_alone(with_tiers):
    videos, first, _ = with_tiers
    fps = {'a': 2.0, 'b': 2.0}
    walk, groom, wave = class_results(videos, fps, TIERS)
    for own, alone in zip((walk, groom), class_results(first, fps, META), strict=True):
        np.testing.assert_equal({**vars(own), 'name': alone.name}, vars(alone))
    assert [row.name for row in (walk, groom, wave)] == [
        'walk: walk', 'walk: groom', 'hand: wave',
    ]  # fmt: skip
    assert (wave.bouts, wave.seconds, wave.f1) == ((1, 1), (1.5, 1.5), 0.0)


def test_scores_of_tiers_are_their_means(with_tiers):
    """AP of the tier of one class is that of `wave`; 7 of 13 hand frames are right."""
    videos, first, _ = with_tiers
    found, alone = evaluated(videos, TIERS), evaluated(first, META)
    metrics = found['metrics']
    assert metrics['walk/f1@10'] == alone['metrics']['f1@10']
    assert metrics['hand/acc'] == pytest.approx(100 * 7 / 13)
    assert metrics['acc'] == pytest.approx(
        (alone['metrics']['acc'] + metrics['hand/acc']) / 2
    )
    assert metrics['hand/mAP'] == found['per_class']['hand: wave']['ap']
    assert found['per_video']['b'] == {
        **alone['per_video']['b'],
        **{f'walk/{key}': value for key, value in alone['per_video']['b'].items()},
    }


def test_confusion_of_tiers_has_no_frames_between_them(with_tiers):
    videos, first, _ = with_tiers
    found = confusion(videos, TIERS)
    assert found[:3, :3].tolist() == evaluated(first, META)['confusion']
    assert found[3:, 3:].tolist() == [[7, 3], [3, 0]]
    assert found.sum() == 39
    del videos['a']
    assert not confusion(videos, TIERS)[3:].any()


def test_interval_of_a_tier_needs_two_persons_with_labels_in_it(with_tiers):
    videos, first, _ = with_tiers
    found = person_intervals(videos, {'a': 'x', 'b': 'y'}, TIERS)
    alone = person_intervals(first, {'a': 'x', 'b': 'y'}, META)
    assert found['walk/f1@10'] == alone['f1@10']
    assert 'hand/f1@10' not in found


def test_class_by_hand():
    """A bout is found a frame late, one is missed, and one is too much."""
    videos = {
        'a': prediction('0011110011100', '0001110000000'),
        'b': prediction('0011110000000', '0011110001100'),
    }
    walk, groom = class_results(videos, {'a': 2.0, 'b': 2.0}, META)
    assert walk.bouts == (3, 3)
    assert walk.seconds == (5.5, 4.5)
    assert walk.mean_seconds == pytest.approx((5.5 / 3, 1.5))
    # One too few and one too many, of three.
    assert walk.count_error == pytest.approx(2 / 3)
    assert walk.time_error == pytest.approx((2 + 1) / 5.5)
    # Starts are 0.5 and 0 s off, ends 0.
    assert walk.edge_error == 0
    assert walk.f1 == pytest.approx(100 * 4 / 6)
    assert walk.counting == 'too few'
    assert groom.bouts == (0, 0)
    assert math.isnan(groom.count_error)
    assert groom.f1 is None


def test_frames_without_label_do_not_count():
    video = prediction('0011110000', '0011110110')
    video.gt[6:] = -1
    walk = class_results({'a': video}, {'a': 1.0}, META)[0]
    assert walk.bouts == (1, 1)


def test_ends_of_the_labels_are_no_ends_of_bouts():
    """The only known ones, of four, are at 4 and 7, predicted a frame earlier."""
    video = prediction('1111000111100011', '1110001111000011')
    video.gt[10:] = -1
    walk = class_results({'a': video}, {'a': 1.0}, META)[0]
    assert walk.bouts == (2, 2)
    assert walk.edge_error == 1


def test_interval_is_that_of_a_new_person():
    """Accuracies of 100, 80 and 90 percent: t is 4.303, and sd is 10."""
    rows = {
        'a': prediction('0011110000', '0011110000'),
        'b': prediction('0011110000', '0011110011'),
        'c': prediction('0011110000', '0011110001'),
    }
    found = person_intervals(rows, {'a': 'x', 'b': 'y', 'c': 'z'}, META)['acc']
    reach = 4.3027 * 10 * math.sqrt(4 / 3)
    assert found.mean == pytest.approx(90)
    assert found.low == pytest.approx(90 - reach, abs=0.01)
    assert found.high == 100
    assert found.persons == 3
    assert person_intervals(rows, dict.fromkeys('abc', 'x'), META) == {}


def test_shifted_labels_are_doubted_as_a_whole():
    true = '0' * 10 + '1' * 10 + '0' * 10
    label = '0' * 14 + '1' * 10 + '0' * 6
    (found,) = suspect_labels({'a': prediction(true, label)}, {'a': 4.0}, META)
    assert (found.video, found.start) == ('a', None)
    assert '1.0 s later' in found.text


def test_wrong_label_is_doubted_where_it_is():
    true = '0' * 10 + '1' * 10 + '0' * 10 + '2' * 10
    label = '0' * 10 + '2' * 10 + '0' * 10 + '2' * 10
    found = suspect_labels({'a': prediction(true, label, 0.98)}, {'a': 5.0}, META)
    assert [(one.start, one.end) for one in found] == [(2.0, 4.0)]
    assert "'walk'" in found[0].text
    assert "'groom'" in found[0].text
    # A model that isn't sure doubts nothing.
    assert not suspect_labels({'a': prediction(true, label, 0.6)}, {'a': 5.0}, META)


def test_suspect_labels_name_the_class_with_its_tier():
    """Labels of one tier may be shifted, and a class of another be wrong."""
    true = '0' * 10 + '1' * 10 + '0' * 10
    other = prediction(true, true.replace('1', '2'), 0.98)
    late = prediction(true, '0' * 14 + '1' * 10 + '0' * 6)
    shifted, wrong = suspect_labels({'a': of_tiers(other, late)}, {'a': 4.0}, TIERS)
    assert shifted.text.startswith("all labels of 'hand' may be shifted")
    assert wrong.text == "labelled 'walk: walk', but looks like 'walk: groom'"
    assert (wrong.start, wrong.end) == (2.5, 5.0)


@pytest.mark.parametrize(
    ('half', 'whole', 'full', 'expected'),
    [(20, 10, 8, 4), (10, 20, 8, 8), (0, 0, 0, 0), (40, 40, 30, 30), (-1, -2, -3, -3)],
)
def test_more_labels_never_make_it_worse(half, whole, full, expected):
    assert remaining(half, whole, full) == pytest.approx(expected)


def test_more_labels_help_as_from_two_thirds_to_all():
    """Errors halve with 1.5 times as many labels; twice as many are 1.5 ** 1.71."""
    found = remaining(half=80, whole=40, full=20, share=2 / 3)
    assert found == pytest.approx(20 * 0.5 ** (math.log(2) / math.log(1.5)))
    assert found == pytest.approx(6.1, abs=0.05)
