"""What a command may replace in a folder: its own files, and never its inputs."""

import os

import pytest

from mmskelseg_io.files.atomic import atomic_write_text
from mmskelseg_io.files.outputs import LIST, Outputs, written_by
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming


@pytest.fixture
def run(tmp_path):
    """Write files of a text into a folder as a command; return what is outdated."""

    def write(text, *names, command='Say', inputs=()):
        outputs = Outputs(command, [tmp_path / 'out'], inputs)
        with written_by(outputs):
            for name in names:
                atomic_write_text(tmp_path / 'out' / name, text)
        return [path.relative_to(tmp_path / 'out').as_posix()
                for path in outputs.outdated()]  # fmt: skip

    return write


def test_own_files_are_replaced_and_outdated_ones_are_known(run, tmp_path):
    run('old', 'a.txt', 'pictures/b.txt', 'c.txt')
    (tmp_path / 'out' / 'c.txt').write_text('edited')
    assert run('new', 'a.txt') == ['pictures/b.txt']
    assert (tmp_path / 'out' / 'a.txt').read_text() == 'new'


def test_files_of_another_command_are_replaced_but_not_removed(run, tmp_path):
    """As `poses` and `convert` both write annotations."""
    run('old', 'a.txt', 'b.txt', command='Tell')
    assert run('new', 'a.txt') == []
    assert (tmp_path / 'out' / 'a.txt').read_text() == 'new'
    assert run('newer', 'c.txt', command='Tell') == ['b.txt']


@pytest.mark.parametrize('change', ['own', 'edited', 'link', 'list'])
def test_what_others_wrote_is_in_the_way(run, tmp_path, change):
    """Whoever made it, and whatever damage the list has."""
    file = tmp_path / 'out' / 'a.txt'
    if change != 'own':
        run('old', 'a.txt')
    if change in ('own', 'edited'):
        file.parent.mkdir(exist_ok=True)
        file.write_text('by hand')
    if change == 'link':
        file.rename(tmp_path / 'a.txt')
        file.symlink_to(tmp_path / 'a.txt')
    if change == 'list':
        (file.parent / LIST).write_bytes(b'[1]\n\xff\n["Say", "a.txt"]\n' + b'[' * 9999)
    before = file.read_text()
    with raises_naming(UserError, file):
        run('new', 'a.txt')
    assert file.read_text() == before


@pytest.mark.parametrize('spelling', ['same', 'hard', 'link', 'dots', 'folder'])
def test_inputs_are_never_overwritten(run, tmp_path, spelling):
    """Not even by the command that wrote them, under whichever name."""
    run('old', 'a.txt')
    file, other = tmp_path / 'out' / 'a.txt', tmp_path / 'b.txt'
    if spelling == 'same':
        other = file
    elif spelling == 'hard':
        os.link(file, other)
    elif spelling == 'link':
        other.symlink_to(file)
    elif spelling == 'dots':
        other = tmp_path / 'out' / '..' / 'out' / 'a.txt'
    else:
        (tmp_path / 'b').symlink_to(tmp_path / 'out')
        other = tmp_path / 'b' / 'a.txt'
    with raises_naming(UserError, file, other):
        run('new', 'a.txt', inputs=[other])
    assert file.read_text() == 'old'
    assert run('new', inputs=[other]) == []


def test_list_from_elsewhere_removes_nothing_outside_its_folder(run, tmp_path):
    """Neither by dots nor through a link."""
    run('mine', 'a.txt')
    kept = tmp_path / 'kept'
    kept.mkdir()
    (tmp_path / 'out' / 'a.txt').rename(kept / 'a.txt')
    (tmp_path / 'out' / 'link').symlink_to(kept)
    listed = tmp_path / 'out' / LIST
    text = listed.read_text()
    for name in ('../kept/a.txt', 'link/a.txt', str(kept / 'a.txt')):
        listed.write_text(text.replace('a.txt', name))
        assert run('new') == []


def test_a_file_that_the_user_names_is_replaced(tmp_path):
    file = tmp_path / 'table.md'
    file.write_text('old')
    with written_by(Outputs('Say', [file], [])):
        atomic_write_text(file, 'new')
    assert file.read_text() == 'new'
    assert not (tmp_path / LIST).exists()
