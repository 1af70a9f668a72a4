"""Workflows, forms and citation: they name what is there."""

import re
from pathlib import Path

import pytest
import yaml

from mmskelseg_io.entry_points import commands
from mmskelseg_io.version import __version__
from tests.small_data import ROOT

WORKFLOWS = sorted((ROOT / '.github' / 'workflows').glob('*.yml'))
PROJECT = (ROOT / 'pyproject.toml').read_text()


def steps_of(path: Path) -> str:
    """Return all that the steps of a workflow run."""
    jobs = yaml.safe_load(path.read_text())['jobs'].values()
    return '\n'.join(s.get('run', '') for job in jobs for s in job['steps'])


def extras() -> set[str]:
    """Return the extras of the package, by their lines in pyproject.toml."""
    section = PROJECT.partition('[project.optional-dependencies]\n')[2]
    return set(re.findall(r'^(\w+) = \[', section.partition('\n[')[0], re.M))


def missing(text: str) -> list[str]:
    """Return what commands name that the project does not have."""
    in_brackets = ','.join(re.findall(r'\[([a-z,]+)\]', text))
    targets = set(re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.M))
    hyphenated = {name.replace('_', '-') for name in commands('commands')}
    converters = commands('converters')
    named = {
        'target': (re.findall(r'\bmake (\w+)', text), targets),
        'command': (re.findall(r'\bmmskelseg ([a-z-]+)', text), hyphenated),
        'converter': (re.findall(r'\bmmskelseg convert (\w+)', text), converters),
        'extra': (re.findall(r'\w+', in_brackets), extras()),
    }
    lost = [f'{kind} {n}' for kind, (names, there) in named.items() for n in names
            if n not in there]  # fmt: skip
    configs = re.findall(r'mmskelseg (?:train|test) (\S+/\S+)', text)
    lost += [f'config {c}' for c in configs if not (ROOT / f'configs/{c}.py').is_file()]
    files = re.findall(r'(?:\.github|mmskelseg)/[\w/]+\.\w+', text)
    return lost + [f'file {f}' for f in files if not (ROOT / f).is_file()]


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_runs_what_is_there(path):
    """Targets of make, commands, converters, configs, extras and files."""
    text = steps_of(path)
    assert 'make' in text or 'mmskelseg' in text
    assert missing(text) == []


def test_what_is_missing_is_found():
    """Or the test above could not fail."""
    text = (
        "make tests\nmmskelseg fly\nmmskelseg convert moon\npip install '.[lite,no]'\n"
        'mmskelseg train skelseg/none\nuv --overrides .github/none.txt'
    )
    assert missing(text) == [
        'target tests', 'command fly', 'converter moon', 'extra no',
        'config skelseg/none', 'file .github/none.txt',
    ]  # fmt: skip


def test_every_supported_python_and_system_is_tested():
    """Those of the package's classifiers, and the oldest torch that it takes."""
    ci = yaml.safe_load((ROOT / '.github/workflows/ci.yml').read_text())
    matrix = ci['jobs']['tests']['strategy']['matrix']
    assert matrix['python'] == re.findall(r'Python :: (3\.\d+)', PROJECT)
    assert {name.partition('-')[0] for name in matrix['os']} == {
        'ubuntu', 'windows', 'macos',
    }  # fmt: skip
    oldest = re.findall(r"'torch>=(\S+)'", PROJECT)[0]
    assert f'torch=={oldest}.*' in matrix['include'][0]['torch']


def test_workflows_do_what_make_does():
    """The tests' step of make, with the same extras, on systems without make."""
    makefile, text = (ROOT / 'Makefile').read_text(), steps_of(WORKFLOWS[0])
    for step in ('-m pytest -n ', ' --dist worksteal', "-e '.[lite,test]'"):
        assert step in makefile
        assert step in text


def test_acceptance_tests_as_a_newcomer_does_before_it_installs_anything():
    """First on a machine without a browser, which only tests of pages need."""
    lines = (ROOT / '.ci/run').read_text().partition('\ncd ')[2].splitlines()[1:]
    text = '\n'.join(line for line in lines if not line.startswith('#'))
    steps = [s.strip() for s in re.split(r'\n|&&|\|\||[()]', text)]
    assert [step for step in steps if step] == [
        'make lint',
        'MMSKELSEG_TEST_BROWSER=none make test',
        'for package in io runtime behaviour; do make alone PACKAGE=$package; done',
        'command -v chromium',
        'apt-get -qq update',
        'apt-get -qq install -y chromium',
        "echo 'Chromium cannot be installed here'",
        'make test-pages',
    ]


def test_suite_also_runs_without_the_packages_of_extras():
    """Those of extras that the extra `test` takes in are removed again."""
    tomllib = pytest.importorskip('tomllib')  # new in Python 3.11
    files = [ROOT / 'pyproject.toml', *ROOT.glob('packages/*/pyproject.toml')]
    projects = (tomllib.loads(file.read_text())['project'] for file in files)
    extras = {one['name']: one.get('optional-dependencies', {}) for one in projects}
    (own,) = (x for x in extras['mmskelseg']['test'] if x.startswith('mmskelseg['))
    todo, packages = [own], set()
    for line in todo:
        name, *asked = re.findall(r'[\w-]+', line.partition('==')[0])
        if name in extras:
            todo += (more for extra in asked for more in extras[name][extra])
        else:
            packages.add(name)
    (removed,) = re.findall(r'pip uninstall -y (.+)', steps_of(WORKFLOWS[0]))
    assert set(removed.split()) == packages


@pytest.mark.parametrize(
    'path',
    [ROOT / '.pre-commit-config.yaml', *ROOT.glob('.github/ISSUE_TEMPLATE/*.yml')],
    ids=lambda path: path.stem,
)
def test_settings_are_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)


def test_citation_names_the_version_and_the_paper():
    """Those of the package and of the page that asks to cite the paper."""
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == __version__
    assert f"license = '{citation['license']}'" in PROJECT
    paper = citation['preferred-citation']
    page = (ROOT / 'configs/skelseg/README.md').read_text()
    assert paper['title'] in page.replace('{2D}', '2D')
    names = ' and '.join(
        f'{a["family-names"]}, {a["given-names"]}' for a in paper['authors']
    )
    assert names in ' '.join(page.split())
