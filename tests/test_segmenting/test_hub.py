"""Models that travel: as folders, and through a hub, without PyTorch."""

import json
import shutil
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from mmskelseg.apis import SkelSegInferencer
from mmskelseg.commands.share import Share, licence
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.dependencies import DependencyError
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime import OnnxSegmenter, OnnxStream
from mmskelseg_runtime.segmenting import hub
from mmskelseg_runtime.segmenting.model_zoo import check_zoo, exported_file
from tests.errors import raises_naming
from tests.hub_server import served_hub
from tests.small_data import PATH, save_poses
from tests.test_segmenting.test_without_pytorch import BLOCKED, run

HUB = """
import sys
from pathlib import Path
from mmskelseg_io.jobs import main
from mmskelseg_io.messages.errors import UserError
from mmskelseg_runtime.segmenting.hub import push

folder, poses, out = sys.argv[1:]
print(push(Path(folder), 'ann/mice', private=False))
words = ['segment', poses, '--formats', 'json', '--out']
main([*words, out, '--model', 'hf:ann/mice'])
for name in ('hf:ann/rats', 'hf:ann/mice@v2'):
    try:
        main([*words, out, '--model', name])
    except SystemExit as error:
        print(error)
"""


@pytest.fixture(scope='module')
def shared(recipe, tmp_path_factory):
    """The folder of a shared model of random weights."""
    out = tmp_path_factory.mktemp('shared') / 'mice'
    job = Share(files=[str(recipe[0]), str(out)], licence='cc-by-4.0', about='For us.')
    return job.run(PrintedEvents())


@pytest.fixture
def poses(person, tmp_path):
    return save_poses(tmp_path / 'take1.npz', person(120))


def test_shared_folder_says_what_it_is_and_has_no_program(shared):
    names = {'README.md', 'config.json', 'model.onnx', 'model.safetensors'}
    assert {path.name for path in shared.iterdir()} == names
    facts = json.loads((shared / 'config.json').read_text())
    assert facts['license'] == 'cc-by-4.0'
    assert facts['fps'] == 10
    assert facts['joints'][0] == 'right_ankle'
    assert facts['distances'].startswith('scale-free')
    card = (shared / 'README.md').read_text()
    assert card.startswith('---\nlicense: "cc-by-4.0"\n')
    assert 'For us.' in card
    assert str(shared.parent) not in card


def test_shared_model_is_that_of_the_checkpoint(shared, recipe, poses):
    options = {'show_progress': False}
    (whole,) = SkelSegInferencer(None, recipe[0], 'cpu', **options)(poses)[
        'predictions'
    ]
    opened = SkelSegInferencer.from_pretrained(shared, 'cpu', **options)
    for segment in (opened, OnnxSegmenter(shared, **options)):
        (found,) = segment(poses)['predictions']
        np.testing.assert_array_equal(found['pred_label'], whole['pred_label'])
        np.testing.assert_allclose(found['pred_score'], whole['pred_score'], atol=1e-5)


def test_causal_model_is_shared_for_streams(stream_file, tmp_path):
    job = Share(
        files=[str(stream_file[0]), str(tmp_path / 'live')],
        licence='mit',
        streaming=True,
    )
    events = Mock()
    folder = job.run(events)
    data = json.loads((folder / 'config.json').read_text())['data']['name']
    assert f'the name of the data, {data};' in str(events.note.mock_calls)
    assert OnnxStream(folder).lookahead == OnnxStream(stream_file[1]).lookahead


def test_nothing_is_written_for_an_unknown_model(tmp_path):
    job = Share(files=['nosuch.pth', str(tmp_path / 'shared')], licence='mit')
    with raises_naming(UserError, 'nosuch.pth'):
        job.run(Mock())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize('name', ['README.md', 'model.onnx'])
def test_files_of_others_are_not_replaced(shared, tmp_path, name):
    """Nor those that a link leads to."""
    kept, out = tmp_path / 'kept', tmp_path / 'out'
    kept.write_text('mine')
    out.mkdir()
    (out / name).symlink_to(kept)
    job = Share(files=[str(shared), str(out)], licence='mit')
    with raises_naming(UserError, out / name):
        job.start(PrintedEvents())
    assert kept.read_text() == 'mine'
    (out / name).unlink()
    job.start(PrintedEvents())
    job.start(PrintedEvents())
    with raises_naming(UserError, shared):
        Share(files=[str(shared), str(shared)], licence='mit').start(PrintedEvents())


def test_model_travels_through_a_hub_without_pytorch(shared, poses, tmp_path):
    """It is uploaded, its local folder vanishes, and another machine labels with it."""
    folder = shutil.copytree(shared, tmp_path / 'moved')
    out = tmp_path / 'out'
    (folder / 'notes.txt').write_text('mine')
    own = {'HF_HUB_CACHE': tmp_path / 'cache', 'HF_TOKEN': 'secret', 'PYTHONPATH': PATH}
    with served_hub() as server:
        words = [sys.executable, '-c', BLOCKED + HUB, folder, poses, out]
        done = run(words, HF_ENDPOINT=server.address, **own)
        sent, models = {*server.sent}, server.models
    # The joints of the file lack names, which are those of the model.
    (found,) = OnnxSegmenter(shared, show_progress=False)(poses)['predictions']
    content = json.loads((out / 'segments.json').read_text())
    assert [s['label'] for s in content['segments']] == [
        s['label'] for s in found['segments']
    ]
    # Nothing else of the repository is read.
    assert sent == {'model.onnx'}
    assert {*models['ann/mice']} == {path.name for path in shared.iterdir()}
    assert models['ann/mice']['README.md'] == (shared / 'README.md').read_bytes()
    assert 'hf:ann/rats: the hub cannot be used (RepositoryNotFoundError' in done.stdout
    assert 'hf:ann/mice@v2: the hub cannot be used (RevisionNotFound' in done.stdout
    offline = {**own, 'HF_HUB_OFFLINE': 1, 'HF_ENDPOINT': server.address}
    code = 'from mmskelseg_runtime.segmenting.hub import hub_file\n'
    code += 'print(hub_file("hf:ann/mice", "model.onnx"))\n'
    # Once downloaded, it needs no network.
    done = run([sys.executable, '-c', BLOCKED + code], **offline)
    assert done.stdout.strip().endswith('model.onnx')
    code = code.replace('mice', 'cats')
    done = run([sys.executable, '-c', BLOCKED + code], code=1, **offline)
    assert 'to use it offline, download model.onnx' in done.stderr


