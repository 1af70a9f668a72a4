"""Joint angles of constructed people."""

import numpy as np
import pytest

from mmskelseg_behaviour.posture import angles
from mmskelseg_behaviour.posture.angles import ANGLES, measure
from mmskelseg_io.structures.layouts import LAYOUTS
from mmskelseg_io.structures.skeleton import Skeleton
from tests.test_posture.people import BODY, JOINTS, filmed, person, video

UP = {'up': 'z'}
FROM_LEFT, FROM_FRONT = (-1, 0, 0), (0, 1, 0)


def known(posture) -> set[str]:
    """Return the names of angles that are known in the first frame."""
    return {name for name in ANGLES if np.isfinite(posture[name][0])}


def test_angles_of_upright_people_are_0():
    posture = measure(video(person()), BODY, UP)
    found = {name: posture[name][0] for name in ANGLES}
    assert found == pytest.approx(dict.fromkeys(ANGLES, 0.0), abs=1e-5)
    assert posture['right_hand_sideways'][0] == pytest.approx(1)
    assert posture['foot_lift'][0] == pytest.approx(0)


@pytest.mark.parametrize('part', ['trunk', 'neck'])
@pytest.mark.parametrize(
    'turn', [(30, 0, 0), (-10, 0, 0), (0, 20, 0), (0, 0, 40), (50, -25, -15)]
)
def test_trunk_and_neck_are_flexed_then_bent_then_twisted(part, turn):
    posture = measure(video(person(**{part: turn})), BODY, UP)
    found = [posture[f'{part}_{a}'][0] for a in ('flexion', 'side_bend', 'twist')]
    assert found == pytest.approx(turn, abs=1e-6)


@pytest.mark.parametrize(
    ('arm', 'flexion', 'abduction'),
    [
        ((70, 0), 70, 0),
        ((30, 180), -30, 0),
        # Raised sideways is raised: the elevation counts.
        ((90, 90), 90, 90),
        ((60, 30), 60, np.degrees(np.arcsin(np.sin(np.pi / 3) / 2))),
        ((170, 0), 170, 0),
    ],
)
def test_shoulders_have_elevation_and_abduction(arm, flexion, abduction):
    # The trunk's posture changes nothing, since arms are measured from it.
    for trunk in ((0, 0, 0), (40, 10, -30)):
        posture = measure(video(person(trunk=trunk, arm=arm)), BODY, UP)
        for side in ('left', 'right'):
            assert posture[f'{side}_shoulder_flexion'][0] == pytest.approx(flexion)
            found = posture[f'{side}_shoulder_abduction'][0]
            assert found == pytest.approx(abduction, abs=1e-6)


def test_elbow_wrist_hip_and_knee_have_the_angle_between_their_segments():
    posture = measure(video(person(elbow=80, wrist=25, hip=60, knee=100)), BODY, UP)
    for side in ('left', 'right'):
        assert posture[f'{side}_elbow_flexion'][0] == pytest.approx(80)
        assert posture[f'{side}_wrist_bend'][0] == pytest.approx(25)
        assert posture[f'{side}_hip_flexion'][0] == pytest.approx(60)
        assert posture[f'{side}_knee_flexion'][0] == pytest.approx(100)


def test_hip_and_arm_of_bent_people():
    posture = measure(video(person(trunk=(50, 0, 0), arm=(50, 0))), BODY, UP)
    assert posture['left_hip_flexion'][0] == pytest.approx(50)
    assert posture['left_arm_from_vertical'][0] == pytest.approx(0, abs=1e-5)


def test_a_raised_foot_is_measured_in_shanks():
    one = person()
    one['left_ankle'] = one['left_ankle'] + [0, 0, 0.2]
    one['left_knee'] = one['left_ankle'] + [0, 0, 0.4]
    assert measure(video(one), BODY, UP)['foot_lift'][0] == pytest.approx(0.5)


def test_angles_do_not_depend_on_axes_size_or_place():
    one = video(person(trunk=(30, 10, 5), neck=(15, 5, 20), arm=(60, 20), elbow=70))
    expected = measure(one, BODY, UP)
    # z, x and y become x, y and z; -y is up after a turn by 90 degrees about x.
    moved = {**one, 'keypoint_3d': 3 * one['keypoint_3d'][..., [2, 0, 1]] + 7}
    turned = {**one, 'keypoint_3d': one['keypoint_3d'] * [1, -1, -1]}
    turned['keypoint_3d'] = turned['keypoint_3d'][..., [0, 2, 1]] * [1, 1, -1]
    for other, up in ((moved, 'x'), (turned, '-y')):
        found = measure(other, BODY, {'up': up})
        for name in ANGLES:
            assert found[name] == pytest.approx(expected[name], abs=1e-6), (up, name)


