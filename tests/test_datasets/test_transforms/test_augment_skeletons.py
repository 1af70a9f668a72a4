import numpy as np
import pytest

from mmskelseg.datasets.transforms import (
    RandomHorizontalFlip,
    RandomJitter,
    RandomJointDropout,
    RandomProjection,
    RandomProportions,
    RandomRotation,
    RandomRotation3D,
    RandomScale,
    RandomTimeWarp,
)
from mmskelseg.datasets.transforms.augment_skeletons import smooth_noise
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.tiers import flat_classes, tiers_of
from tests.errors import raises_naming

ALL = [
    RandomTimeWarp, RandomRotation3D, RandomScale, RandomProportions, RandomJitter,
    RandomJointDropout,
]  # fmt: skip


def build(transform):
    """Return a transform that is sure to change a video."""
    options = {'p': 1.0} if 'Dropout' in transform.__name__ else {}
    return transform(**options)


@pytest.mark.parametrize('transform', ALL)
def test_draws_depend_on_seed_epoch_and_video_alone(transform, video):
    """The same ones when a training is resumed, others in each epoch."""

    def made(**keys):
        changed = build(transform)({**video, **keys})
        return changed['keypoint_3d'].tobytes()

    np.random.seed(0)
    expected = made()
    np.random.seed(1)
    assert made() == expected
    assert made(run_seed=0) == expected
    others = [{'epoch': 4}, {'frame_dir': 'other'}, {'run_seed': 1}]
    assert expected not in [
        *(made(**o) for o in others),
        video['keypoint_3d'].tobytes(),
    ]


@pytest.mark.parametrize('transform', ALL)
def test_missing_joints_stay_missing_and_nothing_given_changes(transform, video):
    """Arrays of the data set are not written into, and keep their types."""
    before = {key: np.copy(value) for key, value in video.items()}
    changed = build(transform)(dict(video))
    for key, value in before.items():
        np.testing.assert_array_equal(video[key], value)
    assert not changed['keypoint_score'][0, :, -1].any()
    for key in ('keypoint', 'keypoint_3d'):
        assert not changed[key][0, :, -1].any()
        assert changed[key].dtype == np.float32
        assert np.isfinite(changed[key]).all()
    T = changed['total_frames']
    assert changed['keypoint'].shape == (2, T, 17, 2)
    assert changed['keypoint_3d'].shape == (2, T, 17, 3)
    assert changed['label'].shape == changed['risk'].shape == (T,)


@pytest.mark.parametrize('transform', ALL)
def test_coordinates_of_missing_joints_do_not_count(transform, video):
    """Any finite number may stand there; the others become what they were."""
    expected = build(transform)(dict(video))
    lost = video['keypoint_score'] == 0
    for key in ('keypoint', 'keypoint_3d'):
        video[key] = np.where(lost[..., None], np.float32(1e30), video[key])
    found = build(transform)(dict(video))
    seen = expected['keypoint_score'] > 0
    np.testing.assert_array_equal(found['keypoint_score'] > 0, seen)
    for key in ('keypoint', 'keypoint_3d'):
        assert np.isfinite(found[key]).all()
        np.testing.assert_array_equal(found[key][seen], expected[key][seen])


def test_rotation_keeps_lengths_and_heights(video):
    """About the vertical of the data set, 1, unless another one is named."""
    turned = RandomRotation3D(30)(dict(video))['keypoint_3d']
    given = video['keypoint_3d']
    np.testing.assert_allclose(turned[..., 1], given[..., 1], atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(turned, axis=-1), np.linalg.norm(given, axis=-1), atol=1e-6
    )
    assert np.abs(turned[..., 0] - given[..., 0]).max() > 0.01
    named = RandomRotation3D(30, vertical=2)(dict(video))['keypoint_3d']
    np.testing.assert_allclose(named[..., 2], given[..., 2], atol=1e-6)
    tilted = RandomRotation3D(0, tilt=30)(dict(video))['keypoint_3d']
    assert np.abs(tilted[..., 1] - given[..., 1]).max() > 0.01
    with raises_naming(ValueError, 'keypoint_3d', "metainfo['up']", 'vertical=2'):
        RandomRotation3D(30)({**video, 'up': None})


def test_rotation_has_the_spread_that_it_is_told(video):
    video['keypoint_3d'] = np.zeros((1, 1, 17, 3), np.float32)
    video['keypoint_3d'][..., 0, :] = [1, 0, 0]
    video['keypoint_score'] = np.ones((1, 1, 17), np.float32)
    rotate = RandomRotation3D(20, vertical=1)
    angles = []
    for epoch in range(2000):
        x, _, z = rotate({**video, 'epoch': epoch})['keypoint_3d'][0, 0, 0]
        angles.append(np.degrees(np.arctan2(z, x)))
    # Five deviations of an estimate from 2,000 draws: 1 / sqrt(4,000) of it.
    assert abs(np.std(angles) - 20) < 5 * 20 / np.sqrt(4000)


