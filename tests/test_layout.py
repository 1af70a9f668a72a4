"""The packages and the rooms of the plugin, and which way imports between them run."""

import ast
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from tests.small_data import ROOT

# Each package, and those from which it may import.
PACKAGES = {
    'mmskelseg_io': (),
    'mmskelseg_runtime': ('mmskelseg_io',),
    'mmskelseg_behaviour': ('mmskelseg_io', 'mmskelseg_runtime'),
    'mmskelseg': ('mmskelseg_io', 'mmskelseg_runtime', 'mmskelseg_behaviour'),
}
PACKAGES['mmskelseg_studio'] = (*PACKAGES,)
# Of the plugin, from the top; a room imports from its own floor and those below.
FLOORS = (
    ('__main__', 'commands'),
    ('automl',),
    ('apis', 'datasets'),
    ('export',),
    ('engine', 'encoders'),
    ('models', 'converters'),
    ('evaluation', 'compat'),
    ('registry', 'checkpoints', 'config_files', 'interchange', 'runtime', '__init__'),
    ('version',),
)
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
# Importing the package repairs its dependencies.
ALLOWED = {('__init__', 'compat')}


def folder_of(package: str) -> Path:
    """Return the folder of the modules of a package."""
    house = package.removeprefix('mmskelseg_')
    return ROOT / package if house == package else ROOT / 'packages' / house / package


MODULES = {
    path: package for package in PACKAGES for path in folder_of(package).rglob('*.py')
}


