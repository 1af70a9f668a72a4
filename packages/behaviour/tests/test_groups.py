"""Groups, individuals and pairs of recordings."""

import pytest

from mmskelseg_behaviour.groups import Member, read_groups
from tests.errors import raises_naming


def test_groups_name_videos_with_or_without_their_suffix(tmp_path):
    path = tmp_path / 'groups.csv'
    path.write_text('video;group;sex\na.mp4;x;f\nb;y;m\n')
    assert read_groups(path, ['a', 'b']) == {
        'a': Member('x', 'a'),
        'b': Member('y', 'b'),
    }


def test_groups_name_individuals_whatever_the_case_of_the_column(tmp_path):
    """Else two recordings of an animal would count as two animals."""
    path = tmp_path / 'groups.csv'
    path.write_text('Video,Group,Individual\na,x,1\nb,x,1\nc,y,2\n')
    found = read_groups(path, ['a', 'b', 'c'])
    assert found == {
        'a': Member('x', '1'),
        'b': Member('x', '1'),
        'c': Member('y', '2'),
    }


def test_pairs_are_equal_in_a_column(tmp_path):
    path = tmp_path / 'groups.csv'
    path.write_text('video,group,Litter\na,x,7\nb,y,7\n')
    assert read_groups(path, ['a', 'b'], 'Litter') == {
        'a': Member('x', 'a', '7'),
        'b': Member('y', 'b', '7'),
    }


def test_individual_may_be_paired_with_itself(tmp_path):
    path = tmp_path / 'groups.csv'
    path.write_text('video,group,individual\na,x,7\nb,y,7\nc,x,7\n')
    found = read_groups(path, ['a', 'b', 'c'], 'individual')
    assert found['a'] == found['c'] == Member('x', '7', '7')
    assert found['b'] == Member('y', '7', '7')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('a,x,1\nb,y,1\nc,x,1', ['line 4', "'1'", "'a'", "'c'", "'x'"]),
        ('a,x,1\nb,y,1\nc,z,1', ['x, y, z']),
        ('a,x,1\nb,y,\nc,x,2', ['line 3', 'litter', "'b'"]),
        ('a,x,1\nb,y,2\nc,x,3', ['no litter', 'x, y', '--paired']),
    ],
)
def test_pairs_that_are_none_are_named(tmp_path, text, words):
    path = tmp_path / 'groups.csv'
    path.write_text(f'video,group,litter\n{text}\n')
    with raises_naming(ValueError, path, *words):
        read_groups(path, ['a', 'b', 'c'], 'litter')


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('name,group\na,x\nb,y', ['name, group', 'video']),
        ('video,group\na,x\nc,y', ['line 3', "'c'", "['a', 'b']"]),
        ('video,group\na,x\na.avi,y', ['line 3', "'a.avi'", 'twice']),
        ('video,group\na,x\nb,', ['line 3', "'b'"]),
        ('video,group\na,x', ["'b'", 'only the files']),
        ('video,group\na,x\nb,x', ["'x'"]),
        ('video,group,individual\na,x,1\nb,y,1', ['line 3', "'1'", "'x'", "'y'"]),
    ],
)
def test_groups_that_cannot_be_compared_are_named(tmp_path, text, words):
    path = tmp_path / 'groups.csv'
    path.write_text(text)
    with raises_naming(ValueError, path, *words):
        read_groups(path, ['a', 'b'])
