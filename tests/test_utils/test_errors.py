import pickle

import pytest

from mmskelseg.utils.errors import MissingFileError, UserError


def test_missing_file_error_is_caught_as_either_kind():
    for kind in (UserError, ValueError, FileNotFoundError, OSError):
        with pytest.raises(kind, match=r'^a\.pkl: does not exist\.$'):
            raise MissingFileError('a.pkl: does not exist.')


def test_missing_file_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(MissingFileError('a.pkl: does not exist.')))
    assert isinstance(error, MissingFileError)
    assert str(error) == 'a.pkl: does not exist.'
