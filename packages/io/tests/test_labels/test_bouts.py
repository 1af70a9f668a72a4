"""Bouts from segments of label files."""

import pytest

from mmskelseg_io.labels import Segment, VideoSegments
from mmskelseg_io.labels.bouts import to_bouts
from tests.errors import raises_naming

CLASSES = ['walk', 'groom', 'other']


def bouts(*segments, fps=None, num_frames=None, **options):
    video = VideoSegments('m1', [Segment(*s) for s in segments], fps, num_frames)
    found = to_bouts(video, CLASSES, 'a.csv: video m1', **options)
    rows = zip(found.start, found.end, found.label.tolist(), strict=True)
    return [(float(s), float(e), CLASSES[k]) for s, e, k in rows], found.duration


def test_segments_of_a_class_that_touch_are_one_bout():
    found = bouts((3, 4, 'walk'), (0, 2, 'walk'), (2, 3, 'walk'), (4.5, 5, 'walk'))
    assert found == ([(0, 4, 'walk'), (4.5, 5, 'walk')], 5)


def test_states_that_boris_ends_a_millisecond_early_follow_each_other():
    assert bouts((0, 4.199, 'walk'), (4.2, 6, 'groom'))[0][1] == (4.199, 6, 'groom')


def test_background_is_the_time_without_a_label():
    found = bouts((2, 3, 'walk'), (5, 6, 'other'), background='other', duration=8)
    assert found == ([(0, 2, 'other'), (2, 3, 'walk'), (3, 8, 'other')], 8)
    assert bouts(background='other', duration=8) == ([(0, 8, 'other')], 8)


def test_duration_that_is_given_counts_more_than_that_of_the_file():
    """Labels may exceed it by up to a second, and are cut."""
    stated = {'fps': 25, 'num_frames': 250}
    assert bouts((0, 10.5, 'walk'), **stated) == ([(0, 10, 'walk')], 10)
    found = bouts((0, 10.5, 'walk'), **stated, duration=600)
    assert found == ([(0, 10.5, 'walk')], 600)


@pytest.mark.parametrize(
    ('segments', 'options', 'words'),
    [
        ([(0, 5, 'walk'), (4, 6, 'groom')], {}, ["'walk' (0.000", "'groom' (4.000"]),
        ([(0, 12, 'walk')], {'duration': 10}, ['12.000', '10.000 s']),
        ([(-3, 2, 'walk')], {}, ['-3.000']),
        ([(0, 5, 'walk')], {'background': 'other'}, ["'other'", '--duration']),
    ],
)
def test_segments_that_make_no_bouts_are_named(segments, options, words):
    with raises_naming(ValueError, 'a.csv: video m1: ', *words):
        bouts(*segments, **options)


def test_bouts_of_tiers_may_overlap_and_have_ids_of_their_own():
    segments = [
        Segment(0, 4, 'sit', None, 'posture'),
        Segment(1, 2, 'rest', None, 'hand'),
        Segment(2, 3, 'rest', None, 'hand'),
    ]
    tiers = {'hand': ['wave', 'rest'], 'posture': ['sit', 'up']}
    video = VideoSegments('m1', segments)
    found = to_bouts(video, tiers, 'a.csv', background='wave', duration=5)
    rows = zip(found.start, found.end, found.label, strict=True)
    assert list(rows) == [(0, 1, 0), (1, 3, 1), (3, 5, 0), (0, 4, 2)]
    assert found.tiers == (slice(0, 2), slice(2, 4))
