"""Who is held out, and who is in which video."""

import re

import numpy as np
import pytest

from mmskelseg.automl.fit import _read as read_data
from mmskelseg.automl.folds import FitData, fold_splits, half, inner_folds
from mmskelseg.automl.job import Fit
from mmskelseg_io.files.annotations import save_annotations
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.persons import persons_of
from tests.errors import raises_naming
from tests.small_data import small_annotations


def videos(*names, **extra):
    label = np.zeros(10, np.int64)
    return [{'frame_dir': name, 'label': label, **extra} for name in names]


@pytest.mark.parametrize(
    ('names', 'persons'),
    [
        ('P03_cam1 P03_cam2 p4_cam1', 'p03 p03 p4'),
        ('take1_mouse-2 take2_mouse-2 take1_mouse-3', 'mouse-2 mouse-2 mouse-3'),
        # Every name differs, so nothing is shared.
        ('s1 s2 s3', 's1 s2 s3'),
        # Not every name tells.
        ('P1_a P1_b walk', 'P1_a P1_b walk'),
        ('seq1_a seq1_b seq2_a', 'seq1_a seq1_b seq2_a'),
        # What all share is no person.
        ('s1_P1_a s1_P1_b s1_P2', 'p1 p1 p2'),
        # One part is the session, so nobody may be on both sides by either.
        ('s1_P1 s1_P2 s2_P3 s2_P4', 's1 s1 s2 s2'),
        ('s01_P1 s01_P2 s02_P1 s02_P3', 's01 s01 s01 s01'),
        ('s1_P1 s2_P2 s3_P3', 's1_P1 s2_P2 s3_P3'),
    ],
)
def test_names_tell_persons(names, persons):
    found, _ = persons_of(videos(*names.split()))
    assert found == dict(zip(names.split(), persons.split(), strict=True))


def test_names_with_several_parts_ask_which_tells_the_person():
    _, reason = persons_of(videos('s01_P1', 's01_P2', 's02_P1'))
    for part in ("'s01', 'p1'", '--group-by'):
        assert part in reason


def test_file_states_persons():
    rows = [*videos('P1_a', person='x'), *videos('P1_b', person='y')]
    assert persons_of(rows)[0] == {'P1_a': 'x', 'P1_b': 'y'}


@pytest.mark.parametrize(
    ('recordings', 'groups'),
    [
        ({'a': 'xy', 'b': 'yz', 'c': 'vw'}, 'x x x x v v'),
        # The same pair everywhere.
        ({'a': 'xy', 'b': 'xy'}, 'a a b b'),
        # One individual alone.
        ({'a': 'x', 'b': 'x'}, 'x x'),
        ({'a': 'xy'}, 'a a'),
    ],
)
def test_individuals_of_a_recording_are_held_out_together(recordings, groups):
    rows = [
        row
        for recording, people in recordings.items()
        for who in people
        for row in videos(f'{recording}_{who}', person=who, video=recording)
    ]
    found, _ = persons_of(rows)
    assert list(found.values()) == groups.split()


def test_clips_of_a_recording_are_held_out_together():
    """Unless the file or their names tell who is seen."""
    clips = [*videos('a_0', 'a_9', part_of=('a', 0)), *videos('b_0', part_of=('b', 0))]
    assert persons_of(clips)[0] == {'a_0': 'a', 'a_9': 'a', 'b_0': 'b'}
    clips = [{**clip, 'person': 'x'} for clip in clips]
    assert len({*persons_of(clips)[0].values()}) == 1


def test_pattern_states_persons():
    pattern = re.compile(r'_(\w)$')
    assert persons_of(videos('1_a', '2_a'), pattern)[0] == {'1_a': 'a', '2_a': 'a'}
    with raises_naming(UserError, f'--group-by {pattern.pattern}: ', "'walk'"):
        persons_of(videos('1_a', 'walk'), pattern)


def test_folds_hold_out_whole_persons_once():
    persons = {f'v{i}': f'p{i % 5}' for i in range(12)}
    held = inner_folds(persons, {name: 10 + i for i, name in enumerate(persons)})
    assert len(held) == 3
    assert sorted(name for fold in held for name in fold) == sorted(persons)
    for fold in held:
        others = {persons[n] for n in persons if n not in fold}
        assert not others & {persons[n] for n in fold}
    assert max(map(len, held)) - min(map(len, held)) <= 2


def test_one_person_has_no_folds():
    assert inner_folds({'a': 'x', 'b': 'x'}, {'a': 1, 'b': 1}) == []