@pytest.mark.parametrize('header', ['ETag', 'X-Linked-ETag', 'X-Repo-Commit'])
def test_hub_cannot_write_outside_of_the_cache(header, tmp_path):
    """Tags become names of files there; those of a known hub are letters and digits."""
    own = {'HF_HUB_CACHE': tmp_path / 'in/cache', 'PYTHONPATH': PATH}
    code = 'from mmskelseg_runtime.segmenting.hub import hub_file\n'
    code += 'hub_file("hf:ann/mice", "model.onnx")\n'
    with served_hub() as server:
        server.models['ann/mice'] = {'model.onnx': b'evil'}
        server.headers[header] = '"../../../../evil"'
        words = [sys.executable, '-c', BLOCKED + code]
        done = run(words, code=1, HF_ENDPOINT=server.address, **own)
    assert f'{header.lower()} \'"../../../../evil"\'' in done.stderr
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


@pytest.mark.parametrize('opened', [
    OnnxSegmenter, OnnxStream, SkelSegInferencer.from_pretrained
])  # fmt: skip
@pytest.mark.parametrize('content', [b'', b'x' * 100])
def test_damaged_model_of_a_hub_has_its_name(opened, content, monkeypatch, tmp_path):
    """Not that of a file in a cache, of which the user knows nothing."""
    file = tmp_path / 'model.onnx'
    file.write_bytes(content)
    monkeypatch.setattr(
        'mmskelseg_runtime.segmenting.model_zoo.hub_file',
        lambda name, wanted: file.with_suffix(Path(wanted).suffix),
    )
    file.with_suffix('.safetensors').write_bytes(content)
    with raises_naming(UserError, 'hf:ann/mice: ') as raised:
        opened('hf:ann/mice')
    assert str(tmp_path) not in str(raised.value)


def test_model_of_a_hub_of_another_kind_has_its_name(shared, monkeypatch):
    monkeypatch.setattr(
        'mmskelseg_runtime.segmenting.model_zoo.hub_file',
        lambda name, wanted: shared / wanted.replace('_live', ''),
    )
    with raises_naming(UserError, 'hf:ann/mice: ', 'segmentor') as raised:
        OnnxStream('hf:ann/mice')
    assert str(shared) not in str(raised.value)
    opened = SkelSegInferencer.from_pretrained('hf:ann/mice', 'cpu')
    assert [*opened.checkpoints] == ['hf:ann/mice']


@pytest.mark.parametrize('name', ['hf:', 'hf:mice', 'hf:../x/y', 'hf:a/b@../c'])
def test_names_of_a_hub_are_checked(name):
    with raises_naming(UserError, f'{name!r}: ', 'hf:USER/NAME'):
        check_zoo(name)


def test_missing_library_names_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    with raises_naming(UserError, 'hf:ann/mice', 'pip install huggingface_hub'):
        exported_file('hf:ann/mice')


def test_hub_without_an_answer_is_told_in_plain_words(monkeypatch):
    errors = pytest.importorskip('huggingface_hub.errors')

    def fail(*_, **options):
        raise errors.LocalEntryNotFoundError('An error happened. ' * 40)

    monkeypatch.setattr('huggingface_hub.hf_hub_download', fail)
    with raises_naming(UserError, 'hf:ann/mice: ', 'does not answer') as raised:
        exported_file('hf:ann/mice')
    assert 'Error' not in str(raised.value)


def test_missing_library_is_named_before_a_folder_is_written(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    files = [str(tmp_path / 'model'), str(tmp_path / 'out')]
    with raises_naming(DependencyError, 'ann/mice', 'pip install huggingface_hub'):
        Share(files=files, licence='mit', push='ann/mice').run(Mock())
    assert not [*tmp_path.iterdir()]


def test_files_of_a_hub_have_fixed_names(monkeypatch):
    """A stream has an exported model of its own."""
    asked = []
    monkeypatch.setattr(
        'mmskelseg_runtime.segmenting.model_zoo.hub_file', lambda *a: asked.append(a)
    )
    exported_file('hf:ann/mice')
    exported_file('hf:ann/mice@v2', live=True)
    assert asked == [
        ('hf:ann/mice', 'model.onnx'), ('hf:ann/mice@v2', 'model_live.onnx'),
    ]  # fmt: skip
    assert hub.parts_of('hf:ann/mice@v2') == ('ann/mice', 'v2')


@pytest.mark.parametrize('text', ['CC BY 4.0', '-x', 'mitt'])
def test_licence_is_an_id(text):
    with raises_naming(UserError, text, 'cc-by-4.0 | mit, | other'):
        licence(text)
    assert licence('other') == 'other'


def test_other_folders_are_not_written_into(tmp_path, recipe):
    (tmp_path / 'thesis.tex').touch()
    job = Share(files=[str(recipe[0]), str(tmp_path)], licence='mit')
    with raises_naming(UserError, tmp_path, 'thesis.tex'):
        job.run(PrintedEvents())
