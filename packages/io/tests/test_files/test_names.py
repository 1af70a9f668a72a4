import pytest

from mmskelseg_io.files.names import file_name, file_names


def test_file_name_is_one_name_and_keeps_ids_apart():
    """No id leaves its folder, and no two share a file."""
    ids = ['a/b', 'a_b', 'a%2Fb', 'a\\b', '../a', 'C:\\a', 'a.', 'a%2E', 'CON', '%43ON']
    names = [file_name(name) for name in ids]
    assert len(set(names)) == len(ids)
    assert not any(set(name) & set('/\\:') for name in names)
    assert file_name('2020-04-02-150120') == '2020-04-02-150120'


def test_file_name_of_a_long_id_is_cut_and_stays_apart():
    """Systems allow 255 bytes in a name."""
    first, second = (file_name('é' * 200 + end) for end in 'ab')
    assert first != second
    assert len(first.encode()) <= 160


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('CON', '%43ON'), ('nul', '%6Eul'), ('Com1', '%43om1'), ('lpt³', '%6Cpt³'),
        ('aux.take.1', '%61ux.take.1'), ('NUL .x', '%4EUL .x'), ('CONIN$', '%43ONIN$'),
        ('take.', 'take%2E'), ('take ', 'take%20'), ('take. ', 'take.%20'),
        ('.', '%2E'), ('..', '.%2E'),
        ('console', 'console'), ('COM10', 'COM10'), ('a.con', 'a.con'),
    ],
)  # fmt: skip
def test_names_that_a_system_reserves_or_shortens_are_spelt_out(name, expected):
    """Windows reserves devices with any ending; it drops dots and spaces at the end."""
    assert file_name(name) == expected


def test_names_stay_apart_where_case_and_composition_do_not_count():
    """As on Windows and macOS; a name is the same in whatever order they come."""
    ids = ['Take', 'take', 'caf\u00e9', 'cafe\u0301', 'other']
    names = file_names(ids)
    assert names['other'] == 'other'
    folded = {name.casefold().replace('e\u0301', '\u00e9') for name in names.values()}
    assert len(folded) == len(ids)
    assert file_names(ids[::-1]) == names
