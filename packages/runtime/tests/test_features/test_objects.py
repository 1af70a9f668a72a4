"""Where objects are relative to a person."""

import numpy as np
import pytest

from mmskelseg_io.structures.objects import BOX
from mmskelseg_runtime.features import FeatureRecipe, ObjectCoordinates
from tests.errors import raises_naming

# A mouse of two joints, which points from its tail, the root, to its nose.
MOUSE = {'joints': ['tail', 'nose'], 'limbs': [[0, 1]], 'root': ['tail']}
KINDS = {'box': list(BOX), 'hammer': ['head', 'handle']}


def thing(name, kind, points, score=None):
    points = np.array(points, np.float32)
    score = np.ones(points.shape[:2]) if score is None else np.array(score)
    return {'name': name, 'kind': kind, 'points': points, 'score': score}


def box(name, *corners, score=None):
    """Return boxes of 6 x 8 by their top left corners in each frame."""
    sides = np.array([[0, 0], [6, 0], [6, 8], [0, 8]])
    return thing(name, 'box', [np.add(xy, sides) for xy in corners], score)


def mouse(*frames, objects=(), score=None):
    points = np.array([frames], np.float32)
    score = np.ones(points.shape[:3]) if score is None else np.array([score])
    return {'keypoint': points, 'keypoint_score': score, 'objects': list(objects)}


def found(video, *, scale=None, **options):
    options = {'kinds': {'box': BOX}, 'joints': ['nose'], 'turn': False, **options}
    return ObjectCoordinates(MOUSE, scale=scale, **options).coordinates(video)


def scene(T=40, seed=0, dims=2):
    """Return a walk of a person with boxes and a hammer, of which points get lost."""
    rng = np.random.default_rng(seed)

    def path(*shape):
        steps = rng.normal(0, 0.3, (T, 1, dims)).cumsum(axis=0)
        return steps + rng.normal(0, 3, (1, *shape, dims))

    def seen(count):
        score = (rng.uniform(size=(T, count)) > 0.2).astype(np.float32)
        score[rng.integers(T) :][:5] = 0
        return score

    objects = [
        thing(f'{kind} {i}', kind, path(len(KINDS[kind])), seen(len(KINDS[kind])))
        for i, kind in enumerate(['box', 'hammer', 'box'])
    ]
    score = seen(17)[None]
    score[:, :3, 11:13] = 0
    return {
        'keypoint': path(17)[None], 'keypoint_score': score, 'objects': objects,
    }  # fmt: skip


def test_a_box_by_hand():
    """The tail is at (1, 1), the nose at (1, 5), and the box comes 3 pixels nearer."""
    still = 2 * [[[1, 1], [1, 5]]]
    video = mouse(*still, objects=[box('a', [4, 1], [1, 1])])
    first, second = found(video)
    # Seen; centre (7, 5) from the tail; its change; half the diagonal; the distance
    # from the nose, and its change.
    np.testing.assert_allclose(first, [1, 6, 4, 0, 0, 5, 6, 0])
    np.testing.assert_allclose(second, [1, 3, 4, -3, 0, 5, 3, -3])


def test_points_that_have_names_by_hand():
    """All x come before all y; the centre moves by what the seen points do."""
    still = 2 * [[[1, 1], [1, 5]]]
    hammer = thing('h', 'hammer', [[[1, 8], [4, 9]], [[1, 6], [0, 0]]])
    hammer['score'][1, 1] = 0
    first, second = found(
        mouse(*still, objects=[hammer]),
        kinds={'hammer': KINDS['hammer']},
        joints=['nose', 'root'],
    )
    centre, size = np.array([2.5, 8.5]), np.sqrt(1.5**2 + 0.5**2)
    distances = [3, 5, 7, np.hypot(3, 8)]
    expected = [1, 0, 3, 7, 8, 0, 0, size, *distances, 0, 0, 0, 0]
    np.testing.assert_allclose(first, expected, rtol=1e-6)
    change = np.array([1, 6]) - centre
    expected = [1, 0, 0, 5, 0, *change, 0, 1, 0, 5, 0, -2, 0, -2, 0]
    np.testing.assert_allclose(second, expected, rtol=1e-6)


