"""What was measured a short time ago."""

import os
import time
from types import SimpleNamespace

import pytest

from mmskelseg.automl.speed import recent_paces


def kept(path, text, age):
    path.parent.mkdir(parents=True)
    path.write_text(text)
    then = time.time() - age
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    ('text', 'age', 'found'),
    [
        ('{"a": 2.5, "c": 1.0}', 60, {'kind a': 2.5}),
        ('{"a": 2.5}', 3 * 3600, {}),
        ('{"a": "x"}', 60, {}),
        ('{"a": 0, "b": 1e300}', 60, {}),
        ('{', 60, {}),
    ],
)
def test_speed_counts_for_a_while(tmp_path, text, age, found):
    """Of the last fit that has measured it, and not if somebody has damaged it."""
    kept(tmp_path / 'older' / 'speed.json', '{"a": 9.0, "b": 9.0}', 5 * 3600)
    kept(tmp_path / 'last' / 'speed.json', text, age)
    path = tmp_path / 'new'
    folder = SimpleNamespace(path=path, speed=path / 'speed.json')
    candidates = [SimpleNamespace(name=name, kind=f'kind {name}') for name in 'ab']
    assert recent_paces(folder, candidates) == found
