import numpy as np
import pytest

from mmskelseg.datasets.transforms import DropLimb
from mmskelseg.registry import TRANSFORMS
from mmskelseg_runtime.features import SkeletonCoordinates
from tests.errors import raises_naming

ARM = {
    'joints': ['shoulder', 'elbow', 'wrist'],
    'limbs': [[0, 1], [1, 2]],
    'root': ['shoulder'],
}


def arm(*frames, score=None):
    """Return the annotation of an arm in 2D, a list of three points a frame."""
    keypoint = np.array([frames], np.float32)
    score = np.ones(keypoint.shape[:3]) if score is None else np.array([score])
    return {'frame_dir': 'v', 'keypoint': keypoint, 'keypoint_score': score}


def person(T=40, M=1, V=15, seed=0):
    rng = np.random.default_rng(seed)
    return {
        'frame_dir': 'v',
        'keypoint': rng.uniform(1, 400, (M, T, V, 2)).astype(np.float32),
        'keypoint_3d': rng.uniform(1, 9, (M, T, V, 3)),
        'keypoint_score': rng.uniform(0.1, 1, (M, T, V)).astype(np.float32),
    }


def test_coordinates_of_an_arm_by_hand():
    """Displacement to the next frame first, then the place seen from the shoulder."""
    video = arm([[1, 1], [3, 1], [3, 4]], [[2, 2], [4, 2], [8, 2]])
    found = SkeletonCoordinates(ARM, 2, scale=None)(video)['coordinates']
    first = [[1, 1, 5], [1, 1, -2], [0, 2, 2], [0, 0, 3]]
    second = [[0, 0, 0], [0, 0, 0], [0, 2, 6], [0, 0, 0]]
    np.testing.assert_array_equal(found, [first, second])
    assert found.dtype == np.float32


@pytest.mark.parametrize(('dims', 'displacement', 'C'), [
    (3, True, 6), (3, False, 3), (2, True, 4), (2, False, 2),
])  # fmt: skip
def test_coordinates_have_the_channels_of_their_options(dims, displacement, C):
    """Six in 3D and four in 2D, half as many without displacements.

    If they are flat, number c * V + v is channel c of joint v.
    """
    render = SkeletonCoordinates('lcr15', dims, displacement=displacement)
    whole = render.coordinates(person())
    assert whole.shape == (40, C, 15)
    render.flatten = True
    flat = render.coordinates(person())
    np.testing.assert_array_equal(flat, whole.reshape(40, C * 15))


def test_blocks_are_the_coordinates_in_pieces():
    """A displacement reaches from one block into the next."""
    render = SkeletonCoordinates('lcr15')
    blocks = list(render.blocks(person(), 16))
    assert [len(block) for block in blocks] == [16, 16, 8]
    np.testing.assert_array_equal(np.concatenate(blocks), render.coordinates(person()))


@pytest.mark.parametrize('dims', [2, 3])
def test_scale_of_the_body_makes_place_and_size_without_effect(dims):
    """A person twice as large and elsewhere gives the same; distances have RMS 1."""
    render = SkeletonCoordinates('lcr15', dims)
    video = person()
    expected = render.coordinates(video)
    key = 'keypoint' if dims == 2 else 'keypoint_3d'
    video[key] = 2 * video[key] + 100
    np.testing.assert_allclose(render.coordinates(video), expected, atol=1e-4)
    distance = np.square(expected[:, dims:]).sum(axis=1)
    np.testing.assert_allclose(distance.mean(), 1, rtol=1e-5)


def test_coordinates_without_scale_keep_their_unit():
    render = SkeletonCoordinates('lcr15', scale=None)
    video = person()
    expected = 2 * render.coordinates(video)
    video['keypoint_3d'] = 2 * video['keypoint_3d']
    np.testing.assert_allclose(render.coordinates(video), expected, rtol=1e-5)


