"""Features of several renderers side by side."""

import numpy as np
import pytest

from mmskelseg_runtime.features import Concatenate, PairCoordinates, SkeletonCoordinates
from mmskelseg_runtime.features.coordinates import instances_of
from mmskelseg_runtime.streaming import SkeletonStream
from tests.errors import raises_naming

MOUSE = {'joints': ['tail', 'nose'], 'limbs': [[0, 1]], 'root': ['tail']}


def walk(persons=1, frames=30):
    points = np.random.default_rng(0).normal(0, 1, (persons, frames, 2, 2))
    return {
        'keypoint': points.cumsum(axis=1),
        'keypoint_score': np.ones((persons, 30, 2)),
    }


def of(*parts):
    return [{'type': kind, 'dims': 2, 'causal': True, **more} for kind, more in parts]


def test_parts_follow_each_other_with_the_skeleton_of_all():
    """Joints and channels of a part become one axis; an individual is seen alone."""
    video = {**walk(persons=2), 'individual': 1}
    parts = of(('SkeletonCoordinates', {}), ('PairCoordinates', {'turn': False}))
    render = Concatenate(MOUSE, parts)
    own = SkeletonCoordinates(MOUSE, 2, causal=True, flatten=True, person=1)
    pair = PairCoordinates(MOUSE, 2, causal=True, turn=False)
    expected = [own.coordinates(video), pair.coordinates(video)]
    np.testing.assert_array_equal(
        render.coordinates(video), np.concatenate(expected, axis=1)
    )
    assert render.others
    assert render.causal
    assert not Concatenate(MOUSE, [{'type': 'SkeletonCoordinates'}]).causal


def test_stream_of_parts_equals_the_whole():
    """Each part gets its joints, and continues from a stored state."""
    video = {**walk(persons=2), 'individual': 0}
    parts = of(('SkeletonCoordinates', {}), ('PairCoordinates', {'turn': False}))
    render = Concatenate(MOUSE, parts)
    points = video['keypoint'].swapaxes(0, 1).reshape(30, 4, 2)
    seen = np.ones((30, 4), bool)
    running = render.running(people=2)
    first = running.push(points[:11], seen[:11])
    later = render.running(people=2)
    later.load_state_dict(running.state_dict())
    found = np.concatenate([first, later.push(points[11:], seen[11:])])
    np.testing.assert_allclose(found, render.coordinates(video), rtol=1e-6)


@pytest.mark.parametrize(
    ('parts', 'named'),
    [
        ([], 'parts'),
        ([{'type': 'RenderSkeletonHeatmap'}], "'RenderSkeletonHeatmap'"),
        ([{'dims': 2}], 'None'),
        ([{'type': 'Concatenate', 'parts': []}], "'Concatenate'"),
        ([{'type': 'SkeletonCoordinates', 'skeleton': 'a.py'}], 'skeleton of its own'),
        ([{'type': 'SkeletonCoordinates', 'dims': 4}], 'dims=4'),
    ],
)
def test_part_that_does_not_fit_is_named(parts, named):
    with raises_naming(ValueError, named):
        Concatenate(MOUSE, parts)


def test_stream_needs_parts_of_equal_dims():
    parts = of(('SkeletonCoordinates', {}), ('SkeletonCoordinates', {'dims': 3}))
    with raises_naming(ValueError, 'dims=2', 'dims=3'):
        Concatenate(MOUSE, parts).running()


def test_points_of_objects_follow_the_joints_of_all_persons():
    """In a stream of pairs, whose frames have no axis of persons then."""
    rng = np.random.default_rng(0)
    cups = [
        {
            'name': f'cup {i}', 'kind': 'cup', 'score': np.ones((30, 1)),
            'points': rng.normal(0, 1, (30, 1, 2)).cumsum(axis=0),
        }
        for i in range(2)
    ]  # fmt: skip
    video = {**walk(persons=2), 'individual': 0, 'objects': cups}
    pairs = ('PairCoordinates', {'turn': False})
    objects = ('ObjectCoordinates', {'kinds': {'cup': ['middle'], 'saw': ['tip']}})
    render = Concatenate(MOUSE, of(pairs, objects))
    model = FakeModel(render.coordinates(video))
    running = render.running(2, instances_of(render.kinds, {'cup': 2, 'saw': 0}))
    meta = {'classes': ['a', 'b'], 'skeleton': MOUSE}
    other = {**MOUSE, 'joints': ['nose', 'tail'], 'root': ['tail']}
    stream = SkeletonStream(model, running, meta, layout=other)
    joints = video['keypoint'][:, :, ::-1].swapaxes(0, 1).reshape(30, 4, 2)
    points = np.concatenate([joints, *(cup['points'] for cup in cups)], axis=1)
    stream.push(points[:7])
    stream.push(points[7:])
    assert stream.objects == [('cup', 1), ('cup', 1)]
    np.testing.assert_allclose(np.concatenate(model.pushed), model.expected, rtol=1e-5)
    with raises_naming(ValueError, '(2, 2, 2)', '(6, 2)', '1 of cup, 1 of cup'):
        stream.push(np.zeros((2, 2, 2)))


class FakeModel:
    """Keeps the features that it is given."""

    num_classes, lookahead, states = 2, 0, {}

    def __init__(self, expected):
        self.expected, self.pushed = expected, []
        self.in_channels = expected.shape[1]

    def push(self, features, present, frames, states):
        self.pushed.append(features)
        return np.full((len(features), 2), 0.5), frames + len(features), []
