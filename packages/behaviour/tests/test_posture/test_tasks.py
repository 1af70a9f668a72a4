"""Risk by task, by frame, and of the worst moments."""

import numpy as np
import pytest

from mmskelseg_behaviour.posture.scores import METHODS, Bounds, Work
from mmskelseg_behaviour.posture.tasks import Risk, assess, frame_rows, rows_of_videos
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.test_posture.people import JOINTS, person, video

CLASSES = ['walk', 'lift', 'wait']
META = {'classes': CLASSES, 'skeleton': {'joints': JOINTS, 'limbs': []}, 'up': 'z'}


def risk_of(low, high, label, fps=2.0, seen=None) -> Risk:
    """Return risk with the same scores for both methods."""
    span = Bounds(np.array(low), np.array(high))
    seen = np.array(seen or [True] * len(low))
    scores, failed = dict.fromkeys(METHODS, span), np.zeros(len(low), bool)
    return Risk(scores, np.atleast_2d(label), fps, seen, failed)


def test_tasks_have_mean_share_of_time_and_worst_moment():
    risk = risk_of([1, 3, 4, 8, 2], [2, 4, 4, 9, 2], [0, 1, 1, 1, -1])
    walk, lift, *others = risk.task_rows(CLASSES)
    assert (walk['class'], walk['method'], walk['seconds']) == ('walk', 'REBA', 0.5)
    assert lift['seconds'] == 1.5
    assert (lift['mean_low'], lift['mean_high']) == pytest.approx((5, 17 / 3))
    # Of 3, 4 and 8, two are at REBA's action level 2 or above; of 4, 4 and 9 all.
    assert lift['level_2_low'] == pytest.approx(200 / 3)
    assert lift['level_2_high'] == 100
    assert (lift['level_3_low'], lift['level_4_high']) == (pytest.approx(100 / 3), 0)
    assert (lift['worst_low'], lift['worst_high'], lift['worst_s']) == (8, 9, 1.5)
    # A class that does not occur has no row.
    assert [row['class'] for row in others] == ['walk', 'lift']
    assert {row['method'] for row in others} == {'RULA'}


def test_frames_in_which_little_is_seen_are_left_out():
    seen = [True, False, False, True, False]
    risk = risk_of([2, 1, 9, 4, 1], [2, 12, 9, 4, 12], [0, 0, 0, 0, 1], seen=seen)
    (row,) = (row for row in risk.task_rows(CLASSES) if row['method'] == 'REBA')
    assert (row['class'], row['seconds'], row['seen_percent']) == ('walk', 2, 50)
    assert (row['mean_low'], row['mean_high'], row['worst_high']) == (3, 3, 4)
    assert risk.worst('reba', 9) == [3]


def test_a_class_of_any_tier_counts():
    risk = risk_of([2, 5], [2, 5], [[0, 0], [1, 2]])
    found = {row['class']: row['mean_low'] for row in risk.task_rows(CLASSES)}
    assert found == {'walk': 3.5, 'lift': 2, 'wait': 5}


def test_a_moment_has_the_first_class_that_is_known():
    risk = risk_of([2] * 3, [2] * 3, [[0, -1, -1], [1, 2, -1]])
    found = [risk.task(frame, CLASSES) for frame in range(3)]
    assert found == [(0, 'walk + lift'), (2, 'wait'), (-1, 'unlabelled')]


def test_worst_moments_last_and_are_apart():
    """A single frame of 10 is less than half a second of 8."""
    score = np.ones(100, int)
    score[20], score[50:56], score[58:62], score[90:95] = 10, 8, 8, 6
    risk = risk_of(score, score, np.zeros(100, int), fps=10.0)
    first, second, third = risk.worst('reba', 3)
    assert 50 <= first < 56
    # The other 8 are within two seconds of the first.
    assert 90 <= second < 95
    assert third == 20
    assert len(risk.worst('reba', 100)) < 10


def test_videos_are_assessed_with_the_work_of_their_tasks():
    people = [person(), person(trunk=(70, 0, 0), neck=(25, 0, 0), arm=(100, 0))]
    one = {**video(*people), 'frame_dir': 'take'}
    label = np.array([0, 1])
    posture, risk = assess(one, label, META, {})
    assert posture['trunk_flexion'].tolist() == pytest.approx([0, 70])
    # Elbows are straight: lower arm 2. Trunk 4, neck 2, legs 1: A = 5; upper arm 4,
    # straight wrists: B = 5 to 6.
    assert risk.scores['reba'].low.tolist() == [1, 6]
    assert risk.scores['reba'].high.tolist() == [1, 7]
    _, loaded = assess(one, label, META, {'lift': Work(load_kg=12)})
    assert loaded.scores['reba'].low.tolist() == [1, 9]
    rows = list(frame_rows(posture, risk, CLASSES))
    assert rows[1] | {'time_s': 1, 'class': 'lift', 'reba_low': 6} == rows[1]
    assert rows[1]['trunk_flexion'] == pytest.approx(70)
    words = risk.words(1, posture)
    assert words.startswith('REBA 6-7, RULA ')
    parts = ': trunk 4 (70°), neck 2 (25°), arm 4 (100°), forearm 2'
    assert words.endswith(parts)
    assert loaded.words(1, posture).endswith(f'{parts}, load 2')
    assert risk.words(0, posture) == 'REBA 1, RULA 2: forearm 2'


def test_frames_with_impossible_angles_are_left_out():
    """A tracker lost the head of one, and the shoulders of another."""
    people = [person()] * 30
    people[8] = person(neck=(-100, 0, 0))
    people[20] = person(trunk=(120, 0, 0))
    one = {**video(*people), 'frame_dir': 'take', 'fps': 10.0}
    posture, risk = assess(one, np.zeros(30, int), META, {})
    rows = {row['method']: row for row in risk.task_rows(CLASSES)}
    assert rows['REBA']['worst_high'] == 1
    assert rows['REBA']['failed_percent'] == pytest.approx(100 * 14 / 30)
    assert rows['REBA']['seen_percent'] == pytest.approx(100 * 16 / 30)
    why = [row['failures'] for row in frame_rows(posture, risk, CLASSES)]
    assert 'neck flexion out of range' in why[8]
    assert 'trunk flexion jumps' in why[20]
    assert why[0] == why[14] == ''


def test_animals_have_no_risk():
    meta = {'classes': ['rear'], 'skeleton': {'joints': ['nose', 'tail'], 'limbs': []}}
    mouse = {
        'frame_dir': 'cage',
        'keypoint': np.ones((1, 2, 2, 2)),
        'keypoint_score': np.ones((1, 2, 2)),
        'fps': 5,
    }
    with raises_naming(UserError, 'cage', 'shoulder'):
        assess(mouse, np.zeros(2, int), meta, {})


def test_rows_of_videos_are_of_all_together():
    bent = person(trunk=(70, 0, 0), neck=(25, 0, 0), arm=(100, 0))
    videos = [
        {**video(*people), 'frame_dir': name, 'label': np.zeros(2, int)}
        for name, people in (('a', [person()] * 2), ('b', [person(), bent]))
    ]
    reba, rula = rows_of_videos(videos, META)
    assert (reba['class'], reba['mean_low']) == ('walk', (1 + 1 + 1 + 6) / 4)
    assert (reba['worst_video'], reba['worst_s']) == ('b', 1)
    assert rula['method'] == 'RULA'
    flat = [{k: v for k, v in one.items() if k != 'keypoint_3d'} for one in videos]
    assert rows_of_videos(flat, META) == []
