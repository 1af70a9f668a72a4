import numpy as np
import pytest

from mmskelseg_io.structures import Skeleton
from mmskelseg_runtime.features import RenderSkeletonHeatmap
from tests.errors import raises_naming


def joint_image(keypoint, score, k, size=(56, 56)):
    """Draw joint k alone, (T, H, W)."""
    only = np.zeros_like(score)
    only[..., k] = score[..., k]
    skeleton = {'joints': keypoint.shape[2], 'limbs': []}
    render = RenderSkeletonHeatmap(skeleton, size, limbs=False, box=None)
    return render({'keypoint': keypoint, 'keypoint_score': only})['imgs'][:, 0]


def limb_image(keypoint, score, limb, size=(56, 56), **options):
    """Draw one limb alone, (T, H, W)."""
    skeleton = {'joints': keypoint.shape[2], 'limbs': [limb]}
    render = RenderSkeletonHeatmap(skeleton, size, joints=False, box=None, **options)
    return render({'keypoint': keypoint, 'keypoint_score': score})['imgs'][:, 0]


def slow_limb(a, b, score, size, sigma=0.6, power=2):
    """Eq. 2 at each pixel in turn."""
    image = np.zeros(size)
    for y, x in np.ndindex(size):
        p = np.array([x, y], float)
        along = np.clip(np.dot(p - a, b - a) / max(np.dot(b - a, b - a), 1e-12), 0, 1)
        distance = np.linalg.norm(p - (a + along * (b - a)))
        image[y, x] = score * np.exp(-(distance**power) / (2 * sigma**2))
    return image


@pytest.mark.parametrize(
    ('file', 'suffix', 'size', 'joints', 'limbs', 'degenerate'),
    [
        (
            'heatmap_coco17',
            '',
            (56, 56),
            'joint_mmaction2',
            'limb_mmaction2',
            {(1, 1), (3, 4), (5, 4)},
        ),
        (
            'heatmap_coco17',
            '_2p',
            (56, 56),
            'joint_2p',
            'limb_2p',
            {(1, 1), (2, 1), (3, 1)},
        ),
        ('heatmap_lcr15', '', (60, 56), 'joint', 'limb', set()),
    ],
)
def test_render_agrees_with_mmaction2(
    vectors, file, suffix, size, joints, limbs, degenerate
):
    """Each component equals MMAction2's where that draws, and is under 0.012 beyond.

    Limbs shorter than a pixel are left out: MMAction2 draws a joint for them.
    """
    v = vectors(file)
    keypoint, score = v[f'kp{suffix}'], v[f'score{suffix}']
    pairs = [(joint_image(keypoint, score, k, size), v[joints][:, k], set())
             for k in range(keypoint.shape[2])]  # fmt: skip
    for k, limb in enumerate(v['skeletons'].tolist()):
        skipped = {t for limb_index, t in degenerate if limb_index == k}
        pairs.append((limb_image(keypoint, score, limb, size), v[limbs][:, k], skipped))
    for ours, theirs, skipped in pairs:
        frames = [t for t in range(len(ours)) if t not in skipped]
        difference = np.abs(ours - theirs)[frames]
        assert difference.max() < 0.012
        drawn = theirs[frames] > 0
        assert difference[drawn].max(initial=0) < 1e-5


def test_render_agrees_with_the_whole_pipeline_of_the_paper(vectors):
    """Box of the sequence, then heatmaps of 56x56, then the sum."""
    v = vectors('heatmap_sequence_pipeline')
    item = {'keypoint': v['kp'], 'keypoint_score': v['score']}
    for joints, limbs, key in ((1, 0, 'joint'), (0, 1, 'limb'), (1, 1, 'jl')):
        render = RenderSkeletonHeatmap('coco17', joints=bool(joints), limbs=bool(limbs))
        ours = render(dict(item))['imgs'][:, 1]
        np.testing.assert_allclose(ours, v[f'{key}_sum_scale56'], atol=0.02)


