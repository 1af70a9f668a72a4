"""Features of several renderers side by side."""

import numpy as np
import pytest

from mmskelseg.runtime.features import (
    Concatenate,
    PairCoordinates,
    SkeletonCoordinates,
)
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
