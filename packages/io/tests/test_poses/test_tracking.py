"""The choice of a person."""

import numpy as np
import pytest

from mmskelseg_io.poses import Poses, choose_person, each_person
from mmskelseg_io.poses.tracking import (
    OverlapLinks,
    box_overlaps,
    link_by_overlap,
    person_boxes,
)
from tests.errors import raises_naming

LAYOUT = {'joints': ['a', 'b'], 'limbs': [[0, 1]]}


def people_of(corners, people=(), **more):
    """Poses from boxes (M, T, 4), whose corners are the joints; NaN is nobody."""
    corners = np.asarray(corners, float)
    points = corners.reshape(*corners.shape[:2], 2, 2)
    return Poses(points, np.ones(points.shape[:3]), LAYOUT, people=people, **more)


@pytest.fixture
def crossing():
    """A small person who stays, a large one who comes later and is listed first."""
    small = np.tile([10.0, 10, 29, 49], (5, 1))
    large = np.tile([100.0, 10, 159, 199], (5, 1))
    rows = np.stack([small, np.full((5, 4), np.nan)])
    rows[0, 3:], rows[1, 3:] = large[3:], small[3:]
    return rows, small, large


def test_boxes_hold_the_joints_seen():
    points = np.array([[[[3.0, 4], [9, 1], [50, 50]]]])
    score = np.array([[[1, 0.2, 0]]])
    np.testing.assert_array_equal(person_boxes(points, score), [[[3, 1, 9, 4]]])
    assert np.isnan(person_boxes(points, 0 * score)).all()


def test_overlap_is_symmetric_and_1_with_itself(rng):
    low = rng.uniform(0, 50, (6, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 60, (6, 2))], axis=1)
    overlap = box_overlaps(boxes, boxes)
    np.testing.assert_allclose(overlap, overlap.T)
    np.testing.assert_allclose(overlap.diagonal(), 1)
    assert ((overlap >= 0) & (overlap <= 1)).all()


def test_links_follow_people_through_their_places(crossing):
    np.testing.assert_array_equal(
        link_by_overlap(crossing[0]), [[0, 0, 0, 1, 1], [-1, -1, -1, 0, 0]]
    )


def test_links_are_those_of_one_pair_after_another(rng):
    """The largest overlap first, as a loop over all pairs finds them."""
    low = rng.uniform(0, 60, (2, 12, 2))
    first, second = np.concatenate([low, low + 30], axis=2)
    links = OverlapLinks()
    assert links.link(0, first).tolist() == [*range(12)]
    overlap, expected = box_overlaps(first, second), np.full(12, -1)
    while overlap.max() >= 0.3:
        track, place = np.unravel_index(overlap.argmax(), overlap.shape)
        expected[place] = track
        overlap[track], overlap[:, place] = -1, -1
    found = links.link(1, second)
    assert (found[expected >= 0] == expected[expected >= 0]).all()
    new = np.arange((expected < 0).sum())
    np.testing.assert_array_equal(found[expected < 0], 12 + new)


def test_links_bear_gaps_up_to_their_patience():
    boxes = np.tile([10.0, 10, 29, 49], (1, 8, 1))
    boxes[0, 2:6] = np.nan
    gap = [0, 0, -1, -1, -1, -1]
    assert link_by_overlap(boxes, patience=4)[0].tolist() == [*gap, 0, 0]
    assert link_by_overlap(boxes, patience=3)[0].tolist() == [*gap, 1, 1]


@pytest.mark.parametrize(
    ('policy', 'expected', 'note'),
    [
        ('track', 'sssss', 'the longest of 2 tracks linked by overlap'),
        ('largest', 'sssll', 'the largest in each frame'),
        ('score', 'sssss', 'of the highest score in each frame'),
    ],
)
def test_policy_chooses_among_people_of_a_frame(policy, expected, note, crossing):
    rows, small, large = crossing
    score = np.array([[0.9, 0.9, 0.9, 0.2, 0.2], [0, 0, 0, 0.8, 0.8]])
    chosen = choose_person(people_of(rows, person_score=score), policy, 'a.json')
    boxes = [{'s': small, 'l': large}[who][0] for who in expected]
    np.testing.assert_array_equal(chosen.keypoint, np.reshape(boxes, (1, 5, 2, 2)))
    assert chosen.notes == (f'of up to 2 people only one, {note}',)


def test_score_of_joints_stands_in_for_that_of_people():
    poses = people_of(np.tile([1.0, 1, 5, 5], (2, 2, 1)))
    score = poses.keypoint_score.copy()
    score[0, 0], score[1, 1] = 0.5, 0.5
    chosen = choose_person(poses.noting(keypoint_score=score), 'score', 'a.json')
    np.testing.assert_array_equal(chosen.keypoint_score, np.ones((1, 2, 2)))


@pytest.mark.parametrize(
    ('policy', 'who'), [('track', 'ann'), ('largest', 'bob'), ('score', 'ann'),
                        ('bob', 'bob')],
)  # fmt: skip
def test_policy_takes_a_track_of_the_file_as_a_whole(policy, who, crossing):
    """Ann is seen longer; Bob is larger."""
    _, small, large = crossing
    large[:2] = np.nan
    poses = people_of([small, large], people=('ann', 'bob'))
    chosen = choose_person(poses, policy, 'a.h5')
    np.testing.assert_array_equal(
        chosen.keypoint[0], poses.keypoint[['ann', 'bob'].index(who)]
    )
    assert chosen.people == (who,)
    assert f' {who}, ' in chosen.notes[-1]