@pytest.mark.parametrize(('distance', 'power'), [('squared', 2), ('printed', 1)])
def test_render_follows_equation_two(rng, distance, power):
    for reach in (0, 0.5, 6, 40, 90):
        a = rng.uniform(-5, 45, 2).astype(np.float32)
        b = (a + reach * rng.uniform(-1, 1, 2)).astype(np.float32)
        ours = limb_image(
            np.stack([a, b])[None, None],
            np.array([[[0.9, 0.7]]], np.float32),
            [0, 1],
            size=(40, 50),
            distance=distance,
        )[0]
        slow = slow_limb(a, b, 0.7, (40, 50), power=power)
        np.testing.assert_allclose(ours, slow, atol=1e-5)


def test_render_joint_by_hand():
    """A joint on a pixel's centre has its score there and Eq. 1 one pixel off."""
    keypoint = np.array([[[[3.0, 2.0]]]], np.float32)
    image = joint_image(keypoint, np.array([[[0.5]]], np.float32), 0, size=(5, 7))[0]
    assert image[2, 3] == pytest.approx(0.5)
    assert image[2, 4] == pytest.approx(0.5 * np.exp(-1 / 0.72))
    assert image[3, 4] == pytest.approx(0.5 * np.exp(-2 / 0.72))


def test_render_draws_joints_by_equation_one_whatever_the_distance(rng):
    """The printed distance is of Eq. 2, so joints are the same under either."""
    item = {'keypoint': rng.uniform(0, 56, (1, 3, 17, 2))}
    squared, printed = (
        RenderSkeletonHeatmap('coco17', limbs=False, box=None, distance=distance)(
            dict(item)
        )['imgs']
        for distance in ('squared', 'printed')
    )
    np.testing.assert_array_equal(squared, printed)


@pytest.mark.filterwarnings('error')
def test_render_of_a_person_who_is_absent_is_that_of_the_others(rng):
    """A person with scores of 0 adds nothing, and warns of nothing."""
    keypoint = rng.uniform(0, 56, (2, 3, 17, 2)).astype(np.float32)
    score = np.ones((2, 3, 17), np.float32)
    score[0] = 0
    render = RenderSkeletonHeatmap('coco17', box=None)
    both = render({'keypoint': keypoint, 'keypoint_score': score})['imgs']
    alone = render({'keypoint': keypoint[1:], 'keypoint_score': score[1:]})['imgs']
    np.testing.assert_allclose(both, alone, atol=1e-6)


def test_render_of_three_people_is_the_highest_of_each_component(rng):
    """The sum over joints and limbs of the maximum over persons."""
    keypoint = rng.uniform(0, 30, (3, 4, 17, 2)).astype(np.float32)
    score = rng.uniform(0, 1, (3, 4, 17)).astype(np.float32)
    render = RenderSkeletonHeatmap('coco17', (30, 30), box=None)
    together = render({'keypoint': keypoint, 'keypoint_score': score})['imgs'][:, 0]
    expected = 0
    parts = [lambda k, s, i=i: joint_image(k, s, i, (30, 30)) for i in range(17)]
    parts += [
        lambda k, s, pair=pair: limb_image(k, s, pair, (30, 30))
        for pair in Skeleton.get('coco17').limbs
    ]
    for part in parts:
        expected += np.max(
            [part(keypoint[m : m + 1], score[m : m + 1]) for m in range(3)], axis=0
        )
    np.testing.assert_allclose(together, expected, atol=2e-4)


def test_render_box_is_that_of_visible_joints_over_the_sequence():
    """The extremes of what is seen in any frame land on 0 and on the size."""
    keypoint = np.array(
        [[[[10, 100], [20, 300]], [[110, 200], [900, 900]]]], np.float32
    )
    score = np.array([[[1, 1], [1, 0]]], np.float32)
    render = RenderSkeletonHeatmap({'joints': 2, 'limbs': []}, (40, 50))
    placed, _ = render.place({'keypoint': keypoint, 'keypoint_score': score})
    np.testing.assert_allclose(placed[0, 0], [[0, 0], [5, 40]], atol=1e-5)
    np.testing.assert_allclose(placed[0, 1, 0], [50, 20], atol=1e-5)


