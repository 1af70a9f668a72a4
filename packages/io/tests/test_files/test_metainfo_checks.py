"""Metainfo of any file: what it may state, and what it may not."""

import numpy as np
import pytest

from mmskelseg_io.files.metainfo_checks import check_metainfo
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming

SKELETON = {'joints': ['a', 'b'], 'limbs': [[0, 1]]}
VALID = {
    'classes': ['walk', 'lift'], 'skeleton': SKELETON, 'dataset': 'd', 'up': '-y',
    'background': 'walk', 'fps': 25, 'kpt_thr': 0.5, 'view': 'top', 'license': 'MIT',
    'colors': {'lift': '#0072B2'},
}  # fmt: skip


# They name classes.
NAMING = 'background', 'colors'


def test_any_key_may_be_missing():
    for key in VALID:
        rest = {k: v for k, v in VALID.items() if k not in (key, *NAMING)}
        assert check_metainfo(rest, 'a.pth') is rest


@pytest.mark.parametrize(('key', 'value', 'named'), [
    ('classes', [], '[]'), ('classes', 'walk', "'walk'"), ('classes', [1], '1'),
    ('classes', ['walk', ' '], "' '"), ('classes', ['walk', 'a\nb'], 'id 1'),
    ('classes', ['walk', 'lift', 'walk'], "'walk' | ids 0 and 2"),
    ('classes', np.array(['walk']), 'an array'),
    ('classes', ['walk', 'x' * 2000], '2000 | id 1'),
    ('tiers', {}, '{}'), ('tiers', ['walk'], "['walk']"),
    ('tiers', {'x': []}, "'x' | []"), ('tiers', {'': ['walk']}, "''"),
    ('tiers', {'x': ['walk', 'walk']}, "'x' | 'walk'"),
    ('tiers', {'x': ['b: c'], 'x: b': ['c']}, "'x: b: c' | ids 0 and 1"),
    ('tiers', {'x': ['walk']}, 'classes | x: walk'),
    ('background', 'idle', "'idle' | walk, lift"), ('background', 1, '1'),
    ('colors', ['#0072b2'], "['#0072b2']"), ('colors', {'lift': 'blue'}, "'blue'"),
    ('colors', {'idle': '#0072b2'}, "'idle' | walk, lift"),
    ('skeleton', '/layout.py', "'/layout.py'"),
    ('skeleton', {'joints': 2, 'limbs': [[0, 5]]}, '5'),
    ('fps', 0, '0'), ('fps', 'fast', "'fast'"), ('kpt_thr', 60, '60'),
    ('up', 'w', "'w'"), ('up', np.ones(3), 'a.pth'), ('view', 3, '3'),
    ('license', np.ones(2), 'an array'), ('dataset', 'a\x1b[31m', r'\x1b'),
    ('person', ['ann'], "['ann']"),
    ('objects', ['box'], "['box']"), ('objects', {'': ['a']}, "''"),
    ('objects', {'box': []}, "'box' | []"), ('objects', {'box': 'ab'}, "'box' | 'ab'"),
    ('objects', {'box': ['a', 'a']}, "'box' | 'a'"),
])  # fmt: skip
def test_value_that_no_file_states_is_named(key, value, named):
    with raises_naming(UserError, 'a.pth: ', named):
        check_metainfo({**VALID, key: value}, 'a.pth')


def test_background_of_a_tier_is_one_of_its_classes():
    tiers = {'gaze': ['up', 'down'], 'hand': ['no', 'wave']}
    check_metainfo({'tiers': tiers, 'background': {'hand': 'no'}}, 'a.pth')
    for background, named in (({'hand': 'up'}, "'up'"), ({'leg': 'no'}, "'leg'")):
        with raises_naming(UserError, 'a.pth: ', 'background', named):
            check_metainfo({'tiers': tiers, 'background': background}, 'a.pth')


def test_many_classes_take_no_square_of_the_time():
    names = [f'class {i}' for i in range(200_000)]
    assert check_metainfo({'classes': names}, 'a.pth')['classes'] == names
