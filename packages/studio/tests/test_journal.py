"""A file of a state and of steps: whole after each, whatever happens between."""

import json

import pytest

from mmskelseg_io.messages.errors import UserError
from mmskelseg_studio.journal import Journal
from tests.conftest import full_disk
from tests.errors import raises_naming


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / 'a.json', 'a test')


def whole():
    return {'whole': True}


def steps(journal):
    return [content for _, content in Journal(journal.path, 'a test').read()[1]]


def test_each_step_is_a_line(journal):
    journal.write({'a': 'é'})
    for i in range(3):
        journal.append({'i': i}, whole)
    state, found = journal.read()
    assert state == {'a': 'é'}
    assert [step for _, step in found] == [{'i': 0}, {'i': 1}, {'i': 2}]
    assert found[1][0] == f'{journal.path}: line 3'
    lines = journal.path.read_text('utf-8').splitlines()
    assert [json.loads(line) for line in lines] == [state, *steps(journal)]


def test_step_that_is_written_in_part_is_none(journal):
    """At whichever byte the power went."""
    journal.write({'a': 'é'})
    journal.append({'i': 0}, whole)
    before = journal.path.read_bytes()
    journal.append({'name': 'é'}, whole)
    after = journal.path.read_bytes()
    for length in range(len(before), len(after)):
        journal.path.write_bytes(after[:length])
        assert steps(journal) == [{'i': 0}]
    # Some file systems then leave zeros.
    journal.path.write_bytes(before + b'\0' * 9)
    assert steps(journal) == [{'i': 0}]


def test_state_may_lack_the_end_of_its_line(journal):
    journal.path.write_text('{"a": 1}')
    assert journal.read() == ({'a': 1}, [])


def test_step_after_a_failed_one_follows_a_whole_state(journal):
    journal.write({'a': 1})
    journal.append({'i': 0}, whole)
    with full_disk(), raises_naming(OSError, journal.path, 'No space'):
        journal.append({'i': 1}, whole)
    journal.append({'i': 2}, whole)
    assert journal.read()[0] == {'whole': True}
    assert steps(journal) == [{'i': 2}]


@pytest.mark.parametrize('change', ['gone', 'other', 'longer'])
def test_file_that_another_program_changed_is_written_anew(journal, change):
    journal.write({'a': 1})
    if change == 'gone':
        journal.path.unlink()
    elif change == 'other':
        other = journal.path.with_name('other')
        other.write_bytes(journal.path.read_bytes())
        other.replace(journal.path)
    else:
        journal.path.write_bytes(journal.path.read_bytes() + b'x')
    journal.append({'i': 0}, whole)
    assert journal.read()[0] == {'whole': True}
    assert steps(journal) == [{'i': 0}]


def test_link_in_place_of_the_file_is_replaced(journal, tmp_path):
    journal.write({'a': 1})
    (tmp_path / 'other').write_text('kept')
    journal.path.unlink()
    journal.path.symlink_to(tmp_path / 'other')
    journal.append({'i': 0}, whole)
    assert (tmp_path / 'other').read_text() == 'kept'
    assert not journal.path.is_symlink()


def test_damaged_line_is_named(journal):
    journal.path.write_text('{}\n{}\n{"a"}\n{}\n')
    with raises_naming(UserError, f'{journal.path}: line 3'):
        journal.read()