def test_projection_is_that_of_a_pinhole_camera(video):
    """A point 1 m to the right of the middle, and one as far away from the camera."""
    points = np.zeros((1, 1, 17, 3), np.float32)
    points[0, 0, :4] = [[-1, 0, 4], [1, 0, 4], [0, -1, 3], [0, 1, 5]]
    score = np.zeros((1, 1, 17), np.float32)
    score[..., :4] = 1
    given = {**video, 'keypoint_3d': points, 'keypoint_score': score}
    given['img_shape'] = (400, 600)
    # The height shows 4 m at the mean place, so that 1 m has 100 pixels there.
    film = RandomProjection(distance=(2, 2), right='-x', down='-y')
    image = film(dict(given))['keypoint'][0, 0]
    np.testing.assert_allclose(
        image[:4],
        [[300 + 100, 200], [300 - 100, 200], [300, 200 + 200], [300, 200 - 200 / 3]],
        rtol=1e-5,
    )
    assert not image[4:].any()
    # Seen from the side: z to the right, so that x points away.
    side = RandomProjection(distance=(2, 2), right='z', down='-y')
    image = side(dict(given))['keypoint'][0, 0]
    depth = 2 + np.array([-1, 1, 0, 0])
    x = 300 + 200 * np.array([0, 0, -1, 1]) / depth
    y = 200 + 200 * np.array([0, 0, 1, -1]) / depth
    np.testing.assert_allclose(image[:4], np.stack([x, y], -1), rtol=1e-5)


def test_projection_draws_a_distance_and_names_wrong_options(video):
    """The farther the camera, the less perspective; sizes stay."""
    near, far = (
        RandomProjection((d, d), right='-x', down='-y')(dict(video))['keypoint']
        for d in (2, 500)
    )
    assert np.abs(near - far).max() > 1
    drawn = {
        RandomProjection(right='y', down='-z')({**video, 'epoch': e})[
            'keypoint'
        ].tobytes()
        for e in range(4)
    }
    assert len(drawn) == 4
    with raises_naming(UserError, 'RandomProjection', "down='x'", "right='-x'"):
        RandomProjection(right='-x', down='x')
    del video['keypoint_3d']
    with raises_naming(UserError, 'RandomProjection', 'video video', 'keypoint_3d'):
        RandomProjection(right='-x', down='-y')(video)


def test_scale_stretches_each_axis_by_one_factor(video):
    seen = video['keypoint_score'] > 0
    for key in ('keypoint', 'keypoint_3d'):
        factors = RandomScale(0.2)(dict(video))[key][seen] / video[key][seen]
        assert np.ptp(factors, axis=0).max() < 1e-3
        assert len(set(factors[0].tolist())) == video[key].shape[-1]


def test_proportions_move_a_joint_alike_in_all_frames(video):
    """By sigma times the body size, which is 1 here."""
    points = np.zeros((1, 50, 2, 3), np.float32)
    points[..., 0, :], points[..., 1, :] = [1, 0, 0], [-1, 0, 0]
    given = {**video, 'keypoint_3d': points, 'total_frames': 50}
    given['keypoint_score'] = np.ones((1, 50, 2), np.float32)
    del given['keypoint']
    moves = []
    for epoch in range(500):
        changed = RandomProportions(0.1)({**given, 'epoch': epoch})['keypoint_3d']
        move = changed - points
        assert np.ptp(move, axis=1).max() < 1e-6
        moves.append(move[0, 0])
    assert abs(np.std(moves) - 0.1) < 5 * 0.1 / np.sqrt(2 * 3000)


def test_jitter_drifts_slowly(video):
    """A step from frame to frame is far smaller than the way over a period."""
    given = np.zeros_like(video['keypoint_3d'])
    given[..., 0, 0] = 1
    video |= {'keypoint_3d': given, 'keypoint_score': np.ones((2, 90, 17), np.float32)}
    drift = RandomJitter(0.1, period=1)(video)['keypoint_3d'] - given
    steps = np.abs(np.diff(drift, axis=1)).mean()
    assert 0 < steps < 0.15 * np.abs(drift[:, 30:] - drift[:, :-30]).mean()


def test_smooth_noise_swings_with_variance_one_at_knots():
    """And half of it between two knots, by the formula of the mean of two."""
    curve = smooth_noise(np.random.default_rng(0), 3000, 10, (40,))
    assert curve.shape == (3000, 40)
    assert 0.5 < curve.var() < 1
    assert np.abs(np.diff(curve, axis=0)).max() < 1.7


def test_smooth_noise_has_at_most_a_knot_a_frame():
    """Of a video with a frame an hour, knots a second apart would fill the memory."""
    curves = [smooth_noise(np.random.default_rng(0), 9, k, (2,)) for k in (1e-9, 1)]
    np.testing.assert_array_equal(*curves)