def test_without_up_people_stand_upright():
    one = video(*[person(), person(trunk=(30, 0, 0))])
    upside_down = {**one, 'keypoint_3d': one['keypoint_3d'] * [1, -1, -1]}
    for each in (one, upside_down):
        assert measure(each, BODY, {})['trunk_flexion'] == pytest.approx([0, 30])


def test_knees_that_bend_backwards_are_reported(monkeypatch):
    """In left-handed axes, all flexions would have the wrong sign."""
    said = []
    monkeypatch.setattr(angles, 'print_log', lambda text, _: said.append(text))
    one = {**video(*[person(hip=30, knee=60)] * 3), 'frame_dir': 'take'}
    measure(one, BODY, UP)
    assert not said
    measure({**one, 'keypoint_3d': one['keypoint_3d'] * [-1, 1, 1]}, BODY, UP)
    assert len(said) == 1
    assert 'take' in said[0]
    assert 'left-handed' in said[0]


def test_angles_of_missing_joints_are_unknown():
    one = video(person())
    one['keypoint_score'][0, 0, JOINTS.index('left_wrist')] = 0
    posture = measure(one, BODY, UP)
    lost = {'left_elbow_flexion', 'left_wrist_bend'}
    assert known(posture) == {*ANGLES} - lost
    assert posture.shares['left_wrist_bend'] == 0


@pytest.mark.parametrize('name', sorted(LAYOUTS))
def test_known_layouts_have_trunk_arms_and_legs(name):
    skeleton = Skeleton.get(name)
    points = np.random.default_rng(0).normal(size=(1, 200, skeleton.num_joints, 3))
    scores = np.ones(points.shape[:3])
    # So slow that nothing jumps.
    one = {'keypoint_3d': points, 'keypoint_score': scores, 'fps': 0.01}
    posture = measure(one, skeleton, UP)
    needed = {'trunk_flexion', 'trunk_twist', 'left_shoulder_flexion'}
    needed |= {'right_elbow_flexion', 'left_knee_flexion', 'right_hip_abduction'}
    needed |= {'neck_flexion'} if name != 'body12' else set()
    assert {name for name in ANGLES if np.isfinite(posture[name]).any()} >= needed


def test_animals_have_no_posture():
    paws = [f'{s}_{p}' for s in ('left', 'right') for p in ('shoulder', 'hip', 'paw')]
    mouse = Skeleton.get({'joints': paws, 'limbs': []})
    one = {'keypoint': np.ones((1, 2, 6, 2)), 'keypoint_score': np.ones((1, 2, 6))}
    assert measure(one, mouse, {}) is None


@pytest.mark.parametrize('right', [FROM_LEFT, (1, 0, 0)])
def test_people_in_profile_show_flexion(right):
    one = person(
        trunk=(40, 0, 0), neck=(15, 0, 0), arm=(70, 0), elbow=50, hip=20, knee=45
    )
    posture = measure(filmed(one, right=right), BODY, {'view': 'side'})
    assert posture['trunk_flexion'][0] == pytest.approx(40)
    assert posture['neck_flexion'][0] == pytest.approx(15)
    assert posture['left_shoulder_flexion'][0] == pytest.approx(70)
    assert posture['right_elbow_flexion'][0] == pytest.approx(50)
    assert posture['left_hip_flexion'][0] == pytest.approx(60)
    assert posture['right_knee_flexion'][0] == pytest.approx(45)
    unseen = [n for n in ANGLES if n.endswith(('side_bend', 'twist', 'abduction'))]
    assert not known(posture) & {*unseen}
    seen, unseen = posture.note().split('; ')
    assert seen.startswith('angles from a camera at the side: trunk flexion, neck')
    assert 'trunk twist' in unseen


# Flexion of trunk and neck: together, they let a nose hang below or behind the ears.
BENDS = [
    (30, 0), (30, 30), (30, 60), (60, 0), (60, 30), (60, 45), (70, -20), (70, 25),
    (80, 40), (90, 0), (90, 30), (90, 60),
]  # fmt: skip
# As COCO-17, but for the eyes: without toes, neck and top of the head.
COCO = [name for name in JOINTS if not name.endswith(('head', 'neck', 'hand', 'toe'))]


