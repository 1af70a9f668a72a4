"""REBA and RULA against independent listings of their tables, and worked examples."""

import itertools

import numpy as np
import pytest

from mmskelseg_behaviour.posture import scores
from mmskelseg_behaviour.posture.angles import ANGLES, SIDES, Posture
from mmskelseg_behaviour.posture.limits import Failures
from mmskelseg_behaviour.posture.scores import METHODS, Work, points_of, read_station
from mmskelseg_io.messages.errors import UserError

# Each listing has another order than the code's, and other sources: REBA's tables A and
# B of the package `ergonomics-metrics`, neck by neck and lower arm by lower arm, and
# table C of NTP 601 (INSHT), score B by score B, each compared with the "REBA Employee
# Assessment Worksheet"; RULA's tables of a Spanish worksheet, compared with those of
# the program `Skeleton_analyzer`. (An early print of the English worksheet of RULA has
# other values in its table A than the paper.)
REBA_A_BY_NECK = (
    ((1, 2, 3, 4), (2, 3, 4, 5), (2, 4, 5, 6), (3, 5, 6, 7), (4, 6, 7, 8)),
    ((1, 2, 3, 4), (3, 4, 5, 6), (4, 5, 6, 7), (5, 6, 7, 8), (6, 7, 8, 9)),
    ((3, 3, 5, 6), (4, 5, 6, 7), (5, 6, 7, 8), (6, 7, 8, 9), (7, 8, 9, 9)),
)
REBA_B_BY_LOWER_ARM = (
    ((1, 2, 2), (1, 2, 3), (3, 4, 5), (4, 5, 5), (6, 7, 8), (7, 8, 8)),
    ((1, 2, 3), (2, 3, 4), (4, 5, 5), (5, 6, 7), (7, 8, 8), (8, 9, 9)),
)
REBA_C_BY_SCORE_B = (
    (1, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12),
    (1, 2, 3, 4, 4, 6, 7, 8, 9, 10, 11, 12),
    (1, 2, 3, 4, 4, 6, 7, 8, 9, 10, 11, 12),
    (2, 3, 3, 4, 5, 7, 8, 9, 10, 11, 11, 12),
    (3, 4, 4, 5, 6, 8, 9, 10, 10, 11, 12, 12),
    (3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 12),
    (4, 5, 6, 7, 8, 9, 9, 10, 11, 11, 12, 12),
    (5, 6, 7, 8, 8, 9, 10, 10, 11, 12, 12, 12),
    (6, 6, 7, 8, 9, 10, 10, 10, 11, 12, 12, 12),
    (7, 7, 8, 9, 9, 10, 11, 11, 12, 12, 12, 12),
    (7, 7, 8, 9, 9, 10, 11, 11, 12, 12, 12, 12),
    (7, 8, 8, 9, 9, 10, 11, 11, 12, 12, 12, 12),
)
# By upper arm, lower arm and wrist: the two of its twist.
RULA_A = (
    (((1, 2), (2, 2), (2, 3), (3, 3)), ((2, 2), (2, 2), (3, 3), (3, 3)),
     ((2, 3), (3, 3), (3, 3), (4, 4))),
    (((2, 3), (3, 3), (3, 4), (4, 4)), ((3, 3), (3, 3), (3, 4), (4, 4)),
     ((3, 4), (4, 4), (4, 4), (5, 5))),
    (((3, 3), (4, 4), (4, 4), (5, 5)), ((3, 4), (4, 4), (4, 4), (5, 5)),
     ((4, 4), (4, 4), (4, 5), (5, 5))),
    (((4, 4), (4, 4), (4, 5), (5, 5)), ((4, 4), (4, 4), (4, 5), (5, 5)),
     ((4, 4), (4, 5), (5, 5), (6, 6))),
    (((5, 5), (5, 5), (5, 6), (6, 7)), ((5, 6), (6, 6), (6, 7), (7, 7)),
     ((6, 6), (6, 7), (7, 7), (7, 8))),
    (((7, 7), (7, 7), (7, 8), (8, 9)), ((8, 8), (8, 8), (8, 9), (9, 9)),
     ((9, 9), (9, 9), (9, 9), (9, 9))),
)  # fmt: skip
# By legs: trunk by trunk, that of each neck.
RULA_B_BY_LEGS = (
    ((1, 2, 3, 5, 7, 8), (2, 2, 3, 5, 7, 8), (3, 4, 4, 6, 7, 8),
     (5, 5, 5, 7, 8, 8), (6, 6, 6, 7, 8, 9), (7, 7, 7, 8, 8, 9)),
    ((3, 3, 3, 5, 7, 8), (3, 3, 4, 6, 7, 8), (4, 5, 5, 7, 8, 8),
     (5, 5, 6, 7, 8, 9), (6, 7, 7, 7, 8, 9), (7, 7, 7, 8, 8, 9)),
)  # fmt: skip
RULA_C_BY_SCORE_D = (
    (1, 2, 3, 3, 4, 4, 5, 5),
    (2, 2, 3, 3, 4, 4, 5, 5),
    (3, 3, 3, 3, 4, 5, 6, 6),
    (3, 4, 4, 4, 5, 6, 6, 7),
    (4, 4, 4, 5, 6, 6, 7, 7),
    (5, 5, 5, 6, 7, 7, 7, 7),
    (5, 5, 6, 6, 7, 7, 7, 7),
)


