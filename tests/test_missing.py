"""Tests that lack a package or a browser say so, and what brings it."""

import os
import re
import subprocess
import sys

import pytest

from tests.small_data import PATH, ROOT

# A module whose name is None in `sys.modules` counts as missing.
FILES = {
    'extra': "import sys\nsys.modules['openpyxl'] = None\nimport openpyxl\n",
    'below': 'import extra\n',
    'required': "import sys\nsys.modules['scipy'] = None\nimport scipy\n",
    'unknown': 'import no_such_package\n',
    'test_pages': """\
from tests import browser

pytestmark = browser.marks()

def test_page():
    with browser.opened('http://127.0.0.1', 'p'):
        pass
""",
}


def run_pytest(folder, *words):
    """Return what pytest says in a folder, on a machine that has no browser."""
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-p', 'conftest', '-ra', *words],
        cwd=folder,
        env={**os.environ, 'PYTHONPATH': PATH, 'MMSKELSEG_TEST_BROWSER': 'none'},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


@pytest.fixture(scope='module')
def lines(tmp_path_factory):
    """The last lines of a run of pytest on these files and their doctests."""
    folder = tmp_path_factory.mktemp('lacking')
    for name, text in FILES.items():
        (folder / f'{name}.py').write_text(text)
    return run_pytest(folder, '--doctest-modules', '--continue-on-collection-errors')


def test_only_modules_that_import_a_missing_extra_are_skipped(lines):
    """Not those that import such a module, which should work without."""
    skipped = re.findall(r'(\w+)\.py:0: (.+)', '\n'.join(lines))
    assert dict(skipped) == {'extra': 'openpyxl is not installed'}
    failed = re.findall(r'^ERROR (\w+)\.py', '\n'.join(lines), re.M)
    assert set(failed) == {'below', 'required', 'unknown'}


def test_last_line_names_the_command_that_brings_a_browser(lines):
    pytest.importorskip('playwright')
    # But for the numbers of tests.
    assert lines[-2].startswith('Tests of pages were skipped')
    assert ' -m playwright install --with-deps chromium` ' in lines[-2]


def test_without_a_browser_all_tests_of_the_studio_are_skipped(tmp_path):
    """Each of them, with one browser for the module, and without an error."""
    pytest.importorskip('playwright')
    pytest.importorskip('starlette')
    path = ROOT / 'packages/studio/tests/test_page.py'
    *_, last = run_pytest(tmp_path, '--import-mode=importlib', str(path))
    number = len(re.findall('^def test_', path.read_text(), re.M))
    assert re.search(rf'= {number} skipped(, \d+ warnings?)? in', last)
