"""What the documents show is what works."""

import re
import runpy
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config

from docs.pictures import PICTURES
from mmskelseg.engine.config_checks import check_config, read_config
from mmskelseg.evaluation import to_segments
from mmskelseg.registry import MODELS
from mmskelseg.runtime import OnnxSegmenter
from mmskelseg_io.files.annotations import load_annotations, save_annotations
from mmskelseg_io.jobs import job
from mmskelseg_io.messages import errors
from mmskelseg_io.structures import Skeleton
from tests.segmentors import build_segmentor, labelled_samples
from tests.small_data import ROOT, small_annotations

PROJECT = (ROOT / 'pyproject.toml').read_text()
PAGES = sorted(
    path
    for pattern in (
        '*.md',
        'docs/**/*.md',
        'configs/**/*.md',
        'benchmarks/**/*.md',
        'projects/**/*.md',
    )
    for path in ROOT.glob(pattern)
)
# An environment variable before a command, and what runs it.
COMMAND = re.compile(r'^(?:[A-Z_]+=\S+ +)*(mmskelseg|python (?:tools|demo)/\S+\.py) ')


def blocks(path, *languages):
    """Return the code of a page that is in one of these languages."""
    found = re.findall(r'^ *```(\w+)\n(.*?)^ *```$', path.read_text(), re.S | re.M)
    return [dedent(code) for language, code in found if language in languages]


def python_block(page, part):
    """Return the Python block of a page in which this part stands."""
    (code,) = (b for b in blocks(ROOT / 'docs' / page, 'python') if part in b)
    return code


def commands():
    """Return the command lines of all pages, each with the name of its page."""
    lines = {}
    for page in PAGES:
        for code in blocks(page, 'bash', 'console'):
            for line in code.replace('\\\n', ' ').splitlines():
                line = line.split(' #')[0].strip()
                # Of a usage, square brackets say what may be left out.
                if COMMAND.match(line) and not re.search(r' \[|\]$', line):
                    lines[line] = page.relative_to(ROOT).as_posix()
    return lines


class ParsedError(Exception):
    """Raised where a command would start to work."""


@pytest.mark.parametrize(
    'line',
    [pytest.param(line, id=f'{page}: {line}') for line, page in commands().items()],
)
def test_command_of_a_document_is_understood(line, tmp_path, monkeypatch, capsys):
    @contextmanager
    def stop(*_):
        raise ParsedError
        yield

    monkeypatch.setattr(job, 'stoppable', stop)
    # For benchmarks, which set the environment before that.
    monkeypatch.setattr(errors, 'user_errors', stop)
    for name in ('OPENBLAS', 'OMP', 'MKL'):
        monkeypatch.setenv(f'{name}_NUM_THREADS', '1')
    # The one file that is read while arguments are parsed.
    skeleton = tmp_path / 'mouse.json'
    skeleton.write_text('{"joints": ["snout", "tail"], "limbs": [[0, 1]]}')
    line = line.replace(skeleton.name, str(skeleton))
    # What a shell would put in.
    line = re.sub(r'\$\w+', '1', line[COMMAND.match(line).start(1) :])
    program, *words = shlex.split(line.replace('...', ''))
    script = str(ROOT / words.pop(0)) if program == 'python' else ''
    monkeypatch.setattr(sys, 'argv', [script or program, *words])
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(Path(script).parent)
    try:
        with pytest.raises(ParsedError):
            runpy.run_path(script or str(ROOT / 'mmskelseg'), run_name='__main__')
    except SystemExit:
        pytest.fail(capsys.readouterr().err)


def test_documents_show_commands():
    """The test above finds them; among them are tools and commands."""
    kinds = {COMMAND.match(line)[1].split('/')[0] for line in commands()}
    assert kinds == {'mmskelseg', 'python tools', 'python demo'}


@pytest.mark.parametrize(
    'code',
    [
        pytest.param(code, id=f'{page.relative_to(ROOT).as_posix()}-{i}')
        for page in PAGES
        for i, code in enumerate(blocks(page, 'python'))
    ],
)
def test_python_of_a_document_can_be_read(code):
    compile(code, 'a document', 'exec')


def test_data_format_shows_how_an_annotation_file_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(python_block('data_format.md', 'save_annotations'), {})
    data = load_annotations('data/arrays/annotations.pkl')
    assert data['split']['test'] == ['subject_03']
    video = data['annotations'][0]
    assert (video['keypoint'][0, 10, 3] == 0).all()
    assert video['keypoint_score'][0, 10, 3] == 0


def test_label_formats_show_a_way_to_elan_and_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(python_block('label_formats.md', 'write_elan'), {})
    assert (tmp_path / 'take1.eaf').is_file()


def test_streaming_shows_how_frames_are_pushed(capsys):
    """With the models and the streams that the page of the model zoo makes."""
    made = {}
    exec(python_block('model_zoo.md', 'OnnxStream'), made)
    assert isinstance(made['segment'], OnnxSegmenter)
    joints = Skeleton.get(made['stream'].skeleton).num_joints
    camera = [
        (np.full((joints, 2), 10.0 * n), np.ones(joints), n / 30) for n in range(20)
    ]
    code = python_block('streaming.md', 'stream.push')
    code, count = re.subn(r'SkelSegStream\([^)]*\)', "SkelSegStream('precog')", code)
    assert count == 1
    exec(code, {'camera': camera})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(camera)
    assert {line.split()[1] for line in lines} <= set(made['stream'].classes)


