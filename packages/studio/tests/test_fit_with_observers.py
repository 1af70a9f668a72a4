"""People beside a model, worked out by hand, and labels of a second observer."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mmskelseg.automl.job import Fit
from mmskelseg.automl.observers import (
    FIRST,
    SECOND,
    Observers,
    find_observers,
)
from mmskelseg.automl.people import beside_people, disputed, sentences
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.labels import Segment
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_studio.ethogram import LabelTier
from mmskelseg_studio.project import Project
from tests.errors import raises_naming
from tests.small_data import small_annotations

META = {'classes': ['rest', 'walk'], 'background': 'rest'}
DATA = {'persons_known': True}
# Of ten frames, people agree in nine, kappa is 0.8; the model and the first in eight,
# 0.6; the model and the second in nine, (0.9 - 0.54) / 0.46, since the former say walk
# in 0.7 and 0.6 of them.
ANN, BOB, MODEL = '0000011111', '0000111111', '0001111111'
KAPPAS = [0.8, 0.6, 0.36 / 0.46]


def ids(text):
    return np.array([-1 if mark == '-' else int(mark) for mark in text])


def predicted(text):
    return Video(ids(text), ids(text), np.empty((2, len(text))))


def people_of(recordings, meta=META, persons=None):
    """Return the labels of people in recordings, as texts by observer."""
    labels = {
        name: {who: np.atleast_2d(ids(text)) for who, text in own.items()}
        for name, own in recordings.items()
    }
    return Observers(labels, tiers_of(meta), (), persons or {n: n for n in labels})


def compared(recordings, videos, **given):
    people = people_of(recordings, **given)
    return beside_people(people, videos, dict.fromkeys(recordings, 2.0))


def test_model_is_compared_on_the_frames_that_people_agree_or_differ_on():
    """Frames and recordings that one of them lacks count for nobody."""
    both = {FIRST: ANN + '1-', SECOND: BOB + '-0'}
    recordings = {'a': both, 'trained': both, 'b': {FIRST: '00', SECOND: '--'}}
    videos = {'a': predicted(MODEL + '01'), 'b': predicted('01')}
    (row,) = compared(recordings, videos)
    assert (row['recordings'], row['seconds'], row['persons']) == (['a'], 5.0, 1)
    assert [one['kappa'] for one in row['agreement']] == pytest.approx(KAPPAS)
    assert [one['acc'] for one in row['agreement']] == pytest.approx([90, 80, 90])
    # The bouts of walk have IoU of 5 / 6, 5 / 7 and 6 / 7.
    assert [one['f1@50'] for one in row['agreement']] == [100, 100, 100]
    # Of two classes, each against the rest is the same.
    assert row['classes'][1] == {
        'class': 'walk', 'bouts': [1, 1], 'kappa': pytest.approx(KAPPAS)
    }  # fmt: skip
    (said,) = sentences([row], DATA)
    assert said == (
        'Two observers agree to a kappa of 0.80, the model and the first to 0.60, the '
        'model and the second to 0.78 (1 recording, held out from the model). '
        'Whether the model agrees with people less than they do with each other cannot '
        'be told from 1 person; it takes 6.'
    )


@pytest.mark.parametrize('persons', [5, 6])
def test_difference_from_people_needs_six_persons(persons):
    """All favour people, by 0.8 less the mean of 0.6 and 0.78."""
    recordings = {str(i): {'ann': ANN, 'bob': BOB} for i in range(7)}
    who = {name: str(int(name) % persons) for name in recordings}
    videos = dict.fromkeys(recordings, predicted(MODEL))
    (row,) = compared(recordings, videos, persons=who)
    (said,) = sentences([row], DATA)
    assert 'observers (ann and bob) agree' in said
    if persons == 5:
        assert row['difference'] is None
        assert 'told from 5 persons; it' in said
        return
    mean = np.mean(KAPPAS[1:]) - 0.8
    assert row['difference']['mean'] == pytest.approx(mean)
    than = 'than they do with each other (mean difference of kappa'
    assert f'clearly less {than} {mean:.2f}' in said
    (other,) = compared(recordings, dict.fromkeys(videos, predicted(ANN)), persons=who)
    assert other['difference']['mean'] == pytest.approx(0.1)
    assert 'clearly more' in next(sentences([other], DATA))


def test_each_two_people_and_each_tier_are_compared():
    """Cat has labelled another recording with bob, which the model was trained on."""
    meta = {'tiers': {'feet': ['rest', 'walk'], 'hand': ['still', 'wave']}}
    labels = {
        'a': {'ann': np.stack([ids(ANN), ids('-' * 10)])},
        'b': {'cat': np.stack([ids(ANN)] * 2)},
    }
    labels['a']['bob'] = labels['b']['bob'] = np.stack([ids(BOB)] * 2)
    names = {name: name for name in labels}
    people = Observers(labels, tiers_of(meta), (), names)
    pred = np.stack([ids(MODEL)] * 2)
    videos = {'a': Video(pred, pred, np.empty((4, 10)))}
    rows = beside_people(people, videos, {'a': 1.0})
    assert [(row['tier'], *row['observers'], row['recordings']) for row in rows] == [
        ('feet', 'ann', 'bob', ['a']), ('hand', 'ann', 'bob', []),
        ('feet', 'bob', 'cat', []), ('hand', 'bob', 'cat', []),
    ]  # fmt: skip
    assert rows[0]['agreement'][0]['kappa'] == pytest.approx(0.8)
    first, second, *_ = sentences(rows, DATA)
    assert 'agree on feet to a kappa of 0.80, the model and ann to 0.60' in first
    assert 'no recording on hand that the model was held out from' in second


def test_one_class_has_no_kappa_and_says_so():
    videos = {'a': predicted('00')}
    (row,) = compared({'a': {FIRST: '00', SECOND: '00'}}, videos)
    (said,) = sentences([row], DATA)
    assert said == (
        'How far two observers agree has no kappa: all of it has one class.'
    )


def test_classes_that_people_do_not_agree_on_need_bouts():
    """Five bouts of one frame each, of which the other gives none, or three."""
    many, few = '0101010101', '0001010000'
    recordings = {'a': {'ann': many, 'bob': '0' * 10}}
    videos = {'a': predicted(many)}
    rows = compared(recordings, videos)
    assert disputed(rows) == {'walk': 0.0, 'rest': 0.0}
    rows = compared({'a': {'ann': few, 'bob': '0' * 10}}, videos)
    assert disputed(rows) == {}
    assert disputed(compared({'a': {'ann': many, 'bob': many}}, videos)) == {}


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Return the labels of observers, for a table of the second, or none."""
    monkeypatch.chdir(tmp_path)

    def run(data, table=None, **given):
        save_annotations(data, Path('a.pkl'))
        read = load_annotations('a.pkl', observers=True)
        if table is not None:
            Path('bob.csv').write_text(f'video,start,end,label\n{table}')
            given['second_observer'] = Path('bob.csv')
        job = Fit(ann_file=Path('a.pkl'), out=Path('model'), **given)
        names = [video['frame_dir'] for video in read['annotations']]
        return find_observers(job, read, {name: name for name in names})

    return run


