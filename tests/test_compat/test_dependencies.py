"""The check of dependencies."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mmskelseg.compat.dependencies import (
    DEPENDENCIES,
    Dependency,
    DependencyError,
    check,
)
from mmskelseg_io.messages import dependencies
from tests.errors import raises_naming
from tests.small_data import PATH

ROOT = Path(__file__).parents[2]
BY_NAME = {dependency.name: dependency for dependency in DEPENDENCIES}


def test_table_agrees_with_the_package_metadata():
    """What pip installs is what the check demands."""
    tomllib = pytest.importorskip('tomllib')  # new in Python 3.11
    files = [ROOT / 'pyproject.toml', *ROOT.glob('packages/*/pyproject.toml')]
    projects = [tomllib.loads(file.read_text())['project'] for file in files]
    stated = {line for one in projects for line in one['dependencies']}
    stated |= {*projects[0]['optional-dependencies']['lite']}
    assert {f'{d.name}{d.needed}' for d in DEPENDENCIES} <= stated


def install(monkeypatch, **versions):
    """Pretend that these distributions, and no others, are installed."""

    def version(name):
        if name.replace('-', '_') not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name.replace('-', '_')]

    monkeypatch.setattr(dependencies.metadata, 'version', version)
    monkeypatch.setattr(dependencies, 'find_spec', lambda name: None)


@pytest.mark.parametrize('name', BY_NAME)
def test_missing_dependency_is_named_with_its_remedy(monkeypatch, name):
    install(monkeypatch)
    needed = BY_NAME[name].needed
    sentence = BY_NAME[name].problem()
    assert sentence.startswith(name)
    assert f'needs {needed}: run `pip install "{name}{needed}"`.' in sentence


@pytest.mark.parametrize(
    ('name', 'version'), [('torch', '2.3.1+cu121'), ('mmaction2', '0.24.1')]
)
def test_old_dependency_is_named_with_both_versions(monkeypatch, name, version):
    install(monkeypatch, **{name: version})
    needed = BY_NAME[name].needed
    assert BY_NAME[name].problem() == (
        f'{name} {version} is installed, but mmskelseg needs {needed}: run '
        f'`pip install "{name}{needed}"`.'
    )


@pytest.mark.parametrize(
    ('distribution', 'version'), [('mmcv', '2.2.0'), ('onedl_mmcv', '2.3.6')]
)
def test_mmcv_that_mmaction_refuses_must_go_first(monkeypatch, distribution, version):
    """Another distribution of the same files is removed before mmcv-lite comes."""
    install(monkeypatch, **{distribution: version})
    name = distribution.replace('_', '-')
    assert BY_NAME['mmcv-lite'].problem() == (
        f'{name} {version} is installed, but mmskelseg needs >=2.0.0,<2.2.0: run '
        f'`pip uninstall -y {name} && pip install "mmcv-lite>=2.0.0,<2.2.0"`.'
    )


@pytest.mark.parametrize(
    ('name', 'distribution', 'version'),
    [
        ('mmcv-lite', 'mmcv', '2.1.0'),
        ('mmcv-lite', 'mmcv_lite', '2.0.0'),
        ('mmaction2', 'otxmmaction2', '1.2.0'),
        ('mmengine', 'onedl_mmengine', '0.10.12'),
        ('torch', 'torch', '2.10.0'),
        ('torch', 'torch', '2.4.0a0+07cecf4.nv24.5'),
        ('numpy', 'numpy', '1.26.4'),
    ],
)
def test_suitable_versions_are_accepted(monkeypatch, name, distribution, version):
    """Full mmcv, forks under other names, and ten after nine."""
    install(monkeypatch, **{distribution: version})
    assert BY_NAME[name].problem() == ''


def test_missing_packaging_is_told_like_any_other(monkeypatch):
    """By it versions are compared, so all others pass until it is there."""
    found = {name.replace('-', '_'): '0.1' for name in BY_NAME if name != 'packaging'}
    install(monkeypatch, **found)
    for module in ('packaging.specifiers', 'packaging.version'):
        monkeypatch.setitem(sys.modules, module, None)
    with raises_naming(DependencyError, '`pip install "packaging>=20"`'):
        check()


def test_source_checkout_is_asked_for_its_version_file(tmp_path, monkeypatch):
    """A repository on the path has no metadata."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / 'package_of_a_checkout'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'version.py').write_text("__version__ = '1.1.0'\n")
    dependency = Dependency('some-dist', '1.2', module=package.name)
    assert dependency.found() == ('some-dist', '1.1.0')
    assert 'some-dist 1.1.0 is installed, but' in dependency.problem()


def run_python(*arguments, path=PATH):
    return subprocess.run(
        [sys.executable, *arguments],
        env={'PYTHONPATH': path, 'PATH': ''},
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_without_dependencies_ends_in_one_sentence():
    """Python without its installed packages; the error is no ImportError."""
    code = (
        'try: import mmskelseg.registry\n'
        'except RuntimeError as error: print(error)\n'
        'except ImportError: print("swallowed by MMEngine")'
    )
    process = run_python('-S', '-c', code)
    assert process.stdout == (
        'numpy is not installed, but mmskelseg needs >=1.23: run '
        '`pip install "numpy>=1.23"`.\n'
    )
    assert process.stderr == ''


def test_command_without_dependencies_ends_in_one_sentence_alone():
    process = run_python('-S', '-m', 'mmskelseg', 'train', 'a.py')
    assert process.returncode == 1
    assert process.stderr == (
        'error: numpy is not installed, but mmskelseg needs >=1.23: run '
        '`pip install "numpy>=1.23"`.\n'
    )


def test_library_raises_whatever_the_arguments_of_a_script_are(tmp_path):
    script = tmp_path / 'mine.py'
    script.write_text(
        'try: import mmskelseg.registry\n'
        'except RuntimeError as error: print("caught")\n'
    )
    for words in (['mmskelseg'], ['mmskelseg', 'doctor'], []):
        assert run_python('-S', script, *words).stdout == 'caught\n'


@pytest.mark.parametrize('version', ['2.1.0', '2.2.0'])
def test_import_checks_a_full_mmcv(tmp_path, version):
    folder = tmp_path / f'mmcv-{version}.dist-info'
    folder.mkdir()
    (folder / 'METADATA').write_text(
        f'Metadata-Version: 2.1\nName: mmcv\nVersion: {version}\n'
    )
    process = run_python('-c', 'import mmskelseg.registry', path=f'{tmp_path}:{PATH}')
    if version == '2.1.0':
        assert (process.returncode, process.stderr) == (0, '')
    else:
        last = process.stderr.strip().splitlines()[-1]
        assert last.startswith(
            'mmskelseg_io.messages.dependencies.DependencyError: mmcv 2.2.0 is'
        )


def test_check_raises_the_first_problem(monkeypatch):
    install(monkeypatch)
    with raises_naming(DependencyError, '`pip install "numpy>=1.23"`'):
        check()
