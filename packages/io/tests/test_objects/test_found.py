"""How objects of single frames become instances in a recording."""

import numpy as np
import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.objects import Found, FoundObjects
from mmskelseg_io.objects.found import corners
from tests.errors import raises_naming


def at(frame, x, kind='cup', **more):
    return Found(frame, kind, corners(x, 0, x + 10, 10), **more)


def objects(*found, **more):
    return FoundObjects('take1', 'take1.txt', found, **more)


def lefts(video, frames=4, fps=10.0, **more):
    """Return the left edge of each instance in all frames, -1 if it is not seen."""
    return {
        one['name']: np.where(
            one['score'][:, 0] > 0, one['points'][:, 0, 0], -1
        ).tolist()
        for one in video.tracked(frames, fps, (100, 200), **more)
    }


@pytest.mark.parametrize(
    ('found', 'expected'),
    [
        ([at(0, 0), at(0, 50), at(1, 52), at(1, 2), at(2, 54)],
         {'cup 1': [0, 2, -1, -1], 'cup 2': [50, 52, 54, -1]}),
        ([at(0, 0), at(0, 0, 'box'), at(1, 0, 'box')],
         {'cup 1': [0, -1, -1, -1], 'box 1': [0, 0, -1, -1]}),
        ([at(0, 0, track='b'), at(1, 90, track='b'), at(1, 0, track='a')],
         {'cup b': [0, 90, -1, -1], 'cup a': [-1, 0, -1, -1]}),
        ([at(0, 0), at(13, 3)], {'cup 1': [0, -1, -1, -1]}),
    ],
    ids=['any order', 'kinds', 'tracks', 'after the end'],
)  # fmt: skip
def test_detections_are_linked_by_overlap_or_as_the_file_says(found, expected):
    assert lefts(objects(*found)) == expected


def test_a_number_is_given_again_after_a_while():
    """So that rows are no more than objects at once, and no two are mixed up."""
    video = objects(at(0, 0), at(20, 100), at(90, 50))
    found = lefts(video, 100)
    assert list(found) == ['cup 1', 'cup 2']
    assert found['cup 1'][0] == 0
    assert found['cup 1'][90] == 50
    assert found['cup 2'][20] == 100


def test_files_may_count_frames_of_another_rate():
    """Frame i of the recording is seen at the middle of its time."""
    video = objects(*(at(i, i, track='1') for i in range(8)))
    assert lefts(video, rate=20.0) == {'cup 1': [1, 3, 5, 7]}
    assert lefts(video, 16, 20.0, rate=10.0)['cup 1'][:6] == [0, 0, 1, 1, 2, 2]


def test_times_become_frames():
    video = objects(at(0.099, 5), at(0.2, 7), in_seconds=True)
    assert lefts(video) == {'cup 1': [-1, 5, 7, -1]}


def test_fractions_become_pixels():
    box = corners(0.1, 0.2, 0.3, 0.4)
    video = objects(Found(0, 'cup', box), is_relative=True)
    (cup,) = video.tracked(1, 10, (100, 200))
    expected = [[20, 20], [60, 20], [60, 40], [20, 40]]
    np.testing.assert_allclose(cup['points'][0], expected, rtol=1e-6)


def test_kinds_are_chosen_and_renamed():
    video = objects(at(0, 0), at(0, 40, '3'), at(0, 90, 'pen'))
    assert list(lefts(video.chosen({'cup': 'cup', '3': 'box'}))) == ['cup 1', 'box 1']
    assert list(lefts(video.chosen({}))) == ['cup 1', '3 1', 'pen 1']


def test_objects_of_a_low_score_are_left_out():
    video = objects(at(0, 0, score=0.4), at(1, 40, score=0.6))
    assert lefts(video.chosen({}, 0.5)) == {'cup 1': [-1, 40, -1, -1]}


@pytest.mark.parametrize(
    ('video', 'named'),
    [
        ((at(0, 0), at(14, 0)), 'frame 14 | take1 | 4 frames'),
        ((at(2, 0, track='a'), at(2, 9, track='a')), 'cup a | frame 2'),
        ((at(0, 0), Found(1, 'cup', np.zeros((1, 2)), names=('p',))),
         'cup | frame 1 | point | top left'),
    ],
)  # fmt: skip
def test_wrong_objects_are_named(video, named):
    with raises_naming(UserError, 'take1.txt', named):
        objects(*video).tracked(4, 10, (100, 200))


@pytest.mark.parametrize('place', [np.nan, 1e30])
def test_places_far_away_are_refused(place):
    with raises_naming(UserError, 'take1.txt', 'cup', 'frame 3'):
        objects(Found(3, 'cup', np.full((1, 2), place), names=('p',)))


def test_many_short_tracks_are_refused():
    tracks = [at(i, 0, track=str(i)) for i in range(1000)]
    with raises_naming(UserError, '1000 objects', '--object-kinds'):
        objects(*tracks).tracked(100_000, 10, (100, 200))