def test_half_of_the_labels_is_half_of_the_persons():
    rows = videos('a1', 'a2', 'b1', 'c1', 'd1')
    persons = {name['frame_dir']: name['frame_dir'][0] for name in rows}
    splits = dict(fold_splits(rows, persons))
    for i in (1, 2, 3):
        train, part = splits[f'fold{i}/train'], splits[f'half{i}/train']
        assert set(part) < set(train)
        assert splits[f'half{i}/test'] == splits[f'fold{i}/test']
        assert part == half(persons, train)


def test_folds_have_as_many_labels_not_frames():
    """Of a tier at least: the first person has most frames, and fewest labels."""
    rows = videos('a', 'b', 'c', 'd')
    for row, labelled in zip(rows, (10, 30, 50, 60), strict=True):
        row['label'] = np.full((2, 1000 if row['frame_dir'] == 'a' else 60), -1)
        row['label'][labelled % 20 // 10, :labelled] = 0
    persons = {row['frame_dir']: row['frame_dir'] for row in rows}
    splits = dict(fold_splits(rows, persons))
    assert [splits[f'fold{i}/test'] for i in (1, 2, 3)] == [['d'], ['c'], ['a', 'b']]


@pytest.mark.parametrize(
    ('split', 'words', 'train', 'test'),
    [
        ({}, {}, 'abc', ''),
        ({'train': 'a', 'test': 'c'}, {}, 'a', 'c'),
        ({'train': 'a', 'val': 'b'}, {}, 'a', 'b'),
        ({'test': 'c'}, {}, 'ab', 'c'),
        ({'xsub_train': 'a', 'xsub_val': 'bc'}, {}, 'a', 'bc'),
        ({'x/train': 'a', 'x/test': 'bc'}, {}, 'abc', ''),
        ({'x/train': 'a', 'x/test': 'bc'}, {'fold': 'x'}, 'a', 'bc'),
        ({'train': 'a', 'mine': 'b'}, {'train': 'mine'}, 'b', ''),
        ({'train': 'a', 'mine': 'b'}, {'test': 'mine'}, 'a', 'b'),
    ],
)
def test_training_and_test_videos_of_a_fit(split, words, train, test, tmp_path):
    data = small_annotations()
    names = dict(zip('abc', data['annotations'], strict=True))
    for name, video in names.items():
        video['frame_dir'] = name
    data['split'] = {k: [*v] for k, v in split.items()} or {'all': [*names]}
    save_annotations(data, tmp_path / 'a.pkl')
    job = Fit(ann_file=tmp_path / 'a.pkl', out=tmp_path / 'model', **words)
    found = read_data(job)[0].split
    assert ''.join(found['train']) == train
    assert ''.join(found.get('test', ())) == test


def clips_of(persons):
    """Return annotations of two clips of each person, whose actions differ."""
    data = small_annotations([20] * 2 * len(persons))
    for i, video in enumerate(data['annotations']):
        video |= {'label': np.full(20, i % 2), 'person': persons[i // 2]}
        video['keypoint'] += 1000 * i
    return data


@pytest.mark.parametrize('tested', [[], ['x'], ['recording']])
def test_held_out_clips_are_joined_into_recordings(tested):
    """Of one person each; only real recordings say how the model does on these."""
    data = clips_of([*'abcd', *tested])
    names = [video['frame_dir'] for video in data['annotations']]
    if tested == ['recording']:
        data['annotations'][-1]['label'] = np.arange(20) // 10
    persons = {v['frame_dir']: v['person'] for v in data['annotations'][:8]}
    before = FitData.of(data, names[:8], names[8:], persons)
    made = before.with_joined_clips()
    shown = {video['frame_dir']: video for video in made.videos}
    assert made.split['train'] == before.split['train']
    for fold in made.folds:
        train, test = (made.split[f'{fold}/{part}'] for part in ('train', 'test'))
        assert train == before.split[f'{fold}/train']
        held = {persons[name] for name in before.split[f'{fold}/test']}
        assert [made.persons[name] for name in test] == sorted(held)
        for name in test:
            assert sorted(shown[name]['label'].tolist()) == [0] * 20 + [1] * 20
            assert shown[name]['keypoint'].shape == (1, 40, 17, 2)
    assert ('nobody knows' in made.joined) == (tested != ['recording'])


def test_recordings_are_tested_as_they_are():
    data = small_annotations((60, 45, 50))
    names = [video['frame_dir'] for video in data['annotations']]
    own = FitData.of(data, names, [], {name: name for name in names})
    assert own.with_joined_clips() is own
    assert own.joined == ''