def test_render_widens_an_empty_box_to_a_pixel():
    """One joint at rest has no extent, and is still drawn at the corner."""
    keypoint = np.full((1, 2, 1, 2), 7.0, np.float32)
    render = RenderSkeletonHeatmap({'joints': 1, 'limbs': []}, (9, 9))
    image = render({'keypoint': keypoint})['imgs'][:, 0]
    assert image[:, 0, 0] == pytest.approx([1, 1])


def test_render_of_a_frame_without_a_joint_is_zero():
    keypoint = np.ones((1, 2, 17, 2), np.float32)
    score = np.zeros((1, 2, 17), np.float32)
    item = {'keypoint': keypoint, 'keypoint_score': score}
    assert not RenderSkeletonHeatmap('coco17')(dict(item))['imgs'].any()
    score[0, 0] = 1
    images = RenderSkeletonHeatmap('coco17')(dict(item))['imgs']
    assert images[0].any()
    assert not images[1].any()


def test_render_writes_three_equal_channels_that_share_memory(rng):
    item = {'keypoint': rng.uniform(0, 56, (1, 3, 17, 2))}
    images = RenderSkeletonHeatmap('coco17', (56, 40))(item)['imgs']
    assert images.shape == (3, 3, 56, 40)
    assert images.dtype == np.float32
    assert np.shares_memory(images[:, 0], images[:, 2])
    # PyTorch warns of arrays that are not.
    assert images.flags.writeable
    assert 'img_shape' not in item


def test_render_in_blocks_is_render_at_once(rng):
    """Blocks share the box of the whole sequence."""
    item = {'keypoint': rng.uniform(0, 400, (2, 300, 17, 2))}
    render = RenderSkeletonHeatmap('coco17')
    blocks = np.concatenate(list(render.blocks(item, 77)))
    np.testing.assert_array_equal(blocks, render(dict(item))['imgs'])


def test_render_ignores_far_off_coordinates(rng):
    """Coordinates beyond any integer draw nothing and raise nothing."""
    keypoint = rng.uniform(0, 56, (1, 2, 17, 2)).astype(np.float32)
    keypoint[0, 1] = 1e30
    images = RenderSkeletonHeatmap('coco17', box=None)({'keypoint': keypoint})['imgs']
    assert images[0].any()
    assert not images[1].any()


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'joints': False, 'limbs': False}, 'joints=False | limbs=False'),
        ({'causal': True}, "causal=True | box='person' | 'sequence'"),
        ({'velocity': True}, "velocity=True | box='person' | 'sequence'"),
    ],
)
def test_render_option_at_fault_is_named(options, named):
    with raises_naming(ValueError, named):
        RenderSkeletonHeatmap('coco17', **options)


SIDES = {
    'joints': ['hip', 'left_hand', 'right_hand'],
    'limbs': [('hip', 'left_hand'), ('hip', 'right_hand')],
    'root': ['hip'],
}


def walker(frames=4, size=10.0, start=(200.0, 100.0), step=(5.0, -2.0)):
    """A person whose hands are `size` to the sides of the hip, which moves on."""
    hip = np.array(start) + np.arange(frames)[:, None] * np.array(step)
    reach = np.array([size, 0])
    hands = [hip + reach, hip - reach]
    keypoint = np.stack([hip, *hands], axis=1)[None].astype(np.float32)
    return {
        'keypoint': keypoint,
        'keypoint_score': np.ones(keypoint.shape[:3], np.float32),
        'fps': 10.0,
        'frame_dir': 'walk',
    }


