"""What is packaged."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from mmskelseg_io.version import __version__

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.name for path in (ROOT / 'packages').iterdir())


@pytest.fixture(scope='session')
def source(tmp_path_factory):
    """A copy of the source tree, since setuptools writes into it."""
    copy = tmp_path_factory.mktemp('source')
    for name in ('mmskelseg', 'packages', 'benchmarks', 'configs', 'tools', 'tests'):
        ignore = shutil.ignore_patterns('__pycache__', '.mim', '*.egg-info', 'build')
        shutil.copytree(ROOT / name, copy / name, ignore=ignore)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    return copy


def build(hook, source, target):
    """Call a function of setuptools' build backend, without network."""
    target.mkdir(exist_ok=True)
    code = f'from setuptools import build_meta as b; print(b.{hook}({str(target)!r}))'
    process = subprocess.run(
        [sys.executable, '-c', code],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return target / process.stdout.split()[-1]


@pytest.fixture(scope='session')
def wheel(source, tmp_path_factory):
    return build('build_wheel', source, tmp_path_factory.mktemp('dist'))


@pytest.fixture(scope='module')
def unpacked(source, tmp_path_factory):
    """The source distribution, as its users unpack it."""
    folder = tmp_path_factory.mktemp('unpacked')
    with tarfile.open(build('build_sdist', source, folder / 'sdist')) as sdist:
        sdist.extractall(folder / 'files', filter='data')
    return next((folder / 'files').iterdir())


@pytest.fixture(scope='session')
def wheels(source, wheel, tmp_path_factory):
    """Those of all packages, by name."""
    folder = tmp_path_factory.mktemp('packages')
    built = {name: build('build_wheel', source / 'packages' / name, folder / name)
             for name in PACKAGES}  # fmt: skip
    return {**built, 'mmskelseg': wheel}


def test_wheel_holds_the_package_with_configs_and_tools(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        'mmskelseg/py.typed',
        'mmskelseg/compat/stand_ins/drn/drn.py',
        'mmskelseg/.mim/model-index.yml',
        'mmskelseg/.mim/configs/skelseg/toy_joint_limb.py',
        'mmskelseg/.mim/configs/_base_/default_runtime.py',
        'mmskelseg/.mim/tools/train.py',
    ):
        assert name in names
    top = {name.split('/')[0] for name in names}
    assert {name for name in top if not name.endswith('.dist-info')} == {'mmskelseg'}
    assert not [name for name in names if name.endswith('.pyc')]


@pytest.mark.parametrize(
    ('package', 'files'),
    [
        ('io', ['poses/sleap.py']),
        ('runtime', ['model_zoo/precog.onnx', 'page/view.js', 'page/vendor/LICENSE']),
        ('behaviour', ['agreement.html']),
        ('studio', ['page/index.html']),
    ],
)
def test_wheel_of_a_package_holds_it_without_its_tests(wheels, package, files):
    names = set(zipfile.ZipFile(wheels[package]).namelist())
    module = f'mmskelseg_{package}'
    assert {f'{module}/{file}' for file in ('py.typed', *files)} <= names
    top = {name.split('/')[0] for name in names}
    assert {name for name in top if not name.endswith('.dist-info')} == {module}


def metadata_of(wheel):
    with zipfile.ZipFile(wheel) as file:
        (name,) = (one for one in file.namelist() if one.endswith('/METADATA'))
        return email.message_from_bytes(file.read(name))


def test_all_packages_have_one_version(wheels):
    versions = {metadata_of(wheel)['Version'] for wheel in wheels.values()}
    assert versions == {__version__}
    for wheel in wheels.values():
        for line in metadata_of(wheel).get_all('Requires-Dist'):
            found = re.match(r'mmskelseg-\w+(\[.*\])?==([\d.]+)', line)
            assert not found or found[2] == __version__, line


def test_clone_requires_the_packages_beside_it_and_a_release_those_of_an_index(
    source, wheel, unpacked
):
    beside = metadata_of(wheel).get_all('Requires-Dist')
    folder = (source.resolve() / 'packages/io').as_uri()
    assert f'mmskelseg-io @ {folder}' in beside
    released = email.message_from_bytes((unpacked / 'PKG-INFO').read_bytes())
    assert f'mmskelseg-io=={__version__}' in released.get_all('Requires-Dist')
    assert 'file:' not in str(released)


def test_wheel_built_from_the_sdist_is_the_same(unpacked, wheel, tmp_path):
    assert (unpacked / 'benchmarks' / 'render.py').is_file()
    assert not (unpacked / 'tests').exists()
    again = build('build_wheel', unpacked, tmp_path / 'again')
    first, second = (set(zipfile.ZipFile(file).namelist()) for file in (wheel, again))
    assert first == second


def test_editable_install_links_configs_and_tools(source, tmp_path):
    """Changes of configs show at once in what MIM reads."""
    build('build_editable', source, tmp_path)
    mim = source / 'mmskelseg' / '.mim'
    for name in ('configs', 'tools', 'model-index.yml'):
        assert (mim / name).is_symlink()
        assert (mim / name).resolve() == source / name


def test_model_index_lists_every_config_once():
    """By names that MIM, which looks for them in lower case, can tell apart."""
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    collections, models = {}, {}
    for name in index['Import']:
        content = yaml.safe_load((ROOT / name).read_text())
        for collection in content['Collections']:
            assert (ROOT / collection['README']).is_file()
            assert collections.setdefault(collection['Name'], name) == name
        for model in content['Models']:
            assert collections[model['In Collection']] == name
            assert models.setdefault(model['Name'].lower(), model) is model
    assert all(name == model['Name'] for name, model in models.items())
    configs = {
        path.relative_to(ROOT).as_posix() for path in ROOT.glob('configs/[!_]*/*.py')
    }
    assert sorted(model['Config'] for model in models.values()) == sorted(configs)
    for name, model in models.items():
        # As `mmskelseg train` takes it; a model with weights has a name of its own.
        assert 'Weights' in model or model['Config'] == f'configs/{name}.py'


def make(*arguments, **environment):
    return subprocess.run(
        ['make', *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(not shutil.which('make'), reason='make is not installed')
def test_make_makes_the_environment_or_asks_for_a_python(tmp_path):
    process = make('-n', 'test', f'VENV={tmp_path}/venv', f'PYTHON={sys.executable}')
    assert f'{sys.executable} -m venv {tmp_path}/venv' in process.stdout
    process = make('lint', f'VENV={tmp_path}/venv', 'PYTHON=')
    assert process.returncode != 0
    assert 'No Python 3.10 to 3.13 found' in process.stderr
