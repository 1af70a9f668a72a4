"""Repairs of dependencies."""

import subprocess
import sys

import numpy as np
import pytest
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from packaging.version import Version

from mmskelseg import compat
from mmskelseg.compat import repairs
from tests.errors import raises_naming
from tests.small_data import ROOT


def run_python(code, *path):
    """Return what a fresh interpreter prints."""
    process = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        env={'PYTHONPATH': ':'.join(map(str, path)), 'PATH': ''},
        capture_output=True,
        text=True,
        check=False,
    )
    return (process.stdout + process.stderr).strip()


def test_importing_the_package_imports_nothing_heavy():
    """The repairs wait for the packages that they mend."""
    heavy = {'torch', 'torchvision', 'mmaction', 'mmcv', 'matplotlib'}
    code = f'import sys, mmskelseg; print({heavy} & {{*sys.modules}})'
    assert run_python(code) == 'set()'


@pytest.mark.parametrize(
    'part', ['models', 'datasets', 'evaluation', 'engine', 'structures', 'apis']
)
def test_mmaction_is_imported_whole(part):
    __import__(f'mmaction.{part}')


def test_drn_says_that_it_is_missing():
    """The stand-in lets the package be imported, and is no localizer."""
    if 'drn' not in {repair.name for repair in compat.active()}:
        pytest.skip('this MMAction2 has its drn package')
    import mmaction.models  # noqa: F401

    with raises_naming(NotImplementedError, 'DRN', 'issue 2714'):
        MODELS.build({'type': 'mmaction.DRN', 'vocab_size': 1})


def test_pose_compact_works_on_this_numpy():
    """It uses a name that NumPy 2 has dropped."""
    import mmaction.datasets  # noqa: F401

    keypoint = np.array([[[[10.0, 20.0], [30.0, 60.0]]]], np.float32)
    transform = TRANSFORMS.build({'type': 'mmaction.PoseCompact', 'padding': 0.0})
    results = transform({'img_shape': (100, 100), 'keypoint': keypoint})
    assert results['img_shape'] == (40, 20)


def test_numpy_repair_is_active_on_numpy_2_alone():
    active = {repair.name for repair in compat.active()}
    assert ('np.Inf' in active) == (Version(np.__version__).major >= 2)


def test_macs_compute_on_the_cpu():
    """Their GPUs know no float64, in which statistics are computed and stored."""
    code = """import sys, torch
torch.backends.mps.is_available = lambda: True
sys.platform = 'darwin'
import mmskelseg
from mmengine.device import get_device
print(get_device(), 'mps' in [repair.name for repair in mmskelseg.compat.active()])"""
    assert run_python(code, ROOT).splitlines()[-1] == 'cpu True'


def test_apply_is_idempotent():
    before = list(sys.meta_path), compat.active()
    compat.apply()
    assert (list(sys.meta_path), compat.active()) == before


def make_package(folder, name, *modules):
    """Write an empty package with sub-modules."""
    for path in (name, *(f'{name}/{module}' for module in modules)):
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / '__init__.py').touch()
    return folder


@pytest.fixture
def repair(request):
    return {repair.name: repair for repair in repairs.REPAIRS}[request.param]


@pytest.mark.parametrize('repair', ['drn'], indirect=True)
@pytest.mark.parametrize(
    ('modules', 'needed'),
    [
        (['models/localizers'], True),
        (['models/localizers', 'models/localizers/drn'], False),
    ],
)
def test_drn_repair_is_needed_where_the_folder_is_missing(
    tmp_path, monkeypatch, repair, modules, needed
):
    """It stays inactive with the repository's MMAction2."""
    make_package(tmp_path, 'mmaction', *modules)
    monkeypatch.setattr(
        repairs, '_folder', lambda name: tmp_path / name if name else None
    )
    assert repair.needed() is needed


@pytest.mark.parametrize(
    'repair', ['drn', 'importlib_metadata', 'checkpoints'], indirect=True
)
def test_no_repair_is_needed_without_its_package(monkeypatch, repair):
    monkeypatch.setattr(repairs, 'find_spec', lambda name: None)
    assert repair.needed() is False


@pytest.mark.parametrize(
    ('mask', 'needed'),
    [(None, True), ('raise ValueError("numpy.dtype size changed")', True), ('', False)],
    ids=['missing', 'broken', 'whole'],
)
def test_xtcocotools_is_replaced_where_it_does_not_work(tmp_path, mask, needed):
    """The modules of pycocotools are imported under its name."""
    make_package(tmp_path, 'mmpose')
    make_package(tmp_path, 'pycocotools', 'coco')
    if mask is not None:
        make_package(tmp_path, 'xtcocotools', 'coco')
        (tmp_path / 'xtcocotools' / '_mask.py').write_text(mask)
    code = 'import mmskelseg, xtcocotools.coco as x; print(x.__name__, x.__file__)'
    name, file = run_python(code, tmp_path).split()
    assert name == 'xtcocotools.coco'
    assert ('pycocotools' in file) is needed


def test_stand_in_yields_to_the_real_package(tmp_path):
    """A backport that is installed is the one that is imported."""
    make_package(tmp_path, 'importlib_metadata')
    code = 'import mmskelseg, importlib_metadata as m; print(m.__file__)'
    assert run_python(code, tmp_path).startswith(str(tmp_path))
    assert 'stand_ins' in run_python(code)


@pytest.mark.parametrize(
    'name',
    ['skelseg/toy_fusion.py', 'asformer/precog_pose2d.py', '_base_/models/stl.py'],
)
def test_config_of_the_package_is_inherited_by_its_name(tmp_path, monkeypatch, name):
    """From any folder, with the same result as by its path."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = 'mmskelseg::{name}'\n")
    expected = Config.fromfile(ROOT / 'configs' / name)
    assert Config.fromfile(path).to_dict() == expected.to_dict()
    path.write_text(f"_base_ = 'mmskelseg::{name[:-4]}.py'\n")
    with raises_naming(FileNotFoundError, name[:-4]):
        Config.fromfile(path)
    path.write_text("_base_ = 'mmnothing::a/b.py'\n")
    with raises_naming(AssertionError, 'mmnothing'):
        Config.fromfile(path)


def test_config_imports_modules_of_its_own_folder(tmp_path, monkeypatch):
    """And those of the folder of a config that it inherits, after all others."""
    monkeypatch.setattr(sys, 'path', [*sys.path])
    monkeypatch.chdir(tmp_path)
    base, mine = (make_package(tmp_path / n, f'of_{n}') for n in ('base', 'mine'))
    (mine / 'json.py').write_text('raise ImportError')
    (base / 'a.py').write_text("custom_imports = dict(imports=['of_base'])\n")
    text = (
        "_base_ = '../base/a.py'\ncustom_imports = dict(imports=['of_base', 'of_mine'])"
    )
    (mine / 'a.py').write_text(text)
    before = len(sys.path)
    Config.fromfile('mine/a.py')
    assert sys.path[before:] == [str(base), str(mine)]
    assert sys.modules['of_mine'].__file__ == str(mine / 'of_mine' / '__init__.py')
    # No other config does so.
    (mine / 'a.py').write_text('a = 3')
    monkeypatch.setattr(sys, 'path', sys.path[:before])
    Config.fromfile('mine/a.py')
    assert len(sys.path) == before
