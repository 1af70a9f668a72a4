"""Labels of several tiers as segments, in the files of tools, and back."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    segments_to_tiers,
    tiers_to_segments,
    write_boris,
    write_boris_events,
    write_elan,
    write_srt,
    write_time_budget,
)
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.tiers import flat_classes, flat_label, tiers_of
from mmskelseg_io.structures.time_budget import time_budget
from tests.errors import raises_naming
from tests.tables import read_table
from tests.test_labels.tools import WRITERS, write_labels

HANDS = {'posture': ['stand', 'sit'], 'left hand': ['rest', 'reach']}
LABEL = np.array([[0, 0, 0, 1, 1, 1, 1, -1], [1, 1, 0, 0, 0, 0, 1, 1]])
# Names as people give them, some of them the same in several tiers.
NAMES = st.sampled_from(['rest', 'a: b', 'Räumen', '"x" & <y>', 'no sniff', 'to_label'])
NAMES |= st.from_regex(r'[A-Za-zä0-9][A-Za-zä0-9 ,;:]{0,8}[a-z]', fullmatch=True)


@st.composite
def labelled(draw):
    """Return classes, tiers, labels (tiers, T) or (T,), and a frame rate.

    Each tier has one of the labels, or is the only one without a name.
    """
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    each = [draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)) for _ in names]
    runs = draw(st.lists(st.integers(1, 20), min_size=2, max_size=12))
    rows = []
    for classes in each:
        row = [draw(st.integers(-1, len(classes) - 1)) for _ in runs]
        rows.append(np.repeat([0, *row], [1, *runs]))
    fps = draw(st.sampled_from([10, 25, 29.97, 59.94]))
    if len(names) == 1:
        return each[0], tiers_of({'classes': each[0]}), rows[0], fps
    classes = dict(zip(names, each, strict=True))
    return classes, tiers_of({'tiers': classes}), np.stack(rows), fps


few = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize('ending', WRITERS)
@few
@given(labelled())
def test_labels_come_back_from_every_tool(tmp_path, ending, drawn):
    """With unlabelled frames, single frames and special characters in names."""
    classes, tiers, label, fps = drawn
    frames = label.shape[-1]
    score = np.random.default_rng(0).random((tiers[-1].rows.stop, frames))
    segments = tiers_to_segments(label, fps, tiers, score)
    video = VideoSegments('take 1', segments, fps, frames, 'my videos/take 1.mp4')
    path, options = write_labels(ending, tmp_path, video, classes)
    (back,) = read_segments(path, **options)
    assert back.name == 'take 1'
    found = segments_to_tiers(back.segments, frames, fps, tiers, missing='unlabelled')
    np.testing.assert_array_equal(found, label)
    if ending in ('.json', '.csv'):
        scores = [[s.score for s in item.segments] for item in (back, video)]
        assert sorted(scores[0]) == pytest.approx(sorted(scores[1]), abs=1e-6)


@pytest.mark.parametrize('ending', WRITERS)
@few
@given(labelled(), st.lists(NAMES, min_size=2, max_size=3, unique=True))
def test_individuals_come_back_with_their_tiers(tmp_path, ending, drawn, names):
    """In tables and BORIS, with the one to whom it is done."""
    classes, tiers, label, fps = drawn
    labels = {name: np.roll(label, 7 * i, axis=-1) for i, name in enumerate(names)}
    segments = [
        replace(segment, individual=name, target=names[i - 1])
        for i, (name, own) in enumerate(labels.items())
        for segment in tiers_to_segments(own, fps, tiers)
    ]
    frames = label.shape[-1], fps, tiers
    video = VideoSegments('take1', segments, fps, frames[0], 'take1.mp4')
    path, options = write_labels(ending, tmp_path, video, classes)
    (back,) = read_segments(path, subject='each', **options)
    for name, own in labels.items():
        (alone,) = read_segments(path, subject=name, **options)
        assert {segment.individual for segment in alone.segments} == {''}
        found = [segment for segment in back.segments if segment.individual == name]
        for these in (found, alone.segments):
            read = segments_to_tiers(these, *frames, missing='unlabelled')
            np.testing.assert_array_equal(read, own)
        if ending not in ('.eaf', '.json'):
            assert len({segment.target for segment in found}) == 1
    # One of them has to be chosen. Messages have single blanks.
    shown = [repr(' '.join(name.split())) for name in names]
    with raises_naming(UserError, path, *shown, 'subject=NAME'):
        read_segments(path, **options)
    with raises_naming(UserError, path, "'nobody'", *shown):
        read_segments(path, subject='nobody', **options)


def test_one_tier_is_a_row_of_labels():
    tiers = tiers_of({'classes': ['stand', 'sit'], 'background': 'sit'})
    segments = tiers_to_segments(LABEL[0], 2, tiers)
    assert segments == [Segment(0, 1.5, 'stand'), Segment(1.5, 3.5, 'sit')]
    back = segments_to_tiers(segments, 8, 2, tiers, missing='unlabelled')
    np.testing.assert_array_equal(back, LABEL[0])
    back = segments_to_tiers(segments, 9, 2, tiers, missing='background')
    assert back[-2:].tolist() == [1, 1]


def test_confidences_are_those_of_the_tier():
    tiers = tiers_of({'tiers': HANDS})
    score = np.arange(4)[:, None] * np.ones(8)
    found = {s.name: s.score for s in tiers_to_segments(LABEL, 2, tiers, score)}
    assert found == {
        'posture: stand': 0, 'posture: sit': 1, 'left hand: rest': 2,
        'left hand: reach': 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('segment', 'named'),
    [
        (Segment(0, 4, 'rest', None, 'hand'), "'hand: rest' | 'posture', 'left hand'"),
        (Segment(0, 4, 'rest', None, 'posture'), "'posture: rest' | stand, sit"),
        (Segment(0, 1, 'sit', None, 'posture'), "tier posture' | after 'posture: sit'"),
    ],
)
def test_segment_that_its_tier_cannot_have_is_named(segment, named):
    rest = Segment(0, 4, 'rest', None, 'left hand')
    with raises_naming(ValueError, 'take1', named):
        segments_to_tiers(
            [segment, rest], 8, 2, tiers_of({'tiers': HANDS}), video='take1'
        )


def video_of(label, score=None):
    segments = tiers_to_segments(label, 2, tiers_of({'tiers': HANDS}), score)
    return VideoSegments('take1', segments, 2, label.shape[1], 'take1.mp4')


def test_subtitles_have_a_line_for_each_tier(tmp_path):
    write_srt(tmp_path / 'out.srt', video_of(LABEL, np.full((4, 8), 0.5)).segments)
    assert (tmp_path / 'out.srt').read_text() == (
        '1\n00:00:00,000 --> 00:00:01,000\n'
        'posture: stand (50%)\nleft hand: reach (50%)\n\n'
        '2\n00:00:01,000 --> 00:00:01,500\n'
        'posture: stand (50%)\nleft hand: rest (50%)\n\n'
        '3\n00:00:01,500 --> 00:00:03,000\n'
        'posture: sit (50%)\nleft hand: rest (50%)\n\n'
        '4\n00:00:03,000 --> 00:00:03,500\n'
        'posture: sit (50%)\nleft hand: reach (50%)\n\n'
        '5\n00:00:03,500 --> 00:00:04,000\nleft hand: reach (50%)\n\n'
    )


def test_unlabelled_time_of_a_budget_is_the_mean_over_tiers(tmp_path):
    label = flat_label(LABEL, tiers_of({'tiers': HANDS}))
    write_time_budget(
        tmp_path / 'a.csv', {'a': time_budget(label, 4, 2)}, flat_classes(HANDS)
    )
    rows = {row['class']: row for row in read_table(tmp_path / 'a.csv')}
    assert rows['posture: stand']['share_percent'] == '37.500'
    # Half a second in one of two tiers, of four seconds.
    assert rows['unlabelled']['total_s'] == '0.250'
    assert rows['unlabelled']['share_percent'] == '6.250'


def test_states_of_boris_exclude_those_of_their_tier(tmp_path):
    write_boris(tmp_path / 'out.boris', [video_of(LABEL)], HANDS)
    project = json.loads((tmp_path / 'out.boris').read_text())
    rows = [
        (b['code'], b['category'], b['key'], b['excluded'])
        for b in project['behaviors_conf'].values()
    ]
    assert rows[:3] == [
        ('stand', 'posture', '1', 'sit'),
        ('sit', 'posture', '2', 'stand'),
        ('rest', 'left hand', '3', 'reach'),
    ]
    assert project['behavioral_categories'] == list(HANDS)


def test_behaviors_of_boris_are_called_after_tiers_where_names_clash(tmp_path):
    """So names of a lab's ethogram stay, in projects and in tables of events."""
    classes = {'left': ['rest', 'wave'], 'right': ['rest', 'right: lift']}
    segments = [
        Segment(0, 1, 'rest', None, 'left'), Segment(0, 2, 'rest', None, 'right'),
        Segment(1, 2, 'wave', None, 'left'),
        Segment(2, 3, 'right: lift', None, 'right'), Segment(2.5, 2.5, 'wave'),
    ]  # fmt: skip
    video = VideoSegments('take1', segments[:4], 2, 8, 'take1.mp4')
    project, table = tmp_path / 'a.boris', tmp_path / 'a.csv'
    write_boris(project, [video], classes)
    codes = ['left: rest', 'wave', 'right: rest', 'right: right: lift']
    behaviors = json.loads(project.read_text())['behaviors_conf'].values()
    assert [one['code'] for one in behaviors] == codes
    write_boris_events(table, [video], classes)
    rows = [(r['Behavior'], r['Behavioral category']) for r in read_table(table)]
    assert ('wave', 'left') in rows
    assert {code for code, _ in rows} == {*codes}
    for path in (project, table):
        (back,) = read_segments(path)
        assert [*back.segments] == segments[:4]
    # A point event has its name for itself.
    write_boris(project, [replace(video, segments=segments)], classes)
    (back,) = read_segments(project, point_seconds=0)
    assert [*back.segments] == segments


