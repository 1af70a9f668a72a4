"""Which tiers the labels of a data set have."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmskelseg_io.converters.keypoint_videos import Labels
from mmskelseg_io.converters.label_tiers import find_tiers, frame_labels
from mmskelseg_io.inputs import LabelInput
from mmskelseg_io.labels import Segment
from mmskelseg_io.labels.segments import Ethogram
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.poses import Poses
from mmskelseg_io.structures.tiers import metainfo_of
from tests.errors import raises_naming

PATH = Path('labels.csv')


def labels(*segments, **more):
    """Return labels of a video; a segment is start, end, label and maybe tier."""
    made = [Segment(s, e, label, None, *tier) for s, e, label, *tier in segments]
    return Labels('take1', made, path=PATH, **more)


def found(*items, **given):
    """Return the classes of each tier, and the background."""
    meta = metainfo_of(find_tiers(items, LabelInput(**given)).tiers)
    return meta.get('tiers', meta['classes']), meta['background']


WALK_AND_SNIFF = labels((0, 2, 'walk'), (1, 3, 'sniff'), (3, 4, 'rest'), (4, 5, 'eat'))
BINARY = {
    'actions': ['no actions', 'eat', 'rest'],
    'sniff': ['no sniff', 'sniff'],
    'walk': ['no walk', 'walk'],
}


def test_classes_that_overlap_get_tiers_and_their_absence():
    tiers, background = found(WALK_AND_SNIFF)
    assert tiers == BINARY
    assert background == {name: f'no {name}' for name in tiers}


@pytest.mark.parametrize('overlap', ['error', 'later', 'background'])
def test_explicit_rule_keeps_one_tier(overlap):
    given = found(WALK_AND_SNIFF, overlap=overlap, background=['idle'])
    assert given == (['eat', 'rest', 'sniff', 'walk', 'idle'], 'idle')


@pytest.mark.parametrize(
    ('segments', 'overlaps'),
    [
        ([(0, 2, 'a'), (2, 3, 'b')], False),
        ([(0, 2.29, 'a'), (2, 3, 'b')], False),
        ([(0, 2.3, 'a'), (2, 3, 'b')], True),
        # A short event within another one is no imprecision.
        ([(0, 2, 'a'), (1, 1.1, 'b')], True),
        ([(0, 0.1, 'a'), (0, 1.1, 'b')], True),
        ([(0, 2, 'a'), (1, 1, 'b')], False),
        ([(0, 2, 'a'), (1, 3, 'a'), (3, 4, 'b')], False),
    ],
)
def test_overlap_at_a_boundary_is_imprecision(segments, overlaps):
    tiers, _ = found(labels(*segments))
    assert isinstance(tiers, dict) == overlaps


@pytest.mark.parametrize(('background', 'count'), [
    (['other'], 1), (['no sniff'], 0), ([], 0),
])  # fmt: skip
def test_background_beside_an_absence_is_told(background, count):
    """JABS tells what is absent from what nobody has labelled."""
    jabs = labels((0, 2, 'sniff'), (2, 3, 'no sniff'))
    notes = find_tiers([jabs], LabelInput(background=background)).notes
    assert len(notes) == count
    assert all("--background 'no sniff'" in note for note in notes)


def test_tiers_are_those_of_all_videos():
    quiet = labels((0, 2, 'rest'), (2, 3, 'walk'))
    assert found(quiet)[0] == ['rest', 'walk']
    assert found(quiet, WALK_AND_SNIFF)[0] == BINARY


def ethogram(categories, *excluded):
    """Return what BORIS states; each of the groups excludes its members."""
    groups = [group.split() for group in excluded]
    return Ethogram(
        {name: key for key, names in categories.items() for name in names.split()},
        {a: frozenset(group) - {a} for group in groups for a in group},
    )


@pytest.mark.parametrize(
    ('stated', 'expected'),
    [
        # Greedily, in the order of the ethogram; who excludes nobody is alone.
        (
            ethogram({'': 'eat walk rest sniff'}, 'walk eat rest'),
            {'actions': ['eat', 'rest', 'walk'], 'sniff': ['no sniff', 'sniff']},
        ),
        (
            ethogram({'move': 'eat walk', '': 'rest sniff'}, 'walk eat', 'rest sniff'),
            {'move': ['eat', 'walk'], 'actions': ['rest', 'sniff']},
        ),
        # A category in which nothing overlaps is a tier.
        (
            ethogram({'move': 'walk rest', 'nose': 'sniff', '': 'eat'}),
            {
                'move': ['rest', 'walk'],
                'nose': ['no sniff', 'sniff'],
                'eat': ['no eat', 'eat'],
            },
        ),
        (
            ethogram({'busy': 'walk sniff eat', '': 'rest'}),
            {
                'walk': ['no walk', 'walk'],
                'sniff': ['no sniff', 'sniff'],
                'actions': ['no actions', 'eat', 'rest'],
            },
        ),
    ],
)
def test_boris_says_what_excludes_each_other(stated, expected):
    item = labels(
        *((s.start, s.end, s.label) for s in WALK_AND_SNIFF.segments), ethogram=stated
    )
    assert found(item)[0] == expected
    quiet = labels((0, 2, 'rest'), (2, 3, 'walk'), ethogram=stated)
    assert found(quiet)[0] == ['rest', 'walk']


HANDS = labels(
    (0, 2, 'rest', 'left'), (2, 3, 'reach', 'left'), (0, 3, 'rest', 'right'),
    (0, 3, 'hold', 'right'),
)  # fmt: skip


def test_tiers_of_a_file_are_kept():
    """A tier that only one video has, too; overlaps in it are for --overlap."""
    other = labels((0, 3, 'sit', 'posture'), (0, 3, 'rest', 'left'))
    tiers, background = found(HANDS, other, overlap='later', background=['rest'])
    assert tiers == {
        'left': ['reach', 'rest'],
        'right': ['hold', 'rest'],
        'posture': ['no sit', 'sit'],
    }
    assert background == {'left': 'rest', 'right': 'rest', 'posture': 'no sit'}


def test_lone_tier_is_none():
    one = labels((0, 1, 'a', 'actions'), (1, 2, 'b', 'actions'))
    assert found(one, labels((0, 2, 'b')))[0] == ['a', 'b']


def test_label_without_a_tier_has_the_one_that_knows_it():
    tiers = find_tiers([HANDS, labels((0, 3, 'reach'))], LabelInput())
    (placed,) = tiers.placed([Segment(0, 3, 'reach')])
    assert placed.name == 'left: reach'


@pytest.fixture
def stated(tmp_path):
    def write(content):
        path = tmp_path / 'tiers.json'
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_file_states_tiers_and_the_order_of_classes(stated):
    path = stated({'gait': ['walk', 'rest', 'eat'], 'sniff': ['sniff']})
    tiers, background = found(WALK_AND_SNIFF, tiers=path)
    assert tiers == {'gait': ['walk', 'rest', 'eat'], 'sniff': ['no sniff', 'sniff']}
    assert background == {'gait': None, 'sniff': 'no sniff'}
    one = stated({'all': ['walk', 'sniff', 'rest', 'eat']})
    assert found(WALK_AND_SNIFF, tiers=one) == (['walk', 'sniff', 'rest', 'eat'], None)


@pytest.mark.parametrize(
    ('content', 'given', 'named'),
    [
        ('{', {}, 'tiers.json | line 1, column 2'),
        ({}, {}, 'tiers.json | {"posture": ["stand", "sit"]'),
        ({'a': 'walk'}, {}, "tiers.json | a is 'walk'"),
        ({'a': []}, {}, "tiers.json: tier 'a' | []"),
        ({'a': ['walk', 'walk']}, {}, "tiers.json | 'a' | 'walk'"),
        ('{"a": ["walk"], "a": ["rest"]}', {}, "tiers.json | 'a'"),
        ({'a': ['w\x1b']}, {}, "tiers.json | 'a' | 'w\\x1b'"),
        (
            {'a': ['walk', 'eat', 'rest'], 'b': ['snif', 'x']},
            {},
            "tiers.json | 'sniff' | labels.csv | a, b | --tiers",
        ),
        (
            {'a': ['walk', 'eat', 'rest'], 'b': ['sniff', 'walk']},
            {},
            "tiers.json | 'walk' | labels.csv | a, b | --tiers",
        ),
        (
            {'a': ['walk', 'eat', 'rest'], 'b': ['sniff', 'x']},
            {'classes': ['walk']},
            '--classes | --tiers',
        ),
        (
            {'a': ['walk', 'eat', 'rest'], 'b': ['sniff', 'x']},
            {'background': ['c=walk']},
            "--background | 'c=walk' | a, b",
        ),
        (
            {'a': ['walk', 'eat', 'rest'], 'b': ['sniff']},
            {'background': ['sniff']},
            "--background sniff | 'b' | 'no sniff'",
        ),
        (
            {'a': ['no a', 'walk', 'eat', 'rest'], 'b': ['sniff']},
            {'background': ['idle']},
            '--background idle | a, b',
        ),
    ],
)
def test_contradiction_is_one_sentence(stated, content, given, named):
    with raises_naming(UserError, named):
        found(WALK_AND_SNIFF, tiers=stated(content), **given)


@pytest.mark.parametrize(
    ('items', 'given', 'named'),
    [
        ([HANDS, labels((0, 3, 'rest'))], {}, "'rest' | left, right | --tiers"),
        ([HANDS, labels((0, 3, 'x'))], {}, "'x' | labels.csv | --tiers"),
        ([WALK_AND_SNIFF], {'classes': ['walk']}, "'eat' | --classes (walk) | --tiers"),
        (
            [HANDS],
            {'classes': ['rest', 'reach', 'hold', 'x']},
            "'x' | --classes (rest, reach,",
        ),
        ([labels((0, 1, 'a'))], {'background': ['b', 'c']}, '--background | b, c'),
    ],
)
def test_labels_without_a_clear_tier_are_named(items, given, named):
    with raises_naming(UserError, named):
        found(*items, **given)


def test_classes_are_in_the_given_order():
    names = ['walk', 'sniff', 'rest', 'eat']
    tiers, _ = found(WALK_AND_SNIFF, classes=names, background=['idle'])
    assert tiers['actions'] == ['idle', 'rest', 'eat']


def test_background_is_that_of_the_tiers_that_have_it_or_of_one():
    item = labels(
        *((0, 3, name, tier) for name, tier in (('rest', 'l'), ('x', 'l'))),
        *((0, 3, name, tier) for name, tier in (('rest', 'r'), ('y', 'r'))),
        *((0, 3, name, tier) for name, tier in (('up', 'p'), ('down', 'p'))),
    )
    assert found(item)[1] is None
    _, background = found(item, background=['rest', 'p=none'])
    assert background == {'l': 'rest', 'r': 'rest', 'p': 'none'}
    tiers, background = found(item, background=['idle'])
    assert background == {'l': 'idle', 'r': 'idle', 'p': 'idle'}
    assert tiers['p'] == ['down', 'up', 'idle']


def framed(item, **given):
    """Return the class of each second of each tier, at 1 frame per second."""
    tiers = find_tiers([item], LabelInput(**given))
    poses = Poses(np.ones((1, 4, 17, 2)), np.ones((1, 4, 17)), 'coco17', (9, 9), 1)
    rows, *_ = frame_labels(item, poses, tiers, LabelInput(**given))
    assert rows.shape == (len(tiers.tiers), 4)
    return [
        [tier.classes[k] if k >= 0 else None for k in row]
        for tier, row in zip(tiers.tiers, rows, strict=True)
    ]


def test_unlabelled_frames_lack_what_may_hold_beside_others(stated):
    """They are ignored only where nothing at all is labelled."""
    item = labels((0, 2, 'up'), (1, 2, 'sniff'), (3, 4, 'down'))
    path = stated({'posture': ['up', 'down'], 'nose': ['sniff']})
    flags = '--unlabelled background (with --background)'
    with raises_naming(ValueError, 'tier posture', '2.000 to 3.000 s', flags):
        framed(item, tiers=path)
    with raises_naming(ValueError, 'tier posture', '2.000 to 3.000 s'):
        framed(item, tiers=path, unlabelled='background')
    assert framed(item, tiers=path, unlabelled='ignore') == [
        ['up', 'up', None, 'down'], ['no sniff', 'sniff', None, 'no sniff']
    ]  # fmt: skip
    filled = {'unlabelled': 'background', 'background': ['posture=none']}
    assert framed(item, tiers=path, **filled) == [
        ['up', 'up', 'none', 'down'], ['no sniff', 'sniff', 'no sniff', 'no sniff']
    ]  # fmt: skip


SPANS = st.tuples(st.integers(0, 7), st.integers(1, 4), st.sampled_from('abcde'))


@settings(deadline=None, max_examples=200)
@given(st.lists(SPANS, min_size=1, max_size=10), st.booleans())
def test_tiers_hold_what_overlapping_segments_hold(spans, has_categories):
    """In each second, the classes of all tiers are those of its segments."""
    stated = ethogram({'x': 'a b', 'y': 'c', '': 'd e'}) if has_categories else None
    item = labels(*((s, s + n, k) for s, n, k in spans), ethogram=stated)
    poses = Poses(np.ones((1, 12, 17, 2)), np.ones((1, 12, 17)), 'coco17', (9, 9), 1)
    tiers = find_tiers([item], LabelInput())
    chosen = LabelInput(unlabelled='ignore')
    rows = np.atleast_2d(frame_labels(item, poses, tiers, chosen)[0])
    for frame in range(12):
        held = {k for start, n, k in spans if start <= frame < start + n}
        there = {
            tier.classes[row[frame]]
            for tier, row in zip(tiers.tiers, rows, strict=True)
            if row[frame] >= 0
        }
        assert {name for name in there if not name.startswith('no ')} == held
        assert bool(there) == bool(held)


def test_absence_that_is_labelled_is_a_class_like_others():
    """As in files that were written from such tiers."""
    item = labels(
        (0, 4, 'up', 'posture'), (0, 1, 'no sniff', 'nose'), (1, 2, 'sniff', 'nose')
    )
    tiers, background = found(item)
    assert tiers == {'posture': ['no up', 'up'], 'nose': ['no sniff', 'sniff']}
    assert background == {'posture': 'no up', 'nose': 'no sniff'}
    assert framed(item, unlabelled='ignore')[0] == ['no sniff', 'sniff', None, None]


def test_file_replaces_the_tiers_that_labels_state(stated):
    """If it has none of their names, and each label in one tier."""
    content = {'posture': ['rest', 'walk'], 'gaze': ['look']}
    item = labels((0, 2, 'walk', 'a'), (2, 4, 'rest', 'a'), (1, 3, 'look', 'b'))
    tiers, _ = found(item, tiers=stated(content))
    assert tiers == {'posture': ['rest', 'walk'], 'gaze': ['no look', 'look']}


def test_single_class_of_a_single_tier_gets_its_absence(stated):
    item = labels((0, 2, 'sniff'))
    assert found(item, tiers=stated({'sniff': ['sniff']})) == (
        ['no sniff', 'sniff'], 'no sniff',
    )  # fmt: skip


def test_tier_whose_class_was_never_seen_keeps_it():
    """As in predictions of a rare behaviour."""
    item = labels((0, 2, 'walk', 'posture'), (0, 2, 'no sniff', 'sniff'))
    tiers, background = found(item)
    assert tiers['sniff'] == ['no sniff', 'sniff']
    assert background['sniff'] == 'no sniff'
