"""Labels of several individuals, in files as tools and people make them."""

import json

import pytest

from mmskelseg_io.labels import (
    Segment,
    VideoSegments,
    read_segments,
    write_csv_segments,
    write_elan,
    write_label_studio,
)
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.test_labels.test_readers import SAMPLES

#: Individual, tier, start, end and label.
ROWS = [
    ('ann', 'gaze', 0, 2, 'up'),
    ('ann', 'posture', 0, 1, 'sit'),
    ('bob', 'posture', 1, 2, 'sit'),
]


def rows_of(video):
    return sorted(
        (s.individual, s.tier, s.start, s.end, s.label) for s in video.segments
    )


def via(path, rows):
    """Write a project of VIA with an attribute for each tier of each individual."""
    names = sorted({f'{tier}@{who}' for who, tier, *_ in rows})
    own = {name: str(i) for i, name in enumerate(names)}
    project = {
        'attribute': {
            key: {'aname': name, 'anchor_id': 'FILE1_Z2_XY0', 'type': 1}
            for name, key in own.items()
        },
        'file': {'1': {'fname': 'take1.mp4'}},
        'view': {'1': {'fid_list': ['1']}},
        'metadata': {
            f'm{i}': {'vid': '1', 'z': [start, end], 'av': {own[f'{tier}@{who}']: text}}
            for i, (who, tier, start, end, text) in enumerate(rows)
        },
    }
    path.write_text(json.dumps(project))
    return {}


def cvat(path, rows):
    """Write tags of CVAT, on one frame per second, with an attribute of whose."""
    images = ''.join(
        f'<image id="{frame}">'
        + ''.join(
            f'<tag label="x"><attribute name="individual">{who}</attribute>'
            f'<attribute name="posture">{text}</attribute></tag>'
            for who, _, start, end, text in rows
            if start <= frame < end
        )
        + '</image>'
        for frame in range(4)
    )
    path.write_text(
        '<annotations><meta><task><id>1</id><source>take1.mp4</source></task></meta>'
        f'{images}</annotations>'
    )
    return {'fps': 1, 'attribute': ['posture']}


def label_studio(path, rows):
    segments = [Segment(s, e, text, 1, tier, who) for who, tier, s, e, text in rows]
    write_label_studio(path, [VideoSegments('take1', segments, 10.0)])
    return {'part': 'predictions'}


@pytest.mark.parametrize(
    ('name', 'write', 'rows'),
    [
        ('via.json', via, ROWS),
        ('via.json', via, [(who, '', *rest) for who, _, *rest in ROWS[1:]]),
        ('cvat.xml', cvat, ROWS[1:]),
        ('tasks.json', label_studio, ROWS),
        # One of them has no name, and the same tier.
        ('tasks.json', label_studio, [*ROWS[1:2], ('', 'posture', 1, 2, 'up')]),
        ('tasks.json', label_studio, [('', '', 1, 2, 'up'), ('ann', '', 0, 1, 'sit')]),
    ],
)
def test_individuals_are_read_together_or_alone(tmp_path, name, write, rows):
    path = tmp_path / name
    options = write(path, rows)
    (video,) = read_segments(path, subject='each', **options)
    keeps = len({tier for _, tier, *_ in rows}) > 1 or write is cvat
    expected = [(who, tier * keeps, *rest) for who, tier, *rest in rows]
    assert rows_of(video) == sorted(expected)
    (video,) = read_segments(path, subject='ann', **options)
    assert [row[2:] for row in rows_of(video)] == [
        row[2:] for row in expected if row[0] == 'ann'
    ]
    assert {segment.individual for segment in video.segments} == {''}
    with raises_naming(UserError, path, "'eve'", *(repr(who) for who, *_ in rows)):
        read_segments(path, subject='eve', **options)
    if ('bob', *ROWS[2][1:]) in rows:
        with raises_naming(UserError, path, "'ann', 'bob'", 'subject=', 'each'):
            read_segments(path, **options)


@pytest.mark.parametrize(
    ('name', 'write'), [('via.json', via), ('tasks.json', label_studio)]
)
def test_tiers_of_one_individual_need_no_option(tmp_path, name, write):
    path = tmp_path / name
    options = write(path, ROWS[:2])
    (video,) = read_segments(path, **options)
    assert {s.tier for s in video.segments} == {'gaze', 'posture'}
    assert {s.individual for s in video.segments} == {''}


