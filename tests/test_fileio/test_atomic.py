import pytest

from mmskelseg.fileio.atomic import atomic_write, atomic_write_text


def test_atomic_write_names_a_file_when_it_is_whole(tmp_path):
    """Until the block ends the name is free; then the file has all that was written."""
    path = tmp_path / 'new' / 'scores.json'
    with atomic_write(path) as file:
        file.write(b'scores')
        assert not path.exists()
    assert path.read_bytes() == b'scores'
    assert list(path.parent.iterdir()) == [path]


def test_atomic_write_keeps_the_old_file_when_it_is_interrupted(tmp_path):
    """An interrupted write leaves the earlier file whole and nothing beside it."""
    path = tmp_path / 'scores.json'
    path.write_bytes(b'old')

    def write():
        with atomic_write(path) as file:
            file.write(b'new')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_written_as_it_is(tmp_path):
    """UTF-8 and the same line ends on every system."""
    atomic_write_text(tmp_path / 'new' / 'a.csv', 'é\r\nb\n')
    assert (tmp_path / 'new' / 'a.csv').read_bytes() == b'\xc3\xa9\r\nb\n'