def test_positions_turn_with_the_person():
    """The mouse looks along y, which becomes the first axis; distances stay."""
    still = 2 * [[[1, 1], [1, 5]]]
    video = mouse(*still, objects=[box('a', [4, 1], [1, 1])])
    _, second = found(video, turn=True)
    np.testing.assert_allclose(second, [1, 4, -3, 0, 3, 5, 3, -3], atol=1e-6)


def test_the_nearest_of_a_kind_is_described():
    """Changes are those of one and the same box, whoever was the nearest before."""
    still = 2 * [[[1, 1], [1, 5]]]
    boxes = [box('a', [4, 1], [40, 1]), box('b', [30, 1], [28, 1])]
    video = mouse(*still, objects=boxes)
    first, second = found(video)
    assert first[1] == 6
    np.testing.assert_allclose(second, [1, 30, 4, -2, 0, 5, 30, -2])
    both = found(video, nearest=2)
    np.testing.assert_allclose(both[:, :8], [first, second])
    assert both[0, 9] == 32
    assert both[1, 9] == 42
    # A third one is missing.
    assert not found(video, nearest=3)[:, 16:].any()


def test_what_is_missing_is_0():
    """Nothing remains of a box in frames without it or the mouse, nor changes."""
    still = 5 * [[[1, 1], [1, 5]]]
    score = np.ones((5, 4))
    score[1] = 0
    corners = [[4, 1], [0, 0], [5, 1], [6, 1], [7, 1]]
    mouse_score = np.ones((5, 2))
    mouse_score[3] = 0
    video = mouse(*still, objects=[box('a', *corners, score=score)], score=mouse_score)
    values = found(video)
    assert values[:, 0].tolist() == [1, 0, 1, 0, 1]
    assert not values[[1, 3]].any()
    np.testing.assert_allclose(values[2], [1, 7, 4, 0, 0, 5, 7, 0])
    np.testing.assert_allclose(values[4], [1, 9, 4, 0, 0, 5, 9, 0])
    assert not found({**video, 'objects': []}).any()


def test_lengths_are_in_body_sizes():
    """A scene of twice the size elsewhere gives the same values."""
    video = scene()
    options = {'kinds': KINDS, 'turn': True, 'nearest': 2}
    render = ObjectCoordinates('coco17', **options)
    double = {
        **video,
        'keypoint': 2 * video['keypoint'] + 50,
        'objects': [{**x, 'points': 2 * x['points'] + 50} for x in video['objects']],
    }
    expected = render.coordinates(video)
    assert expected.any(axis=1).mean() > 0.5
    np.testing.assert_allclose(render.coordinates(double), expected, atol=1e-4)


@pytest.mark.parametrize('causal', [False, True])
def test_values_are_those_of_a_slow_implementation(causal):
    """Frame by frame and object by object, for boxes and hands of a person."""
    video = scene()
    render = ObjectCoordinates(
        'coco17', {'box': BOX}, scale=None, causal=causal, root='nose', turn=False
    )
    values = render.coordinates(video).reshape(-1, 10)
    points, score = video['keypoint'][0], video['keypoint_score'][0]
    boxes = [one for one in video['objects'] if one['kind'] == 'box']
    checked = 0
    for t, own in enumerate(values):
        candidates = []
        for one in boxes:
            seen = one['score'][t] > 0
            if not (seen.any() and score[t].any()):
                continue
            centre = one['points'][t][seen].mean(axis=0)
            hands = [
                np.linalg.norm(centre - points[t, j]) if score[t, j] else None
                for j in (9, 10)
            ]
            shown = [x for x in hands if x is not None]
            if shown:
                candidates.append((min(shown), centre, hands))
        if candidates and len(candidates) == len(boxes) and score[t, 0]:
            _, centre, hands = min(candidates, key=lambda x: x[0])
            np.testing.assert_allclose(own[1:3], centre - points[t, 0], rtol=1e-5)
            np.testing.assert_allclose(own[6:8], [x or 0 for x in hands], rtol=1e-5)
            checked += 1
    assert checked > 10


