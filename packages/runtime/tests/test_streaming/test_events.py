"""Segments that begin and end in a stream."""

from dataclasses import asdict

from mmskelseg_runtime.streaming import LabelledFrame, segment_events


def frames(labels, time=lambda i: i / 10):
    names = ('walk', 'sit')
    return [
        LabelledFrame(i, time(i), names[k], k, [0.9 - 0.1 * i, 0.7])
        for i, k in enumerate(labels)
    ]


def test_events_of_three_segments_by_hand():
    """Each begins with its first frame, and ends where the next one begins."""
    found = [asdict(event) for event in segment_events(frames([0, 0, 1, 0]), fps=10)]
    keys = ('event', 'label', 'start_frame', 'end_frame', 'start', 'end')
    assert [tuple(event[key] for key in keys) for event in found] == [
        ('begin', 'walk', 0, None, 0.0, None),
        ('end', 'walk', 0, 2, 0.0, 0.2),
        ('begin', 'sit', 2, None, 0.2, None),
        ('end', 'sit', 2, 3, 0.2, 0.2 + 1 / 10),
        ('begin', 'walk', 3, None, 0.3, None),
        ('end', 'walk', 3, 4, 0.3, 0.3 + 1 / 10),
    ]
    scores = [round(event['score'], 3) for event in found]
    assert scores == [0.9, 0.85, 0.7, 0.7, 0.6, 0.6]


def test_event_comes_with_its_frame():
    """A segment that begins is told before the next frame is there."""
    events = segment_events(iter(frames([0])))
    assert next(events).event == 'begin'
    assert next(events).event == 'end'


def test_times_are_left_open_without_a_rate():
    (begin, end) = segment_events(frames([1, 1], time=lambda i: None))
    assert (begin.start, end.start, end.end, end.end_frame) == (None, None, None, 2)


def test_stream_without_frames_has_no_events():
    assert list(segment_events([])) == []