def imported(path: Path) -> set[str]:
    """Return what a module imports, wherever in it, with its dotted name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text('utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: a relative import'
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return names


@pytest.mark.parametrize('package', PACKAGES)
def test_package_imports_those_below_alone(package):
    """And below the plugin, nothing of PyTorch and OpenMMLab."""
    allowed = {package, *PACKAGES[package]}
    if 'mmskelseg' not in allowed:
        heavy = {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmaction'}
    else:
        heavy = set()
    for path, owner in MODULES.items():
        if owner == package:
            tops = {name.partition('.')[0] for name in imported(path)}
            assert tops & {*PACKAGES, *heavy} <= allowed, path


def test_behaviour_takes_only_its_pictures_from_the_runtime():
    rooms = {
        name.split('.')[1]
        for path, package in MODULES.items()
        if package == 'mmskelseg_behaviour'
        for name in imported(path)
        if name.startswith('mmskelseg_runtime.')
    }
    assert rooms == {'drawing'}


def room_of(path: Path) -> str:
    """Return the folder or the module of the plugin that a file belongs to."""
    return path.relative_to(ROOT / 'mmskelseg').with_suffix('').parts[0]


PLUGIN = [path for path, package in MODULES.items() if package == 'mmskelseg']


def arrows() -> set[tuple[str, str]]:
    """Return which room of the plugin imports from which other."""
    pairs = set()
    for path in PLUGIN:
        for name in imported(path):
            package, _, rest = name.partition('.')
            room = rest.partition('.')[0]
            if package == 'mmskelseg' and rest:
                pairs.add((room_of(path), room if room in FLOOR else '__init__'))
    return {(a, b) for a, b in pairs if a != b} - ALLOWED


def test_every_module_stands_in_a_room():
    assert {room_of(path) for path in PLUGIN} <= FLOOR.keys()


def test_imports_run_downwards():
    upwards = {(a, b) for a, b in arrows() if FLOOR[a] > FLOOR[b]}
    assert upwards == set()


def test_rooms_of_a_floor_form_no_circle():
    level = {(a, b) for a, b in arrows() if FLOOR[a] == FLOOR[b]}
    assert {(b, a) for a, b in level} & level == set()


def module_imports(path: Path) -> set[str]:
    """Return the modules that are imported with a module, not later by a function."""
    found = set()
    todo = list(ast.parse(path.read_text('utf-8')).body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f'{node.module}.{a.name}' for a in node.names}
        elif isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            todo += node.orelse
        elif not isinstance(node, ast.FunctionDef):
            todo += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
    return found


# Modules whose distributions have other names.
NAMES = {
    'array_api_compat': 'array-api-compat',
    'cv2': 'opencv-python',
    'PIL': 'matplotlib',
    'markupsafe': 'jinja2',
}
LOWER = {
    path: package for path, package in MODULES.items() if package in [*PACKAGES][:3]
}


@pytest.mark.parametrize('package', sorted({*LOWER.values()}))
def test_packages_below_the_plugin_import_what_they_require(package):
    """What a module imports at once; extras are for rooms that ask for them first."""
    project = (folder_of(package).parent / 'pyproject.toml').read_text()
    required = project.partition('dependencies = [')[2].partition(']\n')[0]
    extras = {'drawing': {'matplotlib', 'jinja2'}, 'compiled_drawing.py': {'numba'}}
    for path, owner in LOWER.items():
        own = {name.split('.')[0] for name in module_imports(path)}
        own -= {*sys.stdlib_module_names, package, *PACKAGES[package]}
        more = extras.get(path.name, set()) | extras.get(path.parent.name, set())
        if owner == package:
            for name in {NAMES.get(name, name) for name in own} - more:
                assert f"'{name}>=" in required, f'{path} imports {name}'


def test_few_imports_of_ours_wait_for_a_call():
    """Those of what is slow to import, or needs an optional package."""
    calls = {
        f'{path.name}, line {node.lineno}: {ast.unparse(node)}'
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text('utf-8')))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and node.module.startswith('mmskelseg')
    }
    assert len(calls) <= 15, calls


def test_functions_have_at_most_sixty_lines():
    """With their docstrings."""
    folders = ('benchmarks', 'projects', 'tools', 'demo')
    others = (path for name in folders for path in (ROOT / name).rglob('*.py'))
    long = [
        f'{path.name}: {node.name}'
        for path in (*MODULES, *others)
        for node in ast.walk(ast.parse(path.read_text('utf-8')))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60
    ]
    assert long == []


def test_streams_import_numpy_alone():
    """So that they run where there is no PyTorch."""
    used = set()
    for path in (folder_of('mmskelseg_runtime') / 'streaming').glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(node.module)
    others = {name.split('.')[0] for name in used} - sys.stdlib_module_names
    assert others == {'numpy', 'mmskelseg_io', 'mmskelseg_runtime'}


def test_modules_import_in_no_circle():
    """So any of them may be imported first."""
    names = {
        '.'.join(
            path.relative_to(folder_of(package).parent).with_suffix('').parts
        ): path
        for path, package in MODULES.items()
    }
    names = {name.removesuffix('.__init__'): path for name, path in names.items()}
    imports = {
        name: module_imports(path) & names.keys() - {name}
        for name, path in names.items()
    }
    TopologicalSorter(imports).prepare()


@pytest.mark.parametrize(
    'path', [p for p in MODULES if p.name == '__init__.py'], ids=lambda p: p.parent.name
)
def test_room_has_a_sentence(path):
    docstring = ast.get_docstring(ast.parse(path.read_text('utf-8')))
    assert docstring, f'{path} has no docstring'
    assert docstring.partition('\n')[0].endswith('.')


@pytest.mark.parametrize(
    ('module', 'names'),
    [
        ('apis', 'SkelSegInferencer SkelSegStream write_exports EXPORTS'),
        ('apis.export', 'export_onnx'),
        ('apis.live', 'LiveSegmenter LiveReport'),
        ('apis.pose_estimators', 'build_pose_estimator PoseEstimator MMPoseAlias'),
        ('apis.suggestions', 'IntervalRanking intervals_of'),
        ('datasets', 'load_annotations save_annotations'),
        ('datasets.annotations', 'load_annotations save_annotations videos_of_split'),
        ('evaluation', 'frame_accuracy edit_score to_segments SegmentationMetric'),
        ('interchange', 'read_segments READERS write_elan VideoSegments'),
        ('interchange.poses', 'read_poses write_npz Poses choose_person'),
        ('models', 'ActionSegmentor SegmentationHead'),
        ('registry', 'INFERENCERS MODELS TRANSFORMS'),
        ('runtime', 'OnnxSegmenter OnnxStream'),
    ],
)
def test_names_that_documents_show_are_importable(module, names):
    found = import_module(f'mmskelseg.{module}')
    assert [name for name in names.split() if not hasattr(found, name)] == []