@pytest.mark.parametrize('bend', BENDS)
@pytest.mark.parametrize('right', [FROM_LEFT, (1, 0, 0)])
def test_people_in_profile_bend_forwards(bend, right):
    """Knees and elbows are straight, so only head and trunk show where they face."""
    steps = np.linspace(0, 1, 31)
    people = [
        person(trunk=(step * bend[0], 0, 0), neck=(step * bend[1], 0, 0))
        for step in steps
    ]
    skeleton = Skeleton.get({'joints': COCO, 'limbs': []})
    walked = filmed(*people, right=right, joints=COCO)
    walked['fps'] = 10.0
    walked['keypoint'] += np.random.default_rng(0).normal(size=walked['keypoint'].shape)
    posture = measure(walked, skeleton, {'view': 'side'})
    for part, angle in zip(('trunk', 'neck'), bend, strict=True):
        error = posture[f'{part}_flexion'] - steps * angle
        # A pixel is 1.1 degrees of the trunk, and 2.9 of the neck.
        assert np.abs(error).max() < 12, part
    held = filmed(*people[-1:], right=right, joints=COCO)
    posture = measure(held, skeleton, {'view': 'side'})
    found = [posture[f'{part}_flexion'][0] for part in ('trunk', 'neck')]
    assert found == pytest.approx(bend)


def test_facing_is_found_over_time():
    """A nose at the back of the head does not turn somebody round."""
    taken = filmed(*[person(trunk=(20, 0, 0))] * 60, right=FROM_LEFT, joints=COCO)
    nose, ear = COCO.index('nose'), COCO.index('left_ear')
    taken['keypoint'][0, 10:25, nose] = taken['keypoint'][0, 10:25, ear] + [9, 0]
    skeleton = Skeleton.get({'joints': COCO, 'limbs': []})
    found = measure({**taken, 'fps': 10.0}, skeleton, {})
    assert found['trunk_flexion'] == pytest.approx(20)


def test_people_who_turn_round_face_the_other_way():
    angles_ = np.radians([*[90] * 20, *np.linspace(90, -90, 20), *[-90] * 20])
    parts = [
        filmed(person(trunk=(30, 0, 0)), right=(np.sin(a), np.cos(a), 0))
        for a in angles_
    ]
    turned = {
        'keypoint': np.concatenate([one['keypoint'] for one in parts], axis=1),
        'keypoint_score': np.ones((1, 60, len(JOINTS))), 'fps': 20.0,
    }  # fmt: skip
    found = measure(turned, BODY, {})['trunk_flexion']
    assert found[:20] == pytest.approx(30)
    assert found[40:] == pytest.approx(30)
    assert np.isnan(found[30])


def test_angles_that_people_have_not_are_unknown_and_counted():
    people = [person(knee=30)] * 40
    people[20] = person(knee=174)
    posture = measure({**video(*people), 'fps': 1.0}, BODY, UP)
    assert np.flatnonzero(posture.failures.frames).tolist() == [20]
    assert np.isnan(posture['left_knee_flexion'][20])
    assert posture['trunk_flexion'][20] == pytest.approx(0)
    assert posture.failures.reasons(20) == (
        'left knee flexion out of range, right knee flexion out of range'
    )
    # They do not make the knee an angle that is seen in some frames only.
    assert posture.shares['left_knee_flexion'] == 1


@pytest.mark.parametrize('right', [FROM_FRONT, (0, -1, 0)])
def test_people_from_the_front_and_the_back_show_side_bends(right):
    one = person(trunk=(0, 20, 0), neck=(0, -10, 0), arm=(40, 90))
    posture = measure(filmed(one, right=right), BODY, {'view': 'side'})
    assert posture['trunk_side_bend'][0] == pytest.approx(20)
    assert posture['neck_side_bend'][0] == pytest.approx(-10)
    assert posture['left_shoulder_abduction'][0] == pytest.approx(40)
    assert posture['right_shoulder_abduction'][0] == pytest.approx(40)
    assert not {n for n in known(posture) if n.endswith(('flexion', 'twist'))}


def test_people_at_an_angle_show_nothing():
    """Between profile and front, all angles would be distorted."""
    right = np.array([1, 1, 0]) / np.sqrt(2)
    posture = measure(filmed(person(), right=right), BODY, {})
    assert known(posture) == set()
    assert posture.note().startswith('angles from a camera at the side: none; not seen')


def test_cameras_above_show_twists():
    one = person(trunk=(0, 0, 25), neck=(0, 0, -30))
    above = filmed(one, right=(0, -1, 0), down=(-1, 0, 0))
    posture = measure(above, BODY, {'view': 'top'})
    assert known(posture) == {'trunk_twist', 'neck_twist'}
    assert posture['trunk_twist'][0] == pytest.approx(25)
    assert posture['neck_twist'][0] == pytest.approx(-30)
