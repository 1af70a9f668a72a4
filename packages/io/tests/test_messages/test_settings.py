from mmskelseg_io.messages.settings import flat_settings


def test_flat_settings_takes_what_json_has():
    """Tuples and lists are the same; other objects become text."""
    nested = {'a': (1, None), 'b': {'c': True, 'd': {3}}, 'e': []}
    assert dict(flat_settings(nested)) == {
        'a.0': 1,
        'a.1': None,
        'b.c': True,
        'b.d': '{3}',
    }
