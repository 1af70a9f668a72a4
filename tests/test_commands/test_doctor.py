"""``mmskelseg doctor``."""

from importlib import metadata

import pytest

from mmskelseg import compat
from mmskelseg.compat import doctor
from tests.test_compat.test_dependencies import run_python


def run_doctor(*options):
    return run_python(*options, '-m', 'mmskelseg', 'doctor')


def test_doctor_lists_versions_and_active_repairs():
    """Nothing is wrong here, so the status is 0."""
    process = run_doctor()
    assert process.returncode == 0
    rows = [line.split() for line in process.stdout.splitlines()]
    assert ['torch', metadata.version('torch'), '>=2.4', 'ok'] in rows
    for repair in compat.active():
        assert f'\n  {repair.name}  ' in process.stdout
        assert repair.upstream in process.stdout
    assert 'To fix' not in process.stdout
    assert process.stdout.endswith('\nAll required packages are installed.\n')
    assert '\n  onnxruntime  ' in process.stdout.partition('Optional packages:')[2]


def test_doctor_runs_without_any_dependency():
    process = run_doctor('-S')
    assert process.returncode == 1
    assert process.stderr == ''
    rows = [line.split() for line in process.stdout.splitlines()]
    assert ['torch', '-', '>=2.4', 'MISSING'] in rows
    assert 'To fix:\n  numpy is not installed' in process.stdout
    assert 'torch cannot be imported' in process.stdout


@pytest.mark.parametrize(
    ('file', 'kind'), [('_ext.cpython-311.so', 'full'), ('ops.py', 'lite')]
)
def test_doctor_tells_full_mmcv_from_lite(tmp_path, monkeypatch, file, kind):
    """The full mmcv has a compiled library."""

    class Spec:
        submodule_search_locations = [str(tmp_path)]

    (tmp_path / file).touch()
    monkeypatch.setattr(doctor, 'find_spec', lambda name: Spec)
    assert f'mmcv build: {kind}' in doctor.report()
