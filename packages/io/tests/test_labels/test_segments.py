"""Frame labels and segments in seconds."""

import numpy as np
import pytest

from mmskelseg_io.labels import (
    Segment,
    frame_at,
    labels_to_segments,
    segments_to_labels,
)
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

CLASSES = ['walk', 'lift', 'rest']
RATES = [10, 12.5, 15, 24000 / 1001, 25, 29.97, 30000 / 1001, 30, 50, 59.94, 120, 999]


@pytest.mark.parametrize('fps', RATES)
def test_frames_come_back_from_seconds_and_from_milliseconds(fps):
    """Over an hour of frame boundaries, at any rate."""
    frames = np.arange(200_000)
    assert [frame_at(frame / fps, fps) for frame in frames.tolist()] == frames.tolist()
    rounded = np.round(frames / fps, 3).tolist()
    assert [frame_at(time, fps) for time in rounded] == frames.tolist()


@pytest.mark.parametrize('fps', RATES)
def test_labels_come_back_from_segments(fps, rng):
    label = np.repeat(rng.integers(-1, 3, 400), rng.integers(1, 40, 400))
    segments = labels_to_segments(label, fps, CLASSES)
    back = segments_to_labels(
        segments[::-1], label.size, fps, CLASSES, missing='unlabelled'
    )
    np.testing.assert_array_equal(back, label)


def test_labels_at_another_rate_are_those_at_the_middle_of_each_frame(rng):
    """From 29.97 to 10 frames per second, compared with a slow search."""
    label = rng.integers(0, 3, 60).repeat(7)
    segments = labels_to_segments(label, 29.97, CLASSES)
    count = int(label.size / 29.97 * 10)
    found = segments_to_labels(segments, count, 10, CLASSES)
    for frame in range(count):
        middle = (frame + 0.5) / 10
        (covering,) = [s for s in segments if s.start <= middle < s.end]
        assert CLASSES[found[frame]] == covering.label


def test_confidence_is_the_mean_probability_of_the_class():
    score = np.array([[0.9, 0.7, 0.1], [0.1, 0.3, 0.6], [0.0, 0.0, 0.3]])
    segments = labels_to_segments(np.array([0, 0, 1]), 2, CLASSES, score)
    assert [s.score for s in segments] == pytest.approx([0.8, 0.6])


def test_segments_refuse_a_label_that_is_no_class_or_scores_of_other_shape():
    with raises_naming(ValueError, 'label in frame 1 is 3,', 'frame 1', '0 to 2'):
        labels_to_segments(np.array([0, 3]), 2, CLASSES)
    with raises_naming(ValueError, 'score', '(2, 3)', '(3, 2)'):
        labels_to_segments(np.array([0, 0]), 2, CLASSES, np.zeros((2, 3)))


GAP = [Segment(0, 1, 'walk'), Segment(1.5, 2, 'lift')]
OVERLAP = [Segment(0, 1.5, 'walk'), Segment(1, 2, 'lift')]


@pytest.mark.parametrize(
    ('segments', 'named'),
    [
        (
            GAP,
            "from 1.000 to 1.500 s | after 'walk' (0.000 to 1.000 s) and before 'lift' "
            '(1.500 to 2.000 s) | 2 unlabelled frames | --unlabelled background',
        ),
        (
            OVERLAP,
            "'walk' (0.000 to 1.500 s) and 'lift' (1.000 to 2.000 s) | "
            'from 1.000 to 1.500 s | --overlap later',
        ),
    ],
)
def test_gaps_and_overlaps_are_errors_with_video_times_and_classes(segments, named):
    with raises_naming(UserError, "video 'take1'", named):
        segments_to_labels(segments, 8, 4, CLASSES, video='take1')


def test_the_last_label_may_end_a_moment_early():
    """Tools round the duration of a video; other gaps, however short, are errors."""
    walk = [Segment(0, 1.9, 'walk')]
    assert segments_to_labels(walk, 20, 10, CLASSES).tolist() == [0] * 20
    with raises_naming(ValueError, '0.000 to 0.100 s', '--unlabelled background'):
        segments_to_labels([Segment(0.1, 2, 'walk')], 20, 10, CLASSES)
    with raises_naming(ValueError, '1.800 to 2.000 s', '2 unlabelled', 'frame rate'):
        segments_to_labels([Segment(0, 1.8, 'walk')], 20, 10, CLASSES)


@pytest.mark.parametrize(
    ('segments', 'options', 'between'),
    [
        (GAP, {'missing': 'background'}, 2),
        (GAP, {'missing': 'unlabelled'}, -1),
        (OVERLAP, {'overlap': 'background'}, 2),
        (OVERLAP, {'overlap': 'later'}, 1),
    ],
)
def test_gaps_and_overlaps_become_what_is_asked(segments, options, between):
    kept = segments_to_labels(segments, 8, 4, CLASSES, background='rest', **options)
    np.testing.assert_array_equal(kept, [0] * 4 + [between] * 2 + [1] * 2)


def test_overlap_of_one_class_or_of_no_frame_is_none():
    """At 4 fps, half a frame is 125 ms."""
    segments = [Segment(0, 1.1, 'walk'), Segment(0.5, 1, 'walk'), Segment(1, 2, 'lift')]
    found = segments_to_labels(segments, 8, 4, CLASSES)
    np.testing.assert_array_equal(found, [0, 0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ('segments', 'options', 'named'),
    [
        ([Segment(0, 2, 'run')], {}, "'run' | walk, lift | --classes"),
        ([Segment(0, 3.1, 'walk')], {}, "'walk' | 3.100 s | 2.000 s"),
        ([Segment(-1.1, 2, 'walk')], {}, "'walk' | -1.100"),
        (GAP, {'missing': 'background'}, 'missing | background | --background'),
        (GAP, {'missing': 'background', 'background': 'run'}, "background | 'run'"),
        (GAP, {'overlap': 'unlabelled'}, "overlap | 'unlabelled' | later"),
        (GAP, {'fps': 0}, 'fps is 0,'),
    ],
)
def test_segments_that_fit_no_frames_are_an_error(segments, options, named):
    options = {'fps': 4, **options}
    with raises_naming(ValueError, named):
        segments_to_labels(segments, 8, classes=CLASSES, **options)


def test_labels_may_leave_the_video_by_less_than_a_second():
    found = segments_to_labels([Segment(-0.4, 2.9, 'walk')], 8, 4, CLASSES)
    np.testing.assert_array_equal(found, np.zeros(8))


def test_segments_shorter_than_a_frame_are_left_out_with_a_warning(logged):
    segments = [Segment(0, 2, 'walk'), Segment(0.51, 0.52, 'lift')]
    found = segments_to_labels(segments, 8, 4, CLASSES, video='take1')
    np.testing.assert_array_equal(found, np.zeros(8))
    assert [record.getMessage() for record in logged.records] == [
        "video 'take1': 'lift' (0.510 to 0.520 s) covers no frame, the first of 1 such "
        'segments; they are left out.'
    ]
