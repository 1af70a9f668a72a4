"""Which intervals are suggested, by hand, and what becomes of them in other tools."""

import json
import math
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from mmskelseg.commands.suggest import TOOLS
from mmskelseg.datasets.drafts import drafts, write_suggestions
from mmskelseg.datasets.intervals import Interval, read_intervals
from mmskelseg.datasets.suggestions import (
    CRITERIA,
    IntervalRanking,
    frame_values,
    intervals_of,
    totals_of_videos,
)
from mmskelseg_io.labels import read_segments, segments_to_labels
from mmskelseg_io.labels.writing import write_recordings
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import flat_classes
from tests.errors import raises_naming


def prediction(name, predicted, certainty, *, fps=10.0, num_classes=3, **more):
    """Return a prediction whose class has a probability of its own in each frame."""
    predicted = np.asarray(predicted)
    certainty = np.broadcast_to(np.asarray(certainty, float), predicted.shape)
    score = np.tile((1 - certainty) / (num_classes - 1), (num_classes, 1))
    score[predicted, np.arange(predicted.size)] = certainty
    entropy = -(score * np.log(np.maximum(score, 1e-12))).sum(axis=0)
    return {
        'frame_dir': name, 'fps': fps, 'total_frames': predicted.size,
        'pred_label': predicted, 'pred_score': score, 'pred_entropy': entropy, **more,
    }  # fmt: skip


ONLY = dict.fromkeys(CRITERIA, 0.0)


def test_values_of_frames_by_hand():
    """Two members that are sure of different classes disagree as much as they can.

    In the first frame both give 1/2, so that all uncertainty is their own. In the
    second one says the one class and the other the other: as uncertain, but each has
    an entropy of 0. In the third both are sure.
    """
    score = np.array([[0.5, 0.5, 1.0], [0.5, 0.5, 0.0]])
    entropy = np.array([math.log(2), 0.0, 0.0])
    values = frame_values(score, entropy, np.array([0, 0, 0]), 1.0)
    np.testing.assert_allclose(values[0], [0, 1, 0], atol=1e-9)
    np.testing.assert_allclose(values[1], [1, 1, 0], atol=1e-9)
    assert values[2].tolist() == [0, 0, 0]


def test_closeness_to_a_boundary_by_hand():
    """Half a frame beside it, at two frames a second, it is 1 - 1/4."""
    label = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    near = frame_values(np.full((2, 10), 0.5), np.zeros(10), label, 2.0)[2]
    np.testing.assert_allclose(near, [0, 0, 0.25, 0.75, 0.75, 0.25, 0, 0, 0, 0])


def test_most_uncertain_interval_comes_first():
    """The second half of the video is unsure; the next interval does not overlap."""
    label = np.zeros(400, int)
    certainty = np.where(np.arange(400) < 200, 1.0, 0.4)
    ranking = IntervalRanking(['a', 'b', 'c'], interval=10)
    ranking.add(prediction('v', label, certainty))
    first, second = ranking.choose(20 / 60, {**ONLY, 'uncertainty': 1})
    assert (first.start, first.end) == (20, 30)
    assert (second.start, second.end) == (30, 40)
    # Starts are 2.5 s apart: 5 sure, 3 parts of 3/4, 1/2 and 1/4, and 5 unsure ones.
    assert first.score == pytest.approx(1 / ((0.25 + 0.5 + 0.75 + 5) / 13))
    assert first.reason == 'the model is unsure (2.0 times the average)'
    assert first.values['disagreement'] == 0


def test_budget_is_not_exceeded():
    ranking = IntervalRanking(['a', 'b', 'c'], interval=10)
    for name in 'vw':
        ranking.add(prediction(name, np.zeros(400, int), 0.5))
    chosen = ranking.choose(35 / 60)
    assert sum(item.end - item.start for item in chosen) == 30
    spans = sorted((item.video, item.start, item.end) for item in chosen)
    for (video, _, end), (other, start, _) in pairwise(spans):
        assert video != other or end <= start