def test_box_of_the_person_follows_the_root_and_the_body_size():
    """A size of sqrt(200 / 3) pixels; the box is five of them wide."""
    render = RenderSkeletonHeatmap(SIDES, (50, 50), box='person')
    placed, _ = render.place(walker())
    reach = 10 / np.sqrt(200 / 3) * 50 / 5
    for frame in placed[0]:
        np.testing.assert_allclose(frame[0], [24.5, 24.5], atol=1e-4)
        np.testing.assert_allclose(frame[1], [24.5 + reach, 24.5], atol=1e-4)
    other = render.place(walker(size=70, start=(900, 20), step=(0, 9)))[0]
    np.testing.assert_allclose(placed, other, atol=1e-3)


def test_velocity_of_the_root_is_in_body_sizes_a_second():
    render = RenderSkeletonHeatmap(SIDES, (20, 20), box='person', velocity=True)
    imgs = render(walker())['imgs']
    assert imgs.shape == (4, 5, 20, 20)
    size = np.sqrt(200 / 3)
    for t, factor in enumerate((1, 1, 1, 0)):
        np.testing.assert_allclose(imgs[t, 3], factor * 50 / size, rtol=1e-5)
        np.testing.assert_allclose(imgs[t, 4], factor * -20 / size, rtol=1e-5)
    without = RenderSkeletonHeatmap(SIDES, (20, 20), box='person')(walker())['imgs']
    assert (imgs[:, :3] == without).all()
    assert (np.concatenate(list(render.blocks(walker(), 3))) == imgs).all()


def test_velocity_is_that_of_the_box():
    """A hip that is lost moves the box, and its return moves it back."""
    skeleton = {'joints': ['left_hip', 'right_hip', 'head'], 'limbs': [[0, 1], [0, 2]]}
    keypoint = np.array([[0.0, 0], [20, 0], [10, -40]]) + np.zeros((5, 1, 1))
    keypoint += np.arange(5)[:, None, None] * [3, 0]
    score = np.ones((1, 5, 3), np.float32)
    score[0, 2, 0] = 0
    video = {'keypoint': keypoint[None], 'keypoint_score': score, 'fps': 10.0}
    render = RenderSkeletonHeatmap(skeleton, (9, 9), box='person', velocity=True)
    imgs = render(dict(video))['imgs'][:, 3:, 0, 0]
    np.testing.assert_allclose(
        imgs[:, 0] * 3 / imgs[0, 0], [3, 13, -7, 3, 0], rtol=1e-5
    )
    assert not imgs[:, 1].any()
    points, _ = render.place(video)
    # A joint's motion is that of its place, plus that of the box.
    scale = (points[0, 0, 1, 0] - points[0, 0, 0, 0]) / 20
    moved = np.diff(points[0, :, 1, 0]) / scale + [3, 13, -7, 3]
    np.testing.assert_allclose(moved, 3, atol=1e-4)


def test_settings_and_source_name_what_decides_the_image():
    """Files from before, without any of these options, keep their names."""
    plain = RenderSkeletonHeatmap(SIDES)
    assert not {'root', 'flip_pairs'} & plain.settings().keys()
    assert len(plain.source(walker())) == 2
    other = {**SIDES, 'root': [SIDES['joints'][1]], 'flip_pairs': []}
    for options in ({'box': 'person'}, {'sides': True}):
        settings = [
            RenderSkeletonHeatmap(layout, **options).settings()
            for layout in (SIDES, other)
        ]
        assert settings[0] != settings[1]
    moving = RenderSkeletonHeatmap(SIDES, box='person', velocity=True)
    rates = [moving.source({**walker(), 'fps': fps})[-1] for fps in (10.0, 25.0)]
    assert rates == [10, 25]


