"""The rooms of the package, and which way the imports between them run."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_data import ROOT

# From the top; a room imports from its own floor and those below.
FLOORS = (
    ('__main__', 'doctor'),
    ('commands',),
    ('runtime',),
    ('apis',),
    ('engine',),
    ('datasets',),
    ('visualization', 'interchange'),
    ('features', 'models', 'decoding', 'evaluation', 'compat'),
    ('streaming',),
    ('structures', 'fileio', 'utils', 'registry', 'version', '__init__'),
)
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
# Importing the package checks and repairs its dependencies.
ALLOWED = {('__init__', 'compat')}
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
    """No room imports from a floor above its own."""
    upwards = {(a, b) for a, b in arrows() if FLOOR[a] > FLOOR[b]}
    assert upwards == set()


def test_rooms_of_a_floor_form_no_circle():
    """Of two rooms on a floor at most one imports from the other."""
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


def shared_modules() -> list[Path]:
    """Return the modules that mmskelseg-runtime has."""
    source = (ROOT / 'runtime' / 'setup.py').read_text()
    (value,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and node.targets[0].id == 'SHARED'
    )
    patterns = ast.literal_eval(value)
    files = {file for p in patterns for file in (ROOT / 'mmskelseg').glob(p)}
    return sorted(file for file in files if file.suffix == '.py')


@pytest.mark.parametrize(
    'path', shared_modules(), ids=lambda p: str(p.relative_to(ROOT / 'mmskelseg'))
)
def test_modules_of_the_runtime_need_nothing_that_it_lacks(path):
    """What they import at once is with them, or required by mmskelseg-runtime."""
    names = {m.relative_to(ROOT).with_suffix('').parts for m in shared_modules()}
    names |= {name[:-1] for name in names if name[-1] == '__init__'}
    required = {'cv2', 'defusedxml', 'numpy', 'tqdm'}
    # Extras, which what imports these modules asks for first.
    required |= {'matplotlib', 'PIL'} if path.parent.name == 'visualization' else set()
    required |= {'numba'} if path.name == 'compiled_drawing.py' else set()
    for name in module_imports(path):
        parts = tuple(name.split('.'))
        if parts[0] == 'mmskelseg':
            is_here = parts in names or parts[:-1] in names
            assert is_here or parts[:2] == ('mmskelseg', 'compat'), name
        else:
            assert parts[0] in required | sys.stdlib_module_names, name


def test_streams_import_numpy_alone():
    """So that they run where there is no PyTorch."""
    used = set()
    for path in (ROOT / 'mmskelseg' / 'streaming').glob('*.py'):
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                used.add(node.module)
    others = {
        name for name in used if name.split('.')[0] not in sys.stdlib_module_names
    }
    ours = {name for name in others if name.startswith('mmskelseg.runtime.streaming')}
    assert others - ours == {
        'numpy',
        'numpy.typing',
        'mmskelseg.runtime.messages.errors',
    }


def test_part_of_a_model_is_imported_first():
    """Nothing that it imports imports it in turn."""
    code = 'from mmskelseg.models import SegmentationHead'
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    'path', [p for p in MODULES if p.name == '__init__.py'], ids=lambda p: p.parent.name
)
def test_room_has_a_sentence(path):
    """The docstring of a folder says what belongs there."""
    docstring = ast.get_docstring(ast.parse(path.read_text('utf-8')))
    assert docstring, f'{path} has no docstring'
    assert docstring.partition('\n')[0].endswith('.')
