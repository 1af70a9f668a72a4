import pytest

from mmskelseg.files import file_name, written_whole


def test_written_whole_names_a_file_when_it_is_whole(tmp_path):
    """Until the block ends the name is free; then the file has all that was written."""
    path = tmp_path / 'new' / 'scores.json'
    with written_whole(path) as file:
        file.write(b'scores')
        assert not path.exists()
    assert path.read_bytes() == b'scores'
    assert list(path.parent.iterdir()) == [path]


def test_written_whole_keeps_the_old_file_when_it_is_interrupted(tmp_path):
    """An interrupted write leaves the earlier file whole and nothing beside it."""
    path = tmp_path / 'scores.json'
    path.write_bytes(b'old')

    def write():
        with written_whole(path) as file:
            file.write(b'new')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [path]


def test_file_name_is_one_name_and_keeps_ids_apart():
    """No id leaves its folder, and no two share a file."""
    ids = ['a/b', 'a_b', 'a%2Fb', 'a\\b', '../a', 'C:\\a']
    names = [file_name(name) for name in ids]
    assert len(set(names)) == len(ids)
    assert not any(set(name) & set('/\\:') for name in names)
    assert file_name('2020-04-02-150120') == '2020-04-02-150120'


def test_file_name_of_a_long_id_is_cut_and_stays_apart():
    """Systems allow 255 bytes in a name, and an id may have more."""
    first, second = (file_name('é' * 200 + end) for end in 'ab')
    assert first != second
    assert len(first.encode()) <= 160