@pytest.mark.parametrize(
    ('table', 'listed', 'axes'),
    [
        ('REBA_A', REBA_A_BY_NECK, (1, 0, 2)),
        ('REBA_B', REBA_B_BY_LOWER_ARM, (1, 0, 2)),
        ('REBA_C', REBA_C_BY_SCORE_B, (1, 0)),
        ('RULA_A', RULA_A, (0, 1, 2, 3)),
        ('RULA_B', RULA_B_BY_LEGS, (2, 1, 0)),
        ('RULA_C', RULA_C_BY_SCORE_D, (1, 0)),
    ],
)
def test_every_cell_of_a_table(table, listed, axes):
    np.testing.assert_array_equal(
        getattr(scores, table), np.array(listed).transpose(axes)
    )


@pytest.mark.parametrize(
    'table', ['REBA_A', 'REBA_B', 'REBA_C', 'RULA_A', 'RULA_B', 'RULA_C']
)
def test_no_score_falls_when_a_part_gets_worse(table):
    """So the ends of the parts' ranges give those of the result."""
    cells = getattr(scores, table)
    for axis in range(cells.ndim):
        assert (np.diff(cells, axis=axis) >= 0).all()


def posture(**angles) -> Posture:
    """Return one frame of somebody upright, but for some measures; NaN is unknown.

    Names without a side are of both sides; wrists are straight.
    """
    own = ('arm_from_vertical', 'hand_sideways')
    measures = dict.fromkeys([*ANGLES, 'foot_lift'], 0.0)
    measures |= {f'{side}_{m}': 1.0 for side in SIDES for m in own}
    measures |= {f'{side}_elbow_flexion': 80.0 for side in SIDES}
    for name, value in angles.items():
        named = [name] if name in measures else [f'{side}_{name}' for side in SIDES]
        assert measures.keys() >= {*named}, name
        measures |= dict.fromkeys(named, float(value))
    return Posture(
        {k: np.array([v]) for k, v in measures.items()}, '3d', Failures({}, {})
    )


def score(method: str, work: Work | None = None, **angles) -> tuple[int, int]:
    """Return the range of the score of one frame."""
    points = {k: np.array([v]) for k, v in (work or Work()).points.items()}
    found = METHODS[method].score(posture(**angles), points)
    return int(found.low[0]), int(found.high[0])