def test_second_observer_is_read_at_the_rate_of_the_data(found):
    """At 10 frames per second, of which the first begins at 0, and 60 in all."""
    people = found(
        small_annotations(), 'video_0,0,0.4,class_0\nvideo_0,0.4,2,class_2\n'
    )
    assert [*people.labels] == ['video_0']
    own = people.labels['video_0']
    assert own[SECOND].tolist() == [[0] * 4 + [2] * 16 + [-1] * 40]
    assert own[FIRST].shape == (1, 60)
    (note,) = people.notes
    assert note == (
        'in the comparison of observers, a.pkl alone has 2 recordings, left out: '
        'video_1, video_2'
    )


def test_second_observer_may_have_labelled_in_the_studio(found):
    """The folder of a project stands for it."""
    project = Project(Path('studio.json'), [LabelTier.of('', ['class_0', 'class_2'])])
    segments = [Segment(0, 0.4, 'class_0'), Segment(0.4, 2, 'class_2')]
    project.add_recording('video_0', 60, 10.0, segments)
    project.save()
    people = found(small_annotations(), second_observer=Path())
    (row,) = people.labels['video_0'][SECOND]
    assert row.tolist() == [0] * 4 + [2] * 16 + [-1] * 40


def test_second_observer_may_use_other_classes_and_leave_out_the_background(found):
    data = small_annotations()
    data['metainfo']['background'] = 'class_1'
    people = found(data, 'video_0,0,1,class_0\nvideo_0,2,7,jump\n')
    (row,) = people.labels['video_0'][SECOND]
    assert row.tolist() == [0] * 10 + [1] * 10 + [3] * 40
    assert people.tiers[0].classes == ('class_0', 'class_1', 'class_2', 'jump')
    assert people.tiers[0].background == 1
    notes = '\n'.join(people.notes)
    assert "'jump' of bob.csv is no class of a.pkl, so nobody agrees on it" in notes
    assert "where bob.csv has no label, its observer is taken to say 'class_1'" in notes
    assert "'video_0' is 6.00 s long, but 7.00 s in bob.csv" in notes
    # The model is right where it says 0, since it doesn't know jump.
    pred = {'video_0': predicted('0' * 60)}
    (row,) = beside_people(people, pred, {'video_0': 10.0})
    assert row['classes'][3] == {
        'class': 'jump', 'bouts': [0, 1], 'kappa': [0.0, None, 0.0]
    }  # fmt: skip