def test_labelled_frames_are_not_suggested():
    """The class that has labels is less rare."""
    label = np.full(300, -1)
    label[:100] = 0
    ranking = IntervalRanking(['a', 'b', 'c'], interval=10)
    predicted = np.repeat([0, 0, 1], 100)
    ranking.add(prediction('v', predicted, 1.0, label=label))
    chosen = ranking.choose(1, {**ONLY, 'rarity': 1})
    assert [(item.start, item.end) for item in chosen] == [(20, 30), (10, 20)]
    assert chosen[0].classes == ['b']
    assert chosen[0].reason.startswith('rare classes such as b')
    # 10 labelled seconds of the one: m = 10/3, so that it counts 1/4, the other 1, and
    # in between 1/4, 7/16, 5/8, 13/16 and 1, whose mean is 5/8.
    assert chosen[0].score == pytest.approx(1 / 0.625)


def test_chosen_intervals_make_their_class_less_rare():
    ranking = IntervalRanking(['a', 'b', 'c'], interval=10)
    ranking.add_labels(np.zeros(900, int), 10.0)
    for name, k in (('v', 1), ('w', 1), ('x', 2)):
        ranking.add(prediction(name, np.full(100, k), 1.0))
    chosen = ranking.choose(20 / 60, {**ONLY, 'rarity': 1})
    assert [item.classes for item in chosen] == [['b'], ['c']]


def test_gaps_and_short_videos_are_intervals_as_they_are():
    """Gaps of less than a second are left out, short videos are not."""
    label = np.array([-1] * 30 + [0] * 5 + [-1] * 9 + [0])
    assert intervals_of(label, 10, 10) == [(0, 30)]
    assert intervals_of(np.full(4, -1), 10, 10) == [(0, 4)]
    assert intervals_of(np.zeros(4, int), 10, 10) == []


@pytest.mark.parametrize(
    ('weights', 'named'),
    [
        ({'luck': 1}, 'luck=1 | disagreement'),
        ({'rarity': -1}, 'rarity=-1'),
        ({'rarity': 'much'}, "rarity='much'"),
        (ONLY, 'all are 0'),
    ],
)
def test_wrong_weights_are_named(weights, named):
    ranking = IntervalRanking(['a', 'b', 'c'])
    ranking.add(prediction('v', np.zeros(100, int), 0.5))
    with raises_naming(UserError, 'weights', named):
        ranking.choose(1, weights)


@pytest.mark.parametrize('value', [-1, 0, math.nan])
def test_durations_are_above_0(value):
    with raises_naming(UserError, f'interval={value}, '):
        IntervalRanking(['a'], interval=value)
    with raises_naming(UserError, f'budget={value}, '):
        IntervalRanking(['a']).choose(value)


def partly_labelled():
    """Return a ranking of a video that is labelled in part, and of another one."""
    label = np.full(600, -1)
    label[:100], label[100:150] = 0, 2
    ranking = IntervalRanking(['walk', 'lift', 'put down'], interval=10)
    predicted = np.repeat([0, 1, 2, 1, 0, 2], 100)
    ranking.add(prediction('v', predicted, 0.6, label=label, filename='v.mp4'))
    ranking.add(prediction('w', np.repeat([1, 2], 80), 0.5))
    return ranking


def test_drafts_for_a_second_look_keep_the_labels():
    ranking = IntervalRanking(['a', 'b', 'c'], interval=10, ignore_labels=True)
    label = np.repeat([0, -1], 50)
    ranking.add(prediction('v', np.ones(100, int), 0.5, label=label))
    chosen = ranking.choose(1)
    assert (chosen[0].start_frame, chosen[0].end_frame) == (0, 100)
    (video,) = drafts(ranking, chosen)
    found = [(s.start, s.end, s.label) for s in video.segments]
    assert found == [(0, 5, 'a'), (5, 10, 'b')]


@pytest.mark.parametrize('tool', ['boris', 'elan', 'label_studio'])
def test_drafts_come_back_as_labels_of_their_intervals(tool, tmp_path):
    """Together with the existing labels; marks state the reason and are no labels."""
    ranking = partly_labelled()
    chosen = ranking.choose(30 / 60)
    videos = drafts(ranking, chosen)
    files = write_recordings(TOOLS[tool], videos, ranking.classes, tmp_path)
    options = {'part': 'predictions'} if tool == 'label_studio' else {}
    read = {v.name: v for file in files for v in read_segments(file, **options)}
    assert set(read) == {item.video for item in chosen} == {'v', 'w'}
    for name, video in ranking.videos.items():
        expected = video.label.copy()
        for item in chosen:
            if item.video == name:
                part = slice(item.start_frame, item.end_frame)
                expected[part] = video.pred_label[part]
        found = segments_to_labels(
            read[name].segments, expected.size, 10.0, ranking.classes,
            missing='unlabelled',
        )  # fmt: skip
        np.testing.assert_array_equal(found, expected)
    text = files[0].read_text('utf-8')
    assert 'to label' in text or 'to_label' in text
    assert json.dumps(chosen[0].reason)[1:-1] in ''.join(
        file.read_text('utf-8') for file in files
    )