# Postures whose scores others have published, as angles that give the same parts.
PUBLISHED = {
    # A worker takes cardboard of 250 g every ten seconds, with the shoulder flexed by
    # up to 45 degrees and the elbow half extended: parts 2 2 1 1 and 1 1 1, C 4, D 2.
    'RULA exercise in Spanish': (
        'rula',
        Work(load_kg=0.25, repeated=True),
        {'shoulder_flexion': 40, 'elbow_flexion': 40},
        3,
    ),
    # Parts 4 3 3 1 and 3 4 2, a point for activity: A 5, C 6, B 6, D 7.
    'RULA worksheet in Spanish': (
        'rula',
        Work(static=True),
        {
            'shoulder_flexion': 100,
            'elbow_flexion': 20,
            'hand_sideways': 2.5,
            'wrist_bend': 20,
            'neck_flexion': 25,
            'trunk_flexion': 65,
            'foot_lift': 0.5,
        },
        7,
    ),
    # Neck 1, trunk 2, legs 2, over 10 kg: A 3 + 2; upper arm 1 + 1, B 1.
    'REBA, a worker with a load': (
        'reba',
        Work(load_kg=12),
        {
            'neck_flexion': 10,
            'trunk_flexion': 20,
            'knee_flexion': 45,
            'shoulder_flexion': 20,
            'shoulder_abduction': 30,
        },
        4,
    ),
    # Trunk 4, neck 2, legs 2, load 2 + 1: A 6 + 3; arm 4 2 2: B 6; C 10, activity 1.
    'REBA exercise in Spanish': (
        'reba',
        Work(load_kg=12, shock=True, static=True),
        {
            'trunk_flexion': 65,
            'neck_flexion': 25,
            'knee_flexion': 45,
            'shoulder_flexion': 100,
            'elbow_flexion': 110,
            'wrist_bend': 20,
            'arm_from_vertical': 90,
        },
        11,
    ),
    # An upright man holds a light box without handles: A 1, B 1 + 2.
    'REBA, good posture of AutoREBA': (
        'reba',
        Work(coupling='poor'),
        {'neck_flexion': 5, 'shoulder_flexion': 15},
        1,
    ),
    # Neck, trunk and legs 2: A 4; arms 1 2 2 on the right: B 2; on the left 1 2 3: 3.
    'REBA, both sides of ergonomics-metrics': (
        'reba',
        Work(),
        {
            'neck_flexion': 25,
            'trunk_flexion': 15,
            'knee_flexion': 45,
            'elbow_flexion': 20,
            'wrist_bend': 20,
        },
        4,
    ),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_examples(name):
    """Those with straight wrists have the low end of the range."""
    method, work, angles, expected = PUBLISHED[name]
    assert score(method, work, **angles)[0] == expected


@pytest.mark.parametrize(
    ('angles', 'expected'),
    [
        # Trunk 1, neck 1, legs 1 and upper arm 1, lower arm 1; wrist 1 to 2.
        ({}, (1, 1)),
        # Trunk 4 and neck 2: A = 5; upper arm 3: B = 3 to 4.
        (
            {
                'trunk_flexion': 65,
                'neck_flexion': 25,
                'shoulder_flexion': 60,
                'arm_from_vertical': 50,
            },
            (4, 5),
        ),
        # Trunk 2 in extension, legs 3: A = 4; upper arm 4, lower arm 2: B = 5 to 6.
        (
            {
                'trunk_flexion': -10,
                'knee_flexion': 70,
                'shoulder_flexion': 100,
                'elbow_flexion': 120,
            },
            (5, 6),
        ),
        # The worse knee and the worse arm count: A = 3; upper arm 4, B = 4 to 5.
        ({'left_knee_flexion': 70}, (2, 3)),
        ({'left_shoulder_flexion': 100}, (2, 3)),
        ({'right_shoulder_flexion': 100}, (2, 3)),
        # Twist and side bend of one part are a single point: trunk 2, A = 2.
        ({'trunk_twist': 30, 'trunk_side_bend': -15}, (1, 2)),
        ({'neck_side_bend': 12}, (1, 1)),
        # Abducted: upper arm 2, B = 1 to 2.
        ({'shoulder_abduction': 30}, (1, 1)),
        # A raised foot is a step or not: legs 1 to 2, A = 1 to 2.
        ({'foot_lift': 0.5}, (1, 2)),
        # Trunk unknown: 1 to 5, A = 1 to 4.
        ({'trunk_flexion': np.nan, 'trunk_twist': np.nan}, (1, 4)),
    ],
)
def test_reba_of_angles(angles, expected):
    assert score('reba', **angles) == expected


def test_arms_that_hang_from_a_bent_trunk_are_helped_by_gravity():
    """With trunk 3, A = 2: upper arm 3 - 1, B = 1 to 2; without help, B = 3 to 4."""
    bent = {'trunk_flexion': 50, 'shoulder_flexion': 50}
    assert score('reba', **bent, arm_from_vertical=5) == (1, 2)
    assert score('reba', **bent, arm_from_vertical=40) == (2, 3)


@pytest.mark.parametrize(
    ('work', 'expected'),
    [
        (Work(load_kg=4.9), (1, 1)),
        # A = 2, 3, 4 with B = 1 to 2.
        (Work(load_kg=5), (1, 2)),
        (Work(load_kg=12), (2, 3)),
        (Work(load_kg=12, shock=True), (3, 4)),
        (Work(coupling='unacceptable'), (2, 3)),
        (Work(static=True, repeated=True, rapid=True), (4, 4)),
        # B stays 1 to 2 with upper arm 2.
        (Work(raised=True), (1, 1)),
        (Work(supported=True), (1, 1)),
    ],
)
def test_load_grip_and_activity_of_reba(work, expected):
    assert score('reba', work) == expected


def test_knees_of_sitting_people_do_not_count():
    assert score('reba', knee_flexion=90) == (2, 3)
    assert score('reba', Work(sitting=True), knee_flexion=90, foot_lift=0.5) == (1, 1)


@pytest.mark.parametrize(
    ('angles', 'expected'),
    [
        # Upper arm 1, lower arm 1, wrist 1 to 2, twist 1 to 2: A = 1 to 2; B = 1.
        ({}, (1, 2)),
        # Neck 2, 3, 4: B = 2, 3, 5.
        ({'neck_flexion': 15}, (2, 2)),
        ({'neck_flexion': 25}, (3, 3)),
        ({'neck_flexion': -20}, (4, 4)),
        # Twist and side bend count one by one: trunk 5, B = 6.
        ({'trunk_flexion': 50, 'trunk_twist': 20, 'trunk_side_bend': 20}, (5, 5)),
        # The forearm crosses the middle, or is far out: lower arm 2, A = 2.
        ({'left_hand_sideways': -0.5}, (2, 2)),
        ({'left_hand_sideways': 2.5}, (2, 2)),
        # Wrist 3 to 4: A = 2 to 3.
        ({'wrist_bend': 30}, (2, 3)),
        ({'shoulder_flexion': 100, 'shoulder_abduction': 40}, (4, 4)),
        # Legs 1 to 2: B = 1 to 3.
        ({'foot_lift': 0.5}, (1, 3)),
    ],
)
def test_rula_of_angles(angles, expected):
    assert score('rula', **angles) == expected


@pytest.mark.parametrize(
    ('work', 'points'),
    [
        (Work(load_kg=1.9), 0),
        (Work(load_kg=2), 1),
        (Work(load_kg=11), 2),
        (Work(load_kg=5, static=True), 3),
        (Work(load_kg=11, repeated=True), 4),
        (Work(load_kg=1, shock=True), 3),
        (Work(repeated=True, static=True), 1),
    ],
)
def test_muscle_use_and_force_of_rula(work, points):
    """As the paper words them; muscle use is one of the points."""
    assert work.points['muscle'] + work.points['force'] == points
    assert score('rula', work)[0] == scores.RULA_C[points, points]


def test_unknown_parts_span_all_that_they_may_be():
    """A part that is not seen gives what its lowest and its highest score give."""
    values = {
        'neck_flexion': (-10, 10, 30),
        'left_shoulder_flexion': (0, 30, 60, 100),
        'trunk_side_bend': (0, 20),
    }
    for method, (name, given) in itertools.product(METHODS, values.items()):
        each = [score(method, **{name: value}) for value in given]
        lows, highs = zip(*each, strict=True)
        assert score(method, **{name: np.nan}) == (min(lows), max(highs))


def test_action_levels():
    assert METHODS['reba'].level(np.array([1, 2, 3, 4, 7, 8, 10, 11, 15])).tolist() == [
        0, 1, 1, 2, 2, 3, 3, 4, 4,
    ]  # fmt: skip
    assert METHODS['rula'].level(np.arange(1, 8)).tolist() == [1, 1, 2, 2, 3, 3, 4]


def test_stations_state_the_work_of_classes(tmp_path):
    path = tmp_path / 'station.csv'
    path.write_text('class,load_kg,coupling,repeated\nlift,12,Fair,yes\nwalk,,,\n')
    station = read_station(path, ['walk', 'lift', 'wait'])
    assert station == {
        'lift': Work(12.0, coupling='fair', repeated=True),
        'walk': Work(),
    }
    points = points_of(np.array([1, 0, -1, 2]), ['walk', 'lift', 'wait'], station)
    assert points['load'].tolist() == [2, 0, 0, 0]
    assert points['activity'].tolist() == [1, 0, 0, 0]
    # Of several tiers, the one that the station states.
    tiers = np.array([[0, 0], [1, 2]])
    points = points_of(tiers, ['up', 'lift', 'wait'], {'lift': Work(12)})
    assert points['load'].tolist() == [2, 0]


@pytest.mark.parametrize(
    ('text', 'fault'),
    [
        ('class,load_kg\nlift,heavy', 'line 2: load_kg is .heavy.'),
        ('class,load_kg\nlift,-1', 'line 2: load_kg is -1'),
        ('class,coupling\nlift,firm', 'coupling is .firm., expected one of good'),
        ('class,static\nlift,2', 'static is .2., expected one of yes'),
        ('class,weight\nlift,2', 'no column .weight.'),
        ('class\nfly', 'line 2: .fly. is not among the classes walk, lift'),
        ('class\nlift\nlift', 'line 3: .lift. is named twice; name it once'),
        ('load_kg\n2', 'without class'),
    ],
)
def test_wrong_stations(tmp_path, text, fault):
    path = tmp_path / 'station.csv'
    path.write_text(text)
    with pytest.raises(UserError, match=f'station.csv.*{fault}'):
        read_station(path, ['walk', 'lift'])