def test_joint_dropout_loses_stretches_of_some_joints(video):
    """In 2 % of the frames; each stretch is 15 frames long, unless an end cuts it."""
    lose = RandomJointDropout(0.02, seconds=(0.5, 0.5))
    parts, lengths = [], set()
    for epoch in range(300):
        item = lose({**video, 'epoch': epoch})
        lost = (item['keypoint_score'] == 0) & (video['keypoint_score'] > 0)
        parts.append(lost[1].mean())
        inner = np.diff(np.flatnonzero(np.diff(lost[1, :, 0].astype(int))))
        lengths |= set(inner[:1].tolist())
        for key in ('keypoint', 'keypoint_3d'):
            assert not item[key][lost].any()
            np.testing.assert_array_equal(item[key][~lost], video[key][~lost])
    assert 15 in lengths
    # Overlaps take some away: 1 - exp(-0.02); about 2,000 stretches of 300 epochs.
    assert abs(np.mean(parts) - 0.0198) < 5 * 0.0198 / np.sqrt(700)


def test_flip_changes_the_names_of_classes_in_pairs(video):
    """Unlabelled frames stay so, and classes without a pair."""
    classes = ['nothing', 'left punch', 'right punch', 'jump']
    video |= {'classes': classes, 'label': np.array([0, 1, 2, 3, -1])}
    pairs = [('left punch', 'right punch')]
    flip = RandomHorizontalFlip(1.0, skeleton='coco17', class_pairs=pairs)
    assert flip(dict(video))['label'].tolist() == [0, 2, 1, 3, -1]
    assert video['label'].tolist() == [0, 1, 2, 3, -1]
    never = RandomHorizontalFlip(0.0, skeleton='coco17', class_pairs=pairs)
    assert never(dict(video))['label'].tolist() == [0, 1, 2, 3, -1]


def test_flip_mirrors_classes_within_their_tier(video):
    """Whose ids begin anew; a pair of two tiers is refused."""
    meta = {'tiers': {'gaze': ['up', 'left', 'right'], 'turn': ['left', 'right']}}
    names = flat_classes(meta['tiers'])
    label = np.array([[0, 1, 2, -1], [0, 1, -1, 1]])
    video |= {'classes': names, 'tiers': tiers_of(meta), 'label': label}
    pairs = [('turn: left', 'turn: right')]
    flip = RandomHorizontalFlip(1.0, skeleton='coco17', class_pairs=pairs)
    assert flip(dict(video))['label'].tolist() == [[0, 1, 2, -1], [1, 0, -1, 0]]
    across = [('gaze: left', 'turn: right')]
    with raises_naming(UserError, 'class_pairs', "['gaze: left', 'turn: right']"):
        RandomHorizontalFlip(1.0, skeleton='coco17', class_pairs=across)(video)


def test_flip_changes_no_names_of_features_that_it_does_not_mirror(video):
    """They lie in files, are there already, or are made beside the labels."""
    video |= {'classes': ['left', 'right'], 'label': np.zeros(90, int)}
    flip = RandomHorizontalFlip(1.0, skeleton='coco17', class_pairs=[('left', 'right')])
    with raises_naming(UserError, 'class_pairs', 'rgb', 'online=True'):
        flip({**video, 'feature_files': {'rgb': ['a.npy']}})


def test_flip_names_a_class_that_is_not_there(video):
    video['classes'] = ['nothing', 'punch']
    flip = RandomHorizontalFlip(skeleton='coco17', class_pairs=[('punch', 'kick')])
    with raises_naming(UserError, 'class_pairs', "'kick'", 'nothing, punch'):
        flip(video)


@pytest.mark.parametrize('transform', [RandomRotation, *ALL])
def test_features_that_are_there_are_not_augmented(transform, video):
    """Nothing would change; a config is told which setting is missing."""
    with raises_naming(UserError, transform.__name__, 'LoadFrameFeatures'):
        build(transform)({**video, 'features': {}})
    for key in ('keypoint', 'keypoint_3d'):
        del video[key]
    if transform is not RandomTimeWarp:
        with raises_naming(UserError, 'video video', transform.__name__, 'online=True'):
            build(transform)(video)


@pytest.mark.parametrize('transform', [
    RandomTimeWarp(), RandomScale(), RandomRotation(depth=2), RandomRotation3D(tilt=5),
    RandomHorizontalFlip(p=1, skeleton='coco17', lateral=0),
])  # fmt: skip
def test_persons_are_moved_together(transform, video):
    """Two people at one place stay at one place, and a pair keeps what it does."""
    for key in ('keypoint', 'keypoint_3d', 'keypoint_score'):
        video[key] = np.repeat(video[key][1:], 2, axis=0)
    found = transform(dict(video))
    for key in ('keypoint', 'keypoint_3d'):
        np.testing.assert_array_equal(found[key][0], found[key][1])


@pytest.mark.parametrize('transform', [RandomJitter(), RandomProportions()])
def test_errors_of_a_tracker_do_not_move_persons(transform, video):
    """Joints drift on their own, and the mean of a person by little of a body size."""
    found = transform(dict(video))
    for key in ('keypoint', 'keypoint_3d'):
        moved = np.abs((found[key] - video[key])[1].mean(axis=1)).max()
        assert moved < 0.06 * np.linalg.norm(video[key].std(axis=(0, 1, 2)))
