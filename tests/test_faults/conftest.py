"""Settings of property-based tests, and copies of valid files."""

import os
import shutil
from functools import cache

import pytest
from hypothesis import settings

from tests.test_faults.formats import FORMATS

# The suite tries the same inputs each time, so that it fails for what has changed;
# `make fuzz` draws new ones in each round.
settings.register_profile('suite', derandomize=True)
if 'SKELSEG_FUZZ_EXAMPLES' not in os.environ:
    settings.load_profile('suite')


@pytest.fixture(scope='session')
def valid(tmp_path_factory):
    """Return a valid input of a format, made once, which is not to be changed."""
    return cache(lambda name: FORMATS[name].make(tmp_path_factory.mktemp('valid')))


@pytest.fixture
def copied(valid, tmp_path):
    """Return a copy of a valid input of a format, with what lies beside it."""

    def copy(name):
        source = valid(name)
        shutil.copytree(source.parent, tmp_path, dirs_exist_ok=True)
        return tmp_path / source.name

    return copy