def test_causal_box_and_velocity_are_of_the_frames_so_far():
    """Velocity from the frame before; a person who shrinks keeps part of the size."""
    video, small = walker(), walker(size=5)
    video['keypoint'][:, 2:] = small['keypoint'][:, 2:]
    render = RenderSkeletonHeatmap(
        SIDES, (20, 20), box='person', velocity=True, causal=True
    )
    imgs = render(dict(video))['imgs']
    # Two hands in three joints a frame, at 10 and then 5 pixels from the hip.
    squares = np.cumsum([200, 200, 50, 50]) / (3 * np.arange(1, 5))
    for t, size in enumerate(np.sqrt(squares)):
        factor = min(t, 1)
        np.testing.assert_allclose(imgs[t, 3], factor * 50 / size, rtol=1e-5)
        np.testing.assert_allclose(imgs[t, 4], factor * -20 / size, rtol=1e-5)
    for end in (1, 3):
        begun = {
            **video,
            **{k: video[k][:, :end] for k in ('keypoint', 'keypoint_score')},
        }
        np.testing.assert_allclose(render(begun)['imgs'], imgs[:end], atol=1e-6)
    assert render.settings()['causal']


@pytest.mark.parametrize(('options', 'shape', 'fps', 'named'), [
    ({}, (1, 4, 15, 2), 30.0, "(1, 4, 15, 2) | 'custom'"),
    ({}, None, 30.0, 'no keypoint;'),
    ({'box': 'person'}, (0, 4, 3, 2), 30.0, 'persons'),
    ({'box': 'person', 'velocity': True}, (1, 4, 3, 2), None, 'fps | velocity=True'),
    ({'box': 'person', 'causal': True}, (2, 4, 3, 2), 30.0, 'causal=True | 2 persons'),
])  # fmt: skip
def test_render_names_what_is_wrong_with_a_video(options, shape, fps, named):
    video = {} if shape is None else {'keypoint': np.ones(shape)}
    with raises_naming(ValueError, named):
        RenderSkeletonHeatmap(SIDES, **options)(video | ({'fps': fps} if fps else {}))


def test_sides_of_the_body_have_channels_of_their_own(rng):
    """Together they are the whole; a mirror image swaps them."""
    options = {'box': 'person', 'sigma': 1.5}
    item = walker()
    left, middle, right = RenderSkeletonHeatmap(SIDES, (30, 30), sides=True, **options)(
        item
    )['imgs'].swapaxes(0, 1)
    whole = RenderSkeletonHeatmap(SIDES, (30, 30), **options)(item)['imgs'][:, 0]
    np.testing.assert_allclose(left + middle + right, whole, atol=1e-6)
    np.testing.assert_allclose(left, right[..., ::-1], atol=1e-5)
    assert left[..., :10].max() < 0.01 < 1 < left[..., 20:].max()
    # The hip alone is in the middle.
    assert middle.sum(axis=(1, 2)) == pytest.approx(2 * np.pi * 1.5**2, rel=1e-2)


def test_skeleton_without_sides_is_in_the_middle():
    skeleton = {**SIDES, 'flip_pairs': []}
    imgs = RenderSkeletonHeatmap(skeleton, sides=True)(walker())['imgs']
    whole = RenderSkeletonHeatmap(skeleton)(walker())['imgs']
    assert (imgs[:, 1] == whole[:, 1]).all()
    assert not imgs[:, [0, 2]].any()


def test_box_of_the_person_is_that_of_the_one_seen_best():
    one, other = walker(), walker(size=25, start=(50, 80), step=(0, 3))
    both = {
        **one,
        'keypoint': np.concatenate([one['keypoint'], other['keypoint']]),
        'keypoint_score': np.concatenate(
            [0.5 * one['keypoint_score'], other['keypoint_score']]
        ),
    }
    render = RenderSkeletonHeatmap(SIDES, box='person', velocity=True)
    np.testing.assert_array_equal(render(both)['imgs'], render(other)['imgs'])


def test_person_who_is_never_seen_is_an_empty_picture():
    item = walker()
    item['keypoint_score'][:] = 0
    render = RenderSkeletonHeatmap(SIDES, box='person', sides=True, velocity=True)
    assert not render(item)['imgs'].any()
