"""The rooms of the package, and which way the imports between them run."""

import ast
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from tests.small_data import ROOT

# From the top; a room imports from its own floor and those below.
FLOORS = (
    ('__main__',),
    ('commands',),
    ('automl', 'studio'),
    ('apis', 'datasets', 'behaviour'),
    ('export',),
    ('engine', 'encoders'),
    ('models', 'converters'),
    ('evaluation', 'compat'),
    ('registry', 'templates', 'checkpoints', 'interchange', '__init__'),
    ('runtime', 'version'),
)
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
# Importing the package checks and repairs its dependencies; the others are for later.
ALLOWED = {('__init__', room) for room in ('compat', 'registry', 'converters')}
MODULES = sorted((ROOT / 'mmskelseg').rglob('*.py'))


def room_of(path: Path) -> str:
    """Return the folder or the module under `mmskelseg` that a file belongs to."""
    return path.relative_to(ROOT / 'mmskelseg').with_suffix('').parts[0]


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms that a module imports from, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text('utf-8'))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: a relative import'
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    parts = [name.split('.') for name in names if name.startswith('mmskelseg.')]
    return {part[1] if part[1] in FLOOR else '__init__' for part in parts}


def arrows() -> set[tuple[str, str]]:
    """Return which room imports from which other."""
    pairs = {(room_of(p), room) for p in MODULES for room in imported_rooms(p)}
    return {(a, b) for a, b in pairs if a != b} - ALLOWED


def test_every_module_stands_in_a_room():
    assert {room_of(path) for path in MODULES} <= FLOOR.keys()


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


RUNTIME = sorted((ROOT / 'mmskelseg' / 'runtime').rglob('*.py'))


def test_runtime_imports_nothing_of_ours_from_outside():
    """Wherever in a module, so that the folder is all that mmskelseg-runtime needs."""
    outside = {p.name: imported_rooms(p) - {'runtime', 'version'} for p in RUNTIME}
    assert {name: rooms for name, rooms in outside.items() if rooms} == {}


@pytest.mark.parametrize('path', RUNTIME, ids=lambda p: f'{p.parent.name}/{p.name}')
def test_modules_of_the_runtime_need_nothing_that_it_lacks(path):
    """What they import at once is required by mmskelseg-runtime."""
    required = {'mmskelseg', 'cv2', 'defusedxml', 'numpy', 'tqdm'}
    # Extras, which what imports these modules asks for first.
    required |= {'matplotlib', 'PIL'} if path.parent.name == 'drawing' else set()
    required |= {'numba'} if path.name == 'compiled_drawing.py' else set()
    names = {name.split('.')[0] for name in module_imports(path)}
    assert names <= required | sys.stdlib_module_names


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


@pytest.mark.parametrize(
    'folder', ['mmskelseg', 'benchmarks', 'projects', 'tools', 'demo']
)
def test_functions_have_at_most_sixty_lines(folder):
    """With their docstrings."""
    long = [
        f'{path.name}: {node.name}'
        for path in (ROOT / folder).rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text('utf-8')))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60
    ]
    assert long == []


def test_streams_import_numpy_alone():
    """So that they run where there is no PyTorch."""
    used = set()
    for path in (ROOT / 'mmskelseg' / 'runtime' / 'streaming').glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(node.module)
    others = {name.split('.')[0] for name in used} - sys.stdlib_module_names
    assert others == {'numpy', 'mmskelseg'}


def test_modules_import_in_no_circle():
    """So any of them may be imported first."""
    names = {
        '.'.join(path.relative_to(ROOT).with_suffix('').parts): path for path in MODULES
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
        ('apis.suggestions', 'IntervalRanking StretchRanking'),
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