@pytest.mark.parametrize(
    ('name', 'write', 'option'),
    [('via.json', via, 'attribute'), ('tasks.json', label_studio, 'control')],
)
def test_tiers_are_named_with_and_without_whose_they_are(tmp_path, name, write, option):
    path = tmp_path / name
    # In VIA, each segment needs one of the attributes.
    options = write(path, ROWS[1:] if write is via else ROWS)
    names = ['posture@ann', 'posture@bob']
    (video,) = read_segments(path, **options, **{option: names})
    assert {s.tier for s in video.segments} == {*names}
    (video,) = read_segments(path, **options, subject='each', **{option: 'posture'})
    assert [s.individual for s in video.segments] == ['ann', 'bob']


def test_tracks_of_cvat_that_touch_are_of_whom_they_say(tmp_path):
    """Joined into one if nobody asks whose they are, as without the attribute."""
    text = (SAMPLES / 'cvat_video.xml').read_text()
    action = '<attribute name="action">'
    path = tmp_path / 'cvat.xml'
    whose = '<attribute name="individual">ann</attribute>'
    path.write_text(text.replace(action, whose + action))
    plain = read_segments(SAMPLES / 'cvat_video.xml', fps=25)
    assert read_segments(path, fps=25) == plain
    half = text.partition('<box frame="32"')
    text = half[0].replace(action, whose + action) + ''.join(half[1:])
    path.write_text(text)
    assert read_segments(path, fps=25) == plain
    (video,) = read_segments(path, fps=25, subject='each')
    assert rows_of(video) == [
        ('', '', 1.28, 2.52, 'person'), ('', '', 3, 4, 'person'),
        ('ann', '', 0, 1.28, 'person'),
    ]  # fmt: skip


def test_videos_of_a_table_that_do_not_fit_are_left_out_with_a_note(tmp_path):
    path, notes = tmp_path / 'all.csv', []
    one = [Segment(0, 1, 'sit', individual='ann')]
    both = [*one, Segment(1, 2, 'up', individual='bob', target='ann')]
    write_csv_segments(path, [VideoSegments('a', one), VideoSegments('b', both)])
    (video,) = read_segments(path, notes=notes)
    assert (video.name, video.segments) == ('a', one)
    assert f"{path}: 1 of 2 videos are left out: 'b' (" in notes[0]
    assert "'ann', 'bob'" in notes[0]
    with raises_naming(UserError, path, "'b'", "'ann', 'bob'", 'subject=NAME'):
        read_segments(path, strict=True)
    (video,) = read_segments(path, subject='bob', notes=notes)
    assert (video.name, rows_of(video)) == ('b', [('', '', 1, 2, 'up')])
    assert "'a' (" in notes[1]
    assert len(read_segments(path, subject='each')[1].segments) == 2


def test_tiers_of_elan_of_one_participant_are_not_called_after_it(tmp_path):
    path = tmp_path / 'take1.eaf'
    segments = [Segment(s, e, text, 1, tier, 'ann') for _, tier, s, e, text in ROWS]
    classes = {'gaze': ['up'], 'posture': ['sit']}
    write_elan(path, VideoSegments('take1', segments), classes)
    (video,) = read_segments(path)
    assert {s.tier for s in video.segments} == {'gaze', 'posture'}


def test_table_without_individuals_is_not_asked_for_one(tmp_path):
    path = tmp_path / 'take1.csv'
    write_csv_segments(path, [VideoSegments('take1', [Segment(0, 1, 'sit')])])
    with raises_naming(UserError, path, 'subject=ann'):
        read_segments(path, subject='ann')


def test_tiers_of_elan_of_several_participants_are_read_if_they_are_named(tmp_path):
    segments = [Segment(s, e, text, 1, tier, who) for who, tier, s, e, text in ROWS]
    path = tmp_path / 'take1.eaf'
    classes = {'gaze': ['up'], 'posture': ['sit']}
    write_elan(path, VideoSegments('take1', segments), classes)
    with raises_naming(UserError, path, "'ann', 'bob'", 'subject=NAME'):
        read_segments(path)
    (video,) = read_segments(path, tier=['posture@ann', 'posture@bob'])
    assert {s.tier for s in video.segments} == {'posture@ann', 'posture@bob'}
    (video,) = read_segments(path, subject='bob')
    assert rows_of(video) == [('', 'posture', 1, 2, 'sit')]


def test_label_studio_cannot_hold_a_name_with_its_separator(tmp_path):
    one = Segment(0, 1, 'sit', individual='ann@home')
    with raises_naming(UserError, "'take1'", "'ann@home'"):
        write_label_studio(tmp_path / 'a', [VideoSegments('take1', [one], 10.0)])
    assert not (tmp_path / 'a').exists()