def test_elan_file_with_tiers_is_what_pympi_reads(tmp_path):
    pympi = pytest.importorskip('pympi')
    video = video_of(LABEL, np.full((4, 8), 0.5))
    write_elan(tmp_path / 'out.eaf', video, HANDS)
    eaf = pympi.Eaf(str(tmp_path / 'out.eaf'))
    assert eaf.get_annotation_data_for_tier('left hand') == [
        (0, 1000, 'reach'), (1000, 3000, 'rest'), (3000, 4000, 'reach')
    ]  # fmt: skip
    below = eaf.get_ref_annotation_data_for_tier('left hand: confidence')
    assert [row[:3] for row in below] == [
        (0, 1000, '0.500'), (1000, 3000, '0.500'), (3000, 4000, '0.500')
    ]  # fmt: skip
    words = eaf.get_controlled_vocabulary_names()
    assert list(words) == ['posture: classes', 'left hand: classes']


def test_tier_of_each_participant_is_one_tier_of_all(tmp_path):
    """Whatever its name; with several each, `@NAME` is left out of their names."""
    segments = [
        Segment(0, 1, 'rest', individual='ann'), Segment(0, 1, 'walk', individual='bob')
    ]  # fmt: skip
    video = VideoSegments('take1', segments, 10.0, 10, 'take1.mp4')
    path = tmp_path / 'take1.eaf'
    write_elan(path, video, ['rest', 'walk'])
    text = path.read_text('utf-8')
    path.write_text(text.replace('actions@ann', 'A').replace('actions@bob', 'B'))
    (back,) = read_segments(path, subject='each')
    assert {(s.individual, s.tier, s.label) for s in back.segments} == {
        ('ann', '', 'rest'), ('bob', '', 'walk'),
    }  # fmt: skip


def test_subtitles_of_several_individuals_name_them_and_do_not_overlap(tmp_path):
    ann, bob = Segment(0, 2, 'walk', individual='ann'), Segment(1, 3, 'sit')
    write_srt(tmp_path / 'a.srt', [ann, replace(bob, individual='bob')])
    blocks = (tmp_path / 'a.srt').read_text().strip().split('\n\n')
    assert [block.split('\n')[2:] for block in blocks] == [
        ['ann: walk'], ['ann: walk', 'bob: sit'], ['bob: sit']
    ]  # fmt: skip