@pytest.mark.parametrize(
    ('page', 'part', 'beside'),
    [
        ('extending.md', 'num_classes=12', 'skelseg'),
        ('common_layout.md', 'data/gtea/features', 'skelseg'),
        ('recipes.md', 'DropLimb', 'recipes'),
        ('recipes.md', 'postprocess=[dict', 'recipes'),
        ('recipes.md', 'ObjectCoordinates', 'recipes'),
    ],
)
def test_config_of_a_document_is_whole(page, part, beside, tmp_path):
    folder = tmp_path / 'configs'
    for name in ('_base_', beside):
        (folder / name).mkdir(parents=True)
        for file in (ROOT / 'configs' / name).rglob('*.py'):
            copy = folder / file.relative_to(ROOT / 'configs')
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(file.read_text())
    (folder / beside / 'mine.py').write_text("_base_ = './uwiom_pose2d.py'\n")
    path = folder / beside / 'shown.py'
    page = next(ROOT.glob(f'docs/**/{page}')).relative_to(ROOT / 'docs')
    path.write_text(python_block(page, part))
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    assert cfg.test_evaluator.num_classes == model.num_classes


def test_extending_shows_a_backbone_that_works():
    """The example builds, learns, and leaves padding invisible."""
    exec(python_block('extending.md', 'class GRUBackbone'), {})
    model = build_segmentor({'heatmap': {'type': 'GRUBackbone', 'in_channels': 4}})
    x = torch.randn(2, 4, 20)
    samples = labelled_samples((20, 12))
    assert model({'heatmap': x}, samples, mode='loss')['loss_cls'].requires_grad
    together = model({'heatmap': x}, samples)[:, 1, :, :12]
    torch.testing.assert_close(together, model({'heatmap': x[1:, :, :12]})[:, 0])


def test_extending_shows_a_step_that_works():
    """The second of three frames is unsure."""
    exec(python_block('extending.md', 'class DropUnsure'), made := {})
    score = np.array([[0.2, 0.45, 0.9], [0.8, 0.55, 0.1]])
    found = made['DropUnsure'](0.6)(
        {'pred_label': np.array([1, 1, 0]), 'pred_score': score}
    )
    assert found.tolist() == [1, 0, 0]


def test_extending_shows_a_config_that_imports_it(tmp_path, monkeypatch):
    """From its own folder, wherever it is read from."""
    monkeypatch.setattr(sys, 'path', [*sys.path])
    (tmp_path / 'my_package').mkdir()
    module = python_block('extending.md', 'class GRUBackbone')
    # The test above has registered another one.
    module = module.replace('register_module()', 'register_module(force=True)')
    (tmp_path / 'my_package/gru.py').write_text(module)
    config = tmp_path / 'mine.py'
    config.write_text(python_block('extending.md', 'custom_imports'))
    cfg = read_config(config)
    check_config(cfg, 'mine.py')
    parts = MODELS.build(cfg.model).modules()
    assert 'my_package.gru' in {type(part).__module__ for part in parts}


def test_extending_shows_a_command(tmp_path, capsys):
    """In one file, with all that a command has."""
    made = {'__name__': 'count'}
    exec(python_block('extending.md', 'class CountSegments'), made)
    data = small_annotations()
    save_annotations(data, tmp_path / 'a.pkl')
    assert made['main']([str(tmp_path / 'a.pkl'), '--least', '1']) is None
    number = sum(len(to_segments(video['label'])) for video in data['annotations'])
    assert capsys.readouterr().out.splitlines() == [
        '[1/3] video_0', '[2/3] video_1', '[3/3] video_2', f'{number} segments',
    ]  # fmt: skip


def test_first_screen_says_how_to_begin():
    """How to clone the repository at its address, to try it and to test it."""
    address = re.findall(r"^Repository = '(.*)'$", PROJECT, re.M)[0]
    screen = '\n'.join((ROOT / 'README.md').read_text().splitlines()[:30])
    for command in (f'git clone {address} ', '`make demo`', '`make test`'):
        assert command in screen
    named = {
        n
        for p in PAGES
        for n in re.findall(r'github\.com/([^/\s]+/mmskelseg)', p.read_text())
    }
    assert named == {address.removeprefix('https://github.com/')}


@pytest.mark.parametrize(
    'path', PAGES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_document_links_to_files_that_are_there(path):
    for target in re.findall(r'\]\(([^)#]+)', path.read_text()):
        if '://' not in target:
            assert (path.parent / target).exists(), target


def pictures_of(pages):
    """Return the names of the pictures of docs/images that pages show."""
    return {n for p in pages for n in re.findall(r'images/([\w.]+)', p.read_text())}


def test_pictures_are_those_that_the_script_makes():
    """Of README and docs; studies make their own."""
    readme, docs = ROOT / 'README.md', ROOT / 'docs'
    own = {page for page in PAGES if page == readme or docs in page.parents}
    assert pictures_of(own) == set(PICTURES)
    files = {path.name for path in (docs / 'images').iterdir()}
    assert files == pictures_of(PAGES)
    shown = [docs / 'images' / name for name in pictures_of([readme])]
    assert sum(path.stat().st_size for path in shown) < 1_000_000


def test_every_page_is_in_the_navigation_of_the_site():
    """`make docs` demands the same, with packages that need not be there."""
    site = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())
    entries = re.findall(r"'([^']+\.md)'", str(site['nav']))
    docs = ROOT / 'docs'
    pages = {path.relative_to(docs).as_posix() for path in docs.glob('**/*.md')}
    # Notebooks become pages.
    pages |= {f'tutorials/{path.stem}.md' for path in docs.glob('tutorials/*.ipynb')}
    # Made of the help of each command.
    pages.add('commands.md')
    outside = {'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'}
    assert set(entries) == pages | outside
    assert len(entries) == len(set(entries))


def test_every_config_has_a_row_in_the_readme_of_its_folder():
    for config in (ROOT / 'configs').glob('[!_]*/*.py'):
        assert f'`{config.name}`' in (config.parent / 'README.md').read_text()