def test_missing_joints_are_zeros_and_so_are_moves_from_and_to_them():
    """Of a wrist seen in frames 0, 1 and 3, only the first move is known."""
    frame = [[5, 5], [6, 6], [7, 9]]
    score = np.ones((4, 3))
    score[2, 2] = 0
    moving = [(np.array(frame) + 2 * i).tolist() for i in range(4)]
    moving[2][2] = [0, 0]
    found = SkeletonCoordinates(ARM, 2, scale=None).coordinates(
        arm(*moving, score=score)
    )
    np.testing.assert_array_equal(found[:, :2, 2], [[2, 2], [0, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(found[:, 2:, 2], [[2, 4], [2, 4], [0, 0], [2, 4]])
    np.testing.assert_array_equal(found[:, 0, 0], [2, 2, 2, 0])


def test_root_that_is_missing_stays_where_it_was_last_seen():
    """Before it is seen at all, it is where it is seen first."""
    frames = [[[x, 0], [20, 0], [30, 0]] for x in (0, 10, 0, 12)]
    score = np.ones((4, 3))
    score[[0, 2], 0] = 0
    video = arm(*frames, score=score)
    found = SkeletonCoordinates(ARM, 2, scale=None).coordinates(video)
    np.testing.assert_array_equal(found[:, 2, 1], [10, 10, 10, 8])


def test_root_is_the_mean_of_its_joints_that_are_seen():
    """Two hips give their middle, and one alone itself."""
    score = np.ones((2, 3))
    score[1, 0] = 0
    video = arm(*2 * [[[0, 0], [10, 0], [30, 0]]], score=score)
    render = SkeletonCoordinates(ARM, 2, root=('shoulder', 'elbow'), scale=None)
    np.testing.assert_array_equal(render.coordinates(video)[:, 2, 2], [25, 20])


def test_root_that_is_never_seen_gives_way_to_the_mean_of_joints():
    """A camera that shows no hips, or a video too short to outlast a lost root."""
    score = np.ones((2, 3))
    score[:, 0] = 0
    score[1, 1] = 0
    video = arm(*2 * [[[7, 7], [10, 0], [30, 0]]], score=score)
    found = SkeletonCoordinates(ARM, 2, scale=None).coordinates(video)
    np.testing.assert_array_equal(found[:, 2], [[0, -10, 10], [0, 0, 0]])


@pytest.mark.parametrize('place', [0.1, 317.3, 1e6])
def test_joints_at_one_point_are_not_divided_by_their_rounding(place):
    """They have no size, so that values stay as they are."""
    points = place + np.arange(4)[:, None, None] * np.ones((4, 17, 2))
    video = {'keypoint': points[None], 'keypoint_score': np.ones((1, 4, 17))}
    found = SkeletonCoordinates('coco17', 2).coordinates(video)
    np.testing.assert_allclose(found[:3, :2], 1, rtol=1e-6)
    np.testing.assert_allclose(found[:, 2:], 0, atol=1e-6)


def test_scores_of_half_precision_are_added_in_full():
    """The sum of 4000 frames of 17 joints exceeds what float16 holds."""
    keypoint = np.random.default_rng(0).normal(0, 9, (2, 4000, 17, 2))
    score = np.ones((2, 4000, 17), np.float16)
    score[0, :10] = 0
    video = {'keypoint': keypoint, 'keypoint_score': score}
    render = SkeletonCoordinates('coco17', 2)
    chosen = render.coordinates(video)
    render.person = 1
    np.testing.assert_array_equal(chosen, render.coordinates(video))


def test_causal_coordinates_of_an_arm_by_hand():
    """Displacement from the frame before, and the size of the frames so far."""
    video = arm([[1, 1], [3, 1], [3, 4]], [[2, 2], [4, 2], [8, 2]])
    render = SkeletonCoordinates(ARM, 2, causal=True, scale=None)
    first = [[0, 0, 0], [0, 0, 0], [0, 2, 2], [0, 0, 3]]
    second = [[1, 1, 5], [1, 1, -2], [0, 2, 6], [0, 0, 0]]
    np.testing.assert_array_equal(render.coordinates(video), [first, second])
    scaled = SkeletonCoordinates(ARM, 2, causal=True).coordinates(video)
    # Squared distances of 0, 4 and 13, and of 0, 4 and 36.
    sizes = np.sqrt([17 / 3, 57 / 6])
    expected = np.array([first, second]) / sizes[:, None, None]
    np.testing.assert_allclose(scaled, expected, rtol=1e-6)


@pytest.mark.parametrize('dims', [2, 3])
def test_causal_coordinates_depend_on_no_later_frame(dims):
    """Those of a video's first frames are those of the frames alone."""
    video = person(T=30)
    video['keypoint_score'][:, :9, 14] = 0
    video['keypoint_score'][:, 3] = 0
    render = SkeletonCoordinates('lcr15', dims, causal=True)
    whole = render.coordinates(video)
    for end in (1, 2, 7, 10, 29):
        begun = {key: x[:, :end] for key, x in video.items() if key != 'frame_dir'}
        found = render.coordinates(begun)
        np.testing.assert_allclose(found, whole[:end], rtol=1e-6)
    assert (SkeletonCoordinates('lcr15', dims).coordinates(video) != whole).any()


def test_causal_places_end_where_those_of_the_whole_video_are():
    """The size of all frames so far is then that of the video."""
    video = person()
    causal = SkeletonCoordinates('lcr15', causal=True).coordinates(video)
    whole = SkeletonCoordinates('lcr15').coordinates(video)
    np.testing.assert_allclose(causal[-1, 3:], whole[-1, 3:], rtol=1e-5)


def test_causal_coordinates_are_zeros_until_there_is_a_size():
    """A hand that moves alone says nothing in units of the body."""
    score = np.ones((3, 3))
    score[:2, :2] = 0
    video = arm(*([[x, 0], [x, 2], [x, 9]] for x in (1, 5, 9)), score=score)
    found = SkeletonCoordinates(ARM, 2, causal=True).coordinates(video)
    assert not found[:2].any()
    assert found[2, 0, 2] > 0


def test_causal_coordinates_take_the_person_that_is_named():
    """Whose scores are highest depends on the whole video."""
    video = person(M=2)
    with raises_naming(ValueError, 'causal=True', '2 persons', 'person=0'):
        SkeletonCoordinates('lcr15', causal=True).coordinates(video)
    alone = {key: x[1:] for key, x in video.items() if key != 'frame_dir'}
    np.testing.assert_array_equal(
        SkeletonCoordinates('lcr15', causal=True, person=1).coordinates(video),
        SkeletonCoordinates('lcr15', causal=True).coordinates(alone),
    )


def test_dropped_limbs_are_zeros_in_every_channel():
    """As Table III has it for models of coordinates; other joints keep their place."""
    before = person()
    render = SkeletonCoordinates('lcr15', scale=None)
    drop = DropLimb(1, skeleton='lcr15')
    dropped = drop(dict(before))
    lost = dropped['keypoint_score'][0] == 0
    found = render.coordinates(dropped).swapaxes(1, 2)
    assert lost.sum() == 3 * 40
    assert not found[lost].any()
    expected = render.coordinates(before).swapaxes(1, 2)
    np.testing.assert_array_equal(found[~lost][:, 3:], expected[~lost][:, 3:])


def test_person_is_the_one_with_the_highest_scores_unless_it_is_named():
    """One person for the whole video."""
    video = person(M=3)
    video['keypoint_score'][1] += 1
    alone = {key: x[1:2] for key, x in video.items() if key != 'frame_dir'}
    expected = SkeletonCoordinates('lcr15').coordinates(alone)
    np.testing.assert_array_equal(
        SkeletonCoordinates('lcr15').coordinates(video), expected
    )
    named = SkeletonCoordinates('lcr15', person=2).coordinates(video)
    assert (named != expected).any()
    with raises_naming(ValueError, 'person=3', '0 to 2'):
        SkeletonCoordinates('lcr15', person=3).coordinates(video)


def test_missing_score_is_taken_as_1():
    """As the renderer of heatmaps does; a score of 0 of all gives all zeros."""
    video, render = person(), SkeletonCoordinates('lcr15')
    expected = render.coordinates(video)
    del video['keypoint_score']
    np.testing.assert_array_equal(render.coordinates(video), expected)
    video['keypoint_score'] = np.zeros((1, 40, 15), np.float32)
    assert not render.coordinates(video).any()


def test_source_is_what_is_read_and_settings_are_what_decides():
    """A change of either makes new features, a change of other keys none."""
    video = person()
    render = TRANSFORMS.build({'type': 'SkeletonCoordinates', 'skeleton': 'lcr15'})
    assert [id(x) for x in render.source(video)] == [
        id(video[key]) for key in ('keypoint_3d', 'keypoint_score')
    ]
    flat = SkeletonCoordinates('coco17', 2)
    assert flat.source(video)[0] is video['keypoint']
    assert render.settings()['root'] == [14]
    assert flat.settings()['root'] == [11, 12]
    named = SkeletonCoordinates('lcr15', root='neck')
    assert named.settings()['root'] == [12]
    options = {'displacement': False, 'scale': None, 'person': 0, 'flatten': True}
    for option, value in {**options, 'causal': True}.items():
        changed = SkeletonCoordinates('lcr15', **{option: value}).settings()
        assert changed == {**render.settings(), option: value}


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'root': 'knee'}, "root='knee' | 'lcr15' | right_ankle"),
        ({'root': []}, "root=[] | 'lcr15'"),
    ],
)
def test_option_at_fault_is_named(options, named):
    with raises_naming(ValueError, named):
        SkeletonCoordinates('lcr15', **options)


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'keypoint_3d': None}, 'keypoint_3d | dims=2'),
        ({'keypoint_3d': np.ones((1, 4, 17, 3))}, 'keypoint_3d | (1, 4, 17, 3)'),
        ({'keypoint_score': np.ones((1, 4, 15))}, 'keypoint_score | (1, 4, 15)'),
        ({'keypoint_3d': np.full((1, 40, 15, 3), np.nan)}, 'keypoint_3d | finite'),
        ({'keypoint_3d': np.ones((0, 4, 15, 3)), 'keypoint_score': None}, 'persons'),
    ],
)
def test_coordinates_at_fault_are_named(change, named):
    video = {key: x for key, x in {**person(), **change}.items() if x is not None}
    with raises_naming(ValueError, named):
        SkeletonCoordinates('lcr15').coordinates(video)