def test_second_observer_need_not_state_tiers(found):
    """A class that one tier has is of that tier, and nobody labelled the other."""
    data = small_annotations()
    tiers = {'posture': ['stand', 'sit', 'lie'], 'hand': ['rest', 'wave']}
    data['metainfo'] |= {'tiers': tiers, 'background': {'hand': 'rest'}}
    del data['metainfo']['classes']
    for video in data['annotations']:
        video['label'] = np.stack([video['label'], video['label'] % 2])
    people = found(data, 'video_1,0,2,sit\nvideo_1,1,2,wave\n')
    posture, hand = people.labels['video_1'][SECOND]
    assert posture.tolist() == [1] * 20 + [-1] * 25
    assert hand.tolist() == [0] * 10 + [1] * 10 + [0] * 25
    with raises_naming(ValueError, "bob.csv | 'video_1' | 'fly' | posture, hand"):
        found(data, 'video_1,0,2,sit\nvideo_1,1,2,wave\nvideo_1,2,3,fly\n')


def test_labels_that_are_moved_are_said(found):
    data = small_annotations([600, 50])
    label = data['annotations'][0]['label']
    cuts = [0, *np.flatnonzero(np.diff(label)) + 1, 600]
    rows = [
        f'video_0,{start / 10 + 0.3},{min(end / 10 + 0.3, 60)},class_{label[start]}\n'
        for start, end in pairwise(cuts)
    ]
    notes = '\n'.join(found(data, ''.join(rows)).notes)
    assert 'if all labels of the second were 3 frames earlier' in notes


def test_observers_of_the_annotation_file_need_no_other(found):
    """Unless another file is given; there are none if a recording has only one."""
    data = small_annotations()
    assert not found(data).labels
    own = data['annotations'][0]
    own['observers'] = {'ann': own['label']}
    assert not found(data).labels
    own['observers']['bob'] = np.append(2, own['label'][1:])
    people = found(data)
    assert people.labels['video_0']['bob'].tolist() == [
        own['observers']['bob'].tolist()
    ]
    (note,) = people.notes
    assert note == '2 recordings without labels of several observers: video_1, video_2'
    assert [*found(data, 'video_0,0,6,class_0\n').labels['video_0']] == [FIRST, SECOND]


@pytest.mark.parametrize(
    ('table', 'named'),
    [
        ('x,0,1,class_0\ny,0,1,class_0\n', 'a.pkl: video_0, | bob.csv: x, y'),
        ('video_0,0,1,Class_0\n', "bob.csv | 'Class_0' | a.pkl | 'class_0'"),
        ('video_0,2,1,class_0\n', "bob.csv | 'class_0' | 1"),
        (
            'video_0,0,2,class_0\nvideo_0,1.9,3,class_1\n',
            "bob.csv | 'video_0' | 'class_1'",
        ),
    ],
)
def test_what_cannot_be_compared_is_named(found, table, named):
    with raises_naming(ValueError, named):
        found(small_annotations(), table)


def test_missing_file_of_the_second_observer_is_named(found):
    with raises_naming(ValueError, 'none.csv'):
        found(small_annotations(), second_observer=Path('none.csv'))
