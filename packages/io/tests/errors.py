"""Errors by the names in them, whatever the sentence around these."""

from contextlib import contextmanager

import pytest


@contextmanager
def raises_naming(error, *named):
    """Expect an error that names files, keys and values, as for assert_names."""
    with pytest.raises(error) as raised:
        yield raised
    assert_names(raised.value, *named)


def assert_names(message, *named):
    """Check that a message has all names, of which a text may have some: 'a | b'."""
    names = [name for text in named for name in str(text).split(' | ')]
    lacking = [name for name in names if not name or name not in str(message)]
    assert names, 'a message is known by what it names'
    assert not lacking, f'{lacking} not in: {message}'
