import pickle
from types import SimpleNamespace

import pytest

from mmskelseg_io.messages.errors import (
    MissingFileError,
    UserError,
    reading,
    reads_file,
    shown,
)
from tests.errors import raises_naming


def test_missing_file_error_is_caught_as_either_kind():
    for kind in (UserError, ValueError, FileNotFoundError, OSError):
        with raises_naming(kind, 'a.pkl: does not exist.'):
            raise MissingFileError('a.pkl: does not exist.')


def test_missing_file_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(MissingFileError('a.pkl: does not exist.')))
    assert isinstance(error, MissingFileError)
    assert str(error) == 'a.pkl: does not exist.'


@pytest.mark.parametrize('number', ['one', None, 0])
def test_content_that_no_check_expects_is_an_error_that_names_the_file(number):

    @reads_file
    def read(path, *, divisor):
        return 6 / divisor

    assert read('a.json', divisor=2) == 3
    with raises_naming(UserError, 'a.json: '):
        read('a.json', divisor=number)


def test_own_errors_and_those_of_the_system_pass():
    for error in (UserError('a.json: too long.'), PermissionError(13, 'x', 'a.json')):
        with pytest.raises(type(error)) as raised, reading('b.json'):
            raise error
        assert raised.value is error
    with (
        raises_naming(UserError, 'b.json: ', 'KeyError'),
        reading('b.json'),
    ):
        raise KeyError


def test_what_is_shown_has_no_address():
    """Nor does a type of another library than NumPy need to be one of NumPy's."""
    error = ValueError(f'malformed node: {object()}')
    assert shown(error) == 'malformed node: <object object>'
    weights = SimpleNamespace(dtype='float16', shape=())
    assert shown(weights) == "namespace(dtype='float16', shape=())"