def test_stream_equals_the_causal_whole():
    """Points of objects follow the joints; absent kinds stay 0."""
    video = scene()
    kinds = {**KINDS, 'saw': ['tip']}
    render = ObjectCoordinates('coco17', kinds, turn=True, causal=True, nearest=2)
    objects = video['objects']
    points = [video['keypoint'][0], *(one['points'] for one in objects)]
    seen = [video['keypoint_score'][0], *(one['score'] for one in objects)]
    points, seen = np.concatenate(points, 1), np.concatenate(seen, 1) > 0
    instances = [(one['kind'], one['points'].shape[1]) for one in objects]
    running = render.running(instances=instances)
    first = running.push(points[:7], seen[:7])
    later = render.running(instances=instances)
    later.load_state_dict(running.state_dict())
    rest = [later.push(points[t : t + 1], seen[t : t + 1]) for t in range(7, 40)]
    streamed = np.concatenate([first, *rest])
    np.testing.assert_allclose(streamed, render.coordinates(video), atol=1e-6)
    # No value depends on later frames.
    cut = {**video, 'keypoint': video['keypoint'][:, :20]}
    cut['keypoint_score'] = video['keypoint_score'][:, :20]
    cut['objects'] = [
        {**one, 'points': one['points'][:20], 'score': one['score'][:20]}
        for one in objects
    ]
    np.testing.assert_array_equal(
        render.coordinates(cut), render.coordinates(video)[:20]
    )


@pytest.mark.parametrize(
    ('skeleton', 'joints'),
    [('coco17', [9, 10]), (MOUSE, [1]), ({'joints': ['a', 'b'], 'limbs': []}, [-1])],
)
def test_distances_are_to_hands_or_the_front(skeleton, joints):
    assert ObjectCoordinates(skeleton, KINDS, turn=False).joints == joints


def test_objects_in_3d_need_points_in_3d():
    video = scene(dims=3)
    video['keypoint_3d'] = video.pop('keypoint')
    for one in video['objects']:
        one['points_3d'] = one.pop('points')
        one['points'] = one['points_3d'][..., :2]
    render = ObjectCoordinates('coco17', KINDS, 3, turn=True, vertical=1)
    assert render.coordinates(video).any()
    del video['objects'][1]['points_3d']
    with raises_naming(ValueError, "'hammer 1'", 'points_3d', 'dims=2'):
        render.coordinates(video)


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'kinds': {}}, 'kinds'),
        ({'joints': ['paw']}, "'paw' | tail, nose"),
        ({'dims': 3, 'turn': True}, 'vertical'),
        ({'kinds': {'x': [str(i) for i in range(3000)]}}, 'at most 10000'),
    ],
)
def test_option_that_does_not_fit_is_named(options, named):
    with raises_naming(ValueError, 'ObjectCoordinates', named):
        ObjectCoordinates(MOUSE, **{'kinds': KINDS, **options})


def test_absent_or_unfitting_objects_are_named():
    """The message says what the model sees, and which option gives it."""
    render = ObjectCoordinates(MOUSE, KINDS)
    recipe = FeatureRecipe('a', render, num_joints=2)
    # 3 + 5 and 5 + 6 values.
    assert recipe.channels == 8 + 12
    video = {**mouse([[1, 1], [1, 5]]), 'frame_dir': 'take1'}
    video['objects'] = [thing('h', 'hammer', [[[1, 1]]])]
    with raises_naming(ValueError, "take1: | 'h' | (1, 1, 2) | (1, 2, 2) | handle"):
        recipe.check(video)
    video |= {'total_frames': 1, 'objects': [box('b', [1, 1], [1, 1])]}
    with raises_naming(ValueError, "take1: | 'b' | (2, 4, 2) | (1, 4, 2) | top left"):
        recipe.check(video)
    del video['objects']
    with raises_naming(ValueError, 'take1: | hammer (head, handle) | --objects FILE'):
        recipe.check(video)
