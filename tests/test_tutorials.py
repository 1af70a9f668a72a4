"""The tutorials run, as for somebody who opens them in an empty folder."""

import base64
import json
import re

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from docs.execute_tutorials import TUTORIALS, execute
from tests.small_data import ROOT

each_notebook = pytest.mark.parametrize(
    'path', sorted(TUTORIALS.glob('*.ipynb')), ids=lambda path: path.stem
)
# Of its epochs, where less than a quarter tells enough.
PARTS = {'clips': 8}
PATH_OF_A_MACHINE = re.compile(
    r'(?<![\w.:/])/(?:content|home|mnt|opt|private|root|tmp|usr|Users|var|work)/'
    r'|\b[A-Z]:\\'
)


def texts_of(cell):
    """Return the texts that a cell puts out."""
    for output in cell.get('outputs', ()):
        yield output.get('text', '')
        data = output.get('data', {})
        yield from (text for kind, text in data.items() if kind.startswith('text/'))


def address():
    """Return the address of the repository."""
    project = (ROOT / 'pyproject.toml').read_text('utf-8')
    return re.findall(r"^Repository = '(.*)'$", project, re.M)[0]


@pytest.mark.slow
@pytest.mark.usefixtures('quick_runs')
@each_notebook
def test_tutorial_runs(path, tmp_path, served):
    """No cell fails, the last of which compares what the models score.

    Its trainings are shorter here, and of one network; they were whole for the outputs
    kept.
    """
    part = PARTS.get(path.stem, 4)
    text, count = re.subn(
        r'--epochs (\d+)',
        lambda found: f'--epochs {int(found[1]) // part}',
        path.read_text('utf-8'),
    )
    assert count
    one = r'\1 --cfg-options model.members=1 train_cfg.val_interval=99"'
    text = re.sub(r'(!mmskelseg (?:cross-validate|train) \w+\.py)"', one, text)
    # No cell shows the timelines of a cross-validation.
    no_pictures = r'\1 default_hooks.visualization.enable=False"'
    text = re.sub(r'(!mmskelseg cross-validate .*)"', no_pictures, text)
    (tmp_path / path.name).write_text(text, 'utf-8')
    notebook = execute(tmp_path / path.name, tmp_path, served)
    cells = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert re.search('^assert ', cells[-1].source, re.M)
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    for cell in cells:
        for text in texts_of(cell):
            assert str(tmp_path) not in text


@each_notebook
def test_tutorial_says_what_it_is_and_opens_in_colab(path):
    """The first cell has the title and a link to this very notebook."""
    first = nbformat.read(path, as_version=4).cells[0]
    colab = address().replace('github.com', 'colab.research.google.com/github')
    link = f'{colab}/blob/main/docs/tutorials/{path.name}'
    assert first.source.startswith('# ')
    assert f']({link})' in first.source


@each_notebook
def test_tutorial_links_to_files_that_are_there(path):
    """Links are whole, since those who open it in Colab have no other file."""
    text = path.read_text('utf-8')
    targets = re.findall(r'\]\(([^)#]+)', text)
    assert [target for target in targets if '://' not in target] == []
    start = f'{address()}/blob/main/'
    files = [t.removeprefix(start) for t in targets if t.startswith(start)]
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []
    # Nor does a link or a command have another address.
    named = re.findall(r'github(?:\.com)?/([\w.-]+/mmskelseg)', text)
    assert {*named} == {address().removeprefix('https://github.com/')}


@each_notebook
def test_tutorial_is_kept_with_outputs_that_suit_the_site(path):
    """It was executed whole, and shows small pictures and no path of a machine."""
    notebook = json.loads(path.read_text('utf-8'))
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    counts = [cell['execution_count'] for cell in cells]
    assert counts == [*range(1, len(cells) + 1)]
    pictures = []
    for cell in nbformat.read(path, as_version=4).cells:
        for text in texts_of(cell):
            assert not PATH_OF_A_MACHINE.search(text), text
        for output in cell.get('outputs', ()):
            assert output.output_type != 'error'
            if picture := output.get('data', {}).get('image/png'):
                pictures.append(len(base64.b64decode(picture)))
    assert pictures
    assert max(pictures) < 100_000


def test_execution_ends_where_a_command_fails(tmp_path):
    """IPython itself would go on."""
    path = tmp_path / 'failing.ipynb'
    command = '!python -c "raise SystemExit(3)"'
    cell = nbformat.v4.new_code_cell(f'{command}\nprint("went on")')
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(CellExecutionError, match='_exit_code == 0'):
        execute(path, tmp_path)
