from mmskelseg.runtime.files.names import file_name


def test_file_name_is_one_name_and_keeps_ids_apart():
    """No id leaves its folder, and no two share a file."""
    ids = ['a/b', 'a_b', 'a%2Fb', 'a\\b', '../a', 'C:\\a']
    names = [file_name(name) for name in ids]
    assert len(set(names)) == len(ids)
    assert not any(set(name) & set('/\\:') for name in names)
    assert file_name('2020-04-02-150120') == '2020-04-02-150120'


def test_file_name_of_a_long_id_is_cut_and_stays_apart():
    """Systems allow 255 bytes in a name."""
    first, second = (file_name('é' * 200 + end) for end in 'ab')
    assert first != second
    assert len(first.encode()) <= 160


def test_no_name_is_that_of_a_folder_above():
    assert [file_name(name) for name in ('.', '..', '...')] == ['%2E', '%2E%2E', '...']