def test_marks_of_elan_are_a_tier_of_their_own(tmp_path):
    """Ids of annotations are unique, and marks need no class."""
    ranking = partly_labelled()
    videos = drafts(ranking, ranking.choose(30 / 60))
    for file in write_recordings(TOOLS['elan'], videos, ranking.classes, tmp_path):
        root = ElementTree.parse(file).getroot()
        ids = [a.get('ANNOTATION_ID') for a in root.iterfind('.//*[@ANNOTATION_ID]')]
        assert len(ids) == len(set(ids))
        last = root.findtext("HEADER/PROPERTY[@NAME='lastUsedAnnotationId']")
        assert max(int(i[1:]) for i in ids) == int(last)
        (tier,) = root.iterfind("TIER[@TIER_ID='to label']")
        types = {
            t.get('LINGUISTIC_TYPE_ID'): t for t in root.iterfind('LINGUISTIC_TYPE')
        }
        kind = types[tier.get('LINGUISTIC_TYPE_REF')]
        assert kind.get('CONTROLLED_VOCABULARY_REF') is None
        (video,) = read_segments(file, tier='to label')
        assert [mark.label for mark in video.segments] == [
            mark.label for v in videos if v.name == video.name for mark in v.marks
        ]


def test_suggestions_are_a_table_and_intervals_of_a_data_set(tmp_path):
    ranking = partly_labelled()
    chosen = ranking.choose(30 / 60)
    write_suggestions(chosen, tmp_path, model='mine.py')
    rows = (tmp_path / 'suggestions.csv').read_text().splitlines()
    assert rows[0].startswith('rank,video,start,end,start_frame,end_frame,score,dis')
    assert len(rows) == 1 + len(chosen)
    assert read_intervals(tmp_path / 'suggestions.json') == [
        Interval(item.video, item.start_frame, item.end_frame) for item in chosen
    ]
    assert json.loads((tmp_path / 'suggestions.json').read_text())['model'] == 'mine.py'
    assert sum(seconds for _, seconds, _ in totals_of_videos(chosen)) == pytest.approx(
        sum(item.end - item.start for item in chosen)
    )


def test_intervals_of_tiers_have_drafts_of_each():
    """A frame that lacks the label of one tier is suggested, and only that is drafted.

    Entropies of tiers are added: two uniform ones are as unsure as one.
    """
    tiers = {'posture': ['stand', 'sit'], 'gaze': ['up', 'down', 'away']}
    score = np.concatenate([np.full((2, 40), 1 / 2), np.full((3, 40), 1 / 3)])
    label = np.zeros((2, 40), np.int64)
    label[1, 10:] = IGNORED
    found = np.stack([np.zeros(40, np.int64), np.repeat([0, 2], 20)])
    ranking = IntervalRanking(flat_classes(tiers), 6.0, tiers=tiers)
    ranking.add(
        {
            'frame_dir': 'a', 'fps': 5.0, 'total_frames': 40, 'label': label,
            'pred_score': score, 'pred_label': found, 'pred_entropy': np.zeros(40),
            'person': 'ann', 'people': ['ann', 'bob'],
        }
    )  # fmt: skip
    suggestions = ranking.choose(1.0)
    assert min(item.start_frame for item in suggestions) == 10
    assert {name for item in suggestions for name in item.classes} == {
        'posture: stand', 'gaze: up', 'gaze: away',
    }  # fmt: skip
    unsure = frame_values(score, np.zeros(40), found, 5.0, [2, 3])[1]
    np.testing.assert_allclose(unsure, 1)
    (video,) = drafts(ranking, suggestions)
    assert {segment.individual for segment in video.segments} == {'ann'}
    posture = [s for s in video.segments if s.tier == 'posture']
    assert [(s.start, s.end, s.score) for s in posture] == [(0, 8, None)]
    gaze = {(s.start, s.end, s.label) for s in video.segments if s.tier == 'gaze'}
    assert gaze == {(0, 2, 'up'), (2, 4, 'up'), (4, 8, 'away')}