def test_boxes_of_the_file_decide_and_follow_the_choice(crossing):
    """The detector's boxes count, not those around joints."""
    rows, small, large = crossing
    rows = np.stack([small, large])
    box = np.stack([large, small]).astype(np.float32)
    score = np.array([[0.3] * 5, [0.6] * 5], np.float32)
    poses = people_of(rows, person_box=box, person_score=score)
    chosen = choose_person(poses, 'largest', 'a')
    np.testing.assert_array_equal(chosen.keypoint, poses.keypoint[:1])
    np.testing.assert_array_equal(chosen.person_box, box[:1])
    np.testing.assert_array_equal(chosen.person_score, score[:1])


def test_box_is_zeros_where_the_track_is_not_seen(crossing):
    rows, small, _ = crossing
    rows[:, 1] = np.nan
    box = np.nan_to_num(rows)
    chosen = choose_person(people_of(rows, person_box=box), 'track', 'a')
    expected = small.copy()
    expected[1] = 0
    np.testing.assert_array_equal(chosen.person_box[0], expected)


def longer(rows, repeats=20):
    return np.repeat(rows, repeats, axis=1)


def test_each_person_is_followed_through_the_rows(crossing):
    """By overlap, in order of appearance."""
    rows, small, large = crossing
    poses = people_of(longer(rows)).noting(fps=20.0)
    first, second = each_person(poses)
    assert (first[0], second[0]) == ('person1', 'person2')
    np.testing.assert_array_equal(
        first[2].keypoint, longer(small[None]).reshape(1, 100, 2, 2)
    )
    assert second[1].tolist() == [[-1] * 60 + [0] * 40]
    np.testing.assert_array_equal(
        second[2].keypoint[0, 60:], longer(large[None])[0, 60:].reshape(40, 2, 2)
    )
    assert not second[2].keypoint_score[0, :60].any()


def test_others_follow_the_chosen_one_in_rows_of_their_own(crossing):
    """Wherever they are in the file; the chosen one is not among them."""
    rows, small, large = crossing
    poses = people_of(longer(rows)).noting(fps=20.0)
    large[:3] = 0
    both = longer(np.stack([small, large])).reshape(2, 100, 2, 2)
    first, second = each_person(poses, others=True)
    np.testing.assert_array_equal(first[2].keypoint, both)
    np.testing.assert_array_equal(second[2].keypoint, both[::-1])
    assert first[1].shape == (2, 100)
    chosen = choose_person(poses, 'track', 'a', others=True)
    np.testing.assert_array_equal(chosen.keypoint, both)
    # In each frame, the others are those who are not the largest.
    largest = choose_person(poses, 'largest', 'a', others=True).keypoint
    np.testing.assert_array_equal(largest[0, 60:], both[1, 60:])
    np.testing.assert_array_equal(largest[1, 60:], both[0, 60:])
    assert not largest[1:, :60].any()
    named = people_of(longer(np.stack([large, small])), people=('bob', 'ann'))
    found = choose_person(named, 'ann', 'a', others=True)
    assert found.people == ('ann', 'bob')
    np.testing.assert_array_equal(found.keypoint, both)


def test_people_who_are_hardly_seen_are_left_out_with_a_note(crossing):
    """The second person is seen for 2 s at 20 fps, 1.3 of 3.3 s at 30."""
    poses = people_of(longer(crossing[0])).noting(fps=30.0)
    ((name, _, one),) = each_person(poses)
    assert name == 'person1'
    assert one.notes == (
        'one of 1 people, seen in 100 of 100 frames',
        '1 of 2 people are skipped, seen for less than 1.7 s each',
    )
    # Nobody is seen for longer than that here.
    ((_, _, one),) = each_person(people_of(crossing[0]).noting(fps=30.0))
    assert one.keypoint_score[0].any(axis=-1).all()


def test_everybody_in_a_short_clip_is_kept(crossing):
    """Who is there for half of it is no error of a tracker."""
    _, small, large = crossing
    large[:2] = np.nan
    poses = people_of(np.stack([small, large])).noting(fps=10.0)
    assert [len(one.notes) for *_, one in each_person(poses)] == [1, 1]


def test_people_of_the_file_keep_their_names_and_places(crossing):
    _, small, large = crossing
    large[:2] = np.nan
    rows = longer(np.stack([large, small]))
    found = each_person(people_of(rows, people=('bob', 'ann')).noting(fps=10.0))
    assert [name for name, *_ in found] == ['ann', 'bob']
    assert found[1][2].people == ('bob',)
    numbered = each_person(people_of(rows, people=('7', '9')).noting(fps=10.0))
    assert [name for name, *_ in numbered] == ['person1', 'person2']


def test_a_video_of_nobody_has_one_person_who_is_never_seen():
    ((name, rows, one),) = each_person(people_of(np.full((1, 6, 4), np.nan)))
    assert (name, rows.tolist()) == ('person1', [[-1] * 6])
    assert one.keypoint.shape == (1, 6, 2, 2)


def test_everybody_can_stay_and_others_are_named(crossing):
    poses = people_of(crossing[0], people=('ann', 'bob'))
    assert choose_person(poses, 'all', 'a').keypoint.shape[0] == 2
    single = people_of(crossing[0][:1])
    assert choose_person(single, 'track', 'a') is single
    with raises_naming(ValueError, 'a.h5: ', ' cid;', 'largest, score, all, ann, bob'):
        choose_person(poses, 'cid', 'a.h5')
