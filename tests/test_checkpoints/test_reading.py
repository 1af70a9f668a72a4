"""Loading of weights and checkpoints without running code from them."""

import io
import os
import pickle
import tarfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.infer import BaseInferencer
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.runner import Runner, load_checkpoint
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner import runner as mmengine_runner
from safetensors.torch import save_file
from torch import nn

import mmskelseg  # noqa: F401
from mmskelseg.checkpoints import reading
from mmskelseg_io.files.pickled_values import Named, UnsafePickleError
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.oracle import Call


def touch(trace):
    """Return what pickles as a call of os.system that leaves a file."""
    return Call(os.system, f'touch {trace}')


class Line(BaseModel):
    """The smallest model that a Runner trains."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        error = self.linear(inputs).square().mean()
        return {'loss': error} if mode == 'loss' else [error]


def make_runner(folder, epochs=2, **options):
    torch.manual_seed(0)
    data = [{'inputs': torch.randn(2), 'data_samples': 0} for _ in range(4)]
    loader = {
        'batch_size': 2,
        'dataset': data,
        'num_workers': 0,
        'collate_fn': {'type': 'default_collate'},
        'sampler': {'type': 'DefaultSampler', 'shuffle': False},
    }
    return Runner(
        Line(),
        str(folder),
        train_dataloader=loader,
        train_cfg={'by_epoch': True, 'max_epochs': epochs},
        optim_wrapper={'optimizer': {'type': 'Adam', 'lr': 0.1}},
        param_scheduler=[{'type': 'StepLR', 'step_size': 1}],
        test_dataloader=loader,
        test_cfg={},
        test_evaluator=[],
        default_hooks={'checkpoint': {'type': 'CheckpointHook', 'interval': 1}},
        default_scope='mmskelseg',
        experiment_name=folder.name,
        cfg=Config({'lr': 0.1, 'steps': [1, 2], 'model': {'type': 'Line'}}),
        **options,
    )


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A Runner after two epochs, and the checkpoint that MMEngine wrote."""
    runner = make_runner(tmp_path_factory.mktemp('trained'))
    runner.train()
    return runner, f'{runner.work_dir}/epoch_2.pth'


def rewritten(path, target, change):
    """Return a copy of a checkpoint with its content changed."""
    content = reading.load_checkpoint(path)
    change(content)
    torch.save(content, target)
    return str(target)


def test_resume_restores_optimizer_schedule_and_log_history(trained, tmp_path):
    """A resumed run stands where the first one ended."""
    first, path = trained
    second = make_runner(tmp_path / 'resumed', epochs=3, resume=True, load_from=path)
    second.load_or_resume()
    assert (second.epoch, second.iter) == (2, 4)
    weights = first.model.state_dict()
    for name, weight in second.model.state_dict().items():
        torch.testing.assert_close(weight, weights[name], rtol=0, atol=0)
    torch.testing.assert_close(
        second.optim_wrapper.state_dict(), first.optim_wrapper.state_dict()
    )
    for ours, theirs in zip(
        second.param_schedulers, first.param_schedulers, strict=True
    ):
        assert ours.state_dict() == theirs.state_dict()
    scalars = first.message_hub.log_scalars
    assert scalars.keys() == second.message_hub.log_scalars.keys() != set()
    for name, history in second.message_hub.log_scalars.items():
        assert isinstance(history, HistoryBuffer)
        for ours, theirs in zip(history.data, scalars[name].data, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert history.statistics('mean') == scalars[name].mean()


def test_checkpoint_serves_load_from_and_test(trained, tmp_path):
    """A test run takes weights through the same loader."""
    first, path = trained
    runner = make_runner(tmp_path / 'tested', load_from=path)
    runner.test()
    torch.testing.assert_close(runner.model.state_dict(), first.model.state_dict())


@pytest.mark.parametrize('use_zip', [True, False], ids=['zip', 'legacy'])
@pytest.mark.parametrize(
    'load',
    [reading.load_checkpoint, lambda path: load_checkpoint(Line(), str(path))],
    ids=['ours', 'mmengine'],
)
def test_checkpoint_with_a_command_is_refused_and_leaves_no_trace(
    tmp_path, load, use_zip
):
    """Both of torch's file formats, by our function and by MMEngine's."""
    trace = tmp_path / 'trace'
    path = tmp_path / 'evil.pth'
    content = {'state_dict': {'linear.weight': torch.ones(1, 2)}, 'x': touch(trace)}
    torch.save(content, path, _use_new_zipfile_serialization=use_zip)
    with raises_naming(UnsafePickleError, path, '`os.system`'):
        load(path)
    assert not trace.exists()


def test_resume_from_a_checkpoint_with_a_command_is_refused(trained, tmp_path):
    _, path = trained
    trace = tmp_path / 'trace'
    evil = rewritten(
        path, tmp_path / 'evil.pth', lambda c: c['meta'].update(x=touch(trace))
    )
    runner = make_runner(tmp_path / 'run', resume=True, load_from=evil)
    with raises_naming(UnsafePickleError, evil, '`os.system`'):
        runner.train()
    assert not trace.exists()


@pytest.mark.parametrize(
    ('holder', 'key'), [('meta', 'config'), ('meta', 'cfg'), ('message_hub', 'cfg')]
)
def test_resume_refuses_config_text_that_runs_a_command(trained, tmp_path, holder, key):
    """MMEngine would execute these texts."""
    trace = tmp_path / 'trace'
    text = f'import os\nlr = os.system("touch {trace}")\n'

    def plant(content):
        place = content[holder]
        (place['runtime_info'] if holder == 'message_hub' else place)[key] = text

    evil = rewritten(trained[1], tmp_path / 'evil.pth', plant)
    runner = make_runner(tmp_path / 'run', resume=True, load_from=evil)
    with raises_naming(UnsafePickleError, evil, 'line 1', '`import os`'):
        runner.train()
    assert not trace.exists()


def test_resume_accepts_config_text_of_plain_values(trained, tmp_path):
    """The text under the key that MMEngine reads on resume survives its parser."""
    path = rewritten(
        trained[1],
        tmp_path / 'plain.pth',
        lambda c: c['meta'].update(config=c['meta']['cfg'] + 'custom_imports = ["x"]'),
    )
    runner = make_runner(tmp_path / 'run', resume=True, load_from=path)
    runner.load_or_resume()
    assert runner.epoch == 2


def test_message_hub_keeps_the_config_text(trained):
    first, path = trained
    loaded = reading.load_checkpoint(path)
    assert loaded['meta']['cfg'] == first.cfg.pretty_text
    assert loaded['message_hub']['runtime_info']['cfg'] == first.cfg.pretty_text


def save(path, content, **options):
    torch.save(content, path, **options)
    return path


def test_weights_file_keeps_types_devices_and_metadata(tmp_path):
    state = nn.BatchNorm1d(2).state_dict()
    content = {
        'state_dict': state, 'half': torch.ones(2, dtype=torch.float16),
        'view': torch.arange(6).view(2, 3).t()[1:],
        'parameter': nn.Parameter(torch.ones(1)), 'size': torch.Size([1, 2]),
        'dtype': torch.bfloat16, 'device': torch.device('cpu'), 'array': np.arange(3),
        'scalar': np.float64(2),
    }  # fmt: skip
    for use_zip in (True, False):
        path = save(tmp_path / 'w.pth', content, _use_new_zipfile_serialization=use_zip)
        loaded = reading.load_checkpoint(path)
        assert isinstance(loaded['state_dict'], OrderedDict)
        assert loaded['state_dict']._metadata == state._metadata
        for name in ('half', 'view', 'parameter'):
            torch.testing.assert_close(loaded[name], content[name], rtol=0, atol=0)
        assert isinstance(loaded['parameter'], nn.Parameter)
        for name in ('size', 'dtype', 'device', 'scalar'):
            assert loaded[name] == content[name]
            assert type(loaded[name]) is type(content[name])
        np.testing.assert_array_equal(loaded['array'], content['array'])


def test_checkpoint_getattr_reaches_the_statistics_alone(tmp_path):
    """MMEngine's files need HistoryBuffer.mean; everything else is refused."""
    path = save(tmp_path / 'a.pth', Call(getattr, HistoryBuffer, 'mean'))
    assert reading.load_checkpoint(path) == Named('HistoryBuffer.mean')
    for owner, name in ((HistoryBuffer, '__init__'), ('', 'join'), (set, 'mean')):
        path = save(tmp_path / 'a.pth', Call(getattr, owner, name))
        with raises_naming(UnsafePickleError, path, '`builtins.getattr`'):
            reading.load_checkpoint(path)


def test_checkpoint_cannot_replace_the_statistics(tmp_path):
    """HistoryBuffer keeps its methods in the class, for all buffers at once."""
    buffer = HistoryBuffer([1.0], [1])
    buffer._statistics_methods = {**buffer._statistics_methods, 'mean': set}
    path = save(tmp_path / 'a.pth', buffer)
    with raises_naming(UnsafePickleError, path, "'mean'"):
        reading.load_checkpoint(path)
    assert HistoryBuffer._statistics_methods['mean'] is HistoryBuffer.mean


def pack(path):
    with tarfile.open(path, 'w') as archive:
        archive.addfile(tarfile.TarInfo('storages'))


@pytest.mark.parametrize(
    ('write', 'named'),
    [
        (lambda path: save(path, nn.Linear(1, 1)), '`torch.nn.modules.linear.Linear`'),
        (lambda path: torch.jit.script(nn.Linear(1, 1)).save(path), 'TorchScript'),
        (pack, 'tar archive'),
    ],
)
def test_checkpoint_of_another_form_is_refused(tmp_path, write, named):
    path = tmp_path / 'a.pth'
    write(path)
    with raises_naming(UnsafePickleError, path, named):
        reading.load_checkpoint(path)


@pytest.mark.parametrize('form', ['zip', 'legacy', 'safetensors'])
@pytest.mark.parametrize('share', [0.0, 0.02, 0.2, 0.5, 0.9, 0.99])
def test_truncated_checkpoint_is_named(tmp_path, form, share):
    path = tmp_path / f'cut.{"safetensors" if form == "safetensors" else "pth"}'
    state = {'a': torch.ones(99)}
    if form == 'safetensors':
        reading.save_weights(path, state, {})
    else:
        save(path, state, _use_new_zipfile_serialization=form == 'zip')
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with raises_naming(ValueError, path):
        reading.load_checkpoint(path)


@pytest.mark.parametrize(
    'content', [b'<html>', pickle.dumps([1]), b'PK\x03\x04', b'cfoo bar\nbaz\n.']
)
def test_other_file_is_named(tmp_path, content):
    path = tmp_path / 'other.pth'
    path.write_bytes(content)
    with raises_naming(ValueError, path):
        reading.load_checkpoint(path)


@pytest.mark.parametrize(
    'load', [reading.load_checkpoint, mmengine_checkpoint._load_checkpoint]
)
def test_missing_checkpoint_is_named(tmp_path, load):
    with raises_naming(FileNotFoundError, tmp_path / 'none.pth'):
        load(str(tmp_path / 'none.pth'))


@pytest.mark.parametrize(
    'load',
    [
        lambda _: mmengine_checkpoint._load_checkpoint('https://x.org/zoo/evil.pth'),
        lambda _: mmengine_checkpoint._load_checkpoint('openmmlab://evil'),
        lambda path: mmengine_checkpoint.torch.load(io.BytesIO(path.read_bytes())),
    ],
    ids=['url', 'model zoo', 'stream'],
)
def test_other_ways_to_a_checkpoint_are_restricted_too(tmp_path, monkeypatch, load):
    """Downloads, model zoos and object stores end in the same loader."""
    trace = tmp_path / 'trace'
    path = save(tmp_path / 'evil.pth', touch(trace))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr(
        mmengine_checkpoint, 'get_external_models', lambda: {'evil': str(path)}
    )
    monkeypatch.setattr(
        torch.hub,
        'download_url_to_file',
        lambda url, target, **_: os.link(path, target),
    )
    with raises_naming(UnsafePickleError, '`os.system`'):
        load(path)
    assert not trace.exists()


def test_downloaded_checkpoint_is_kept_and_failure_names_the_file(
    tmp_path, monkeypatch
):
    """A download is made once, and a failed one says where the file belongs."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    fetched = []

    def fetch(url, target, **_):
        if 'missing' in url:
            raise OSError('no network')
        fetched.append(url)
        save(target, {'a': 1})

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    for _ in range(2):
        assert mmengine_checkpoint._load_checkpoint('http://x.org/w.pth') == {'a': 1}
    assert fetched == ['http://x.org/w.pth']
    missing = 'http://x.org/missing.pth'
    with raises_naming(OSError, missing, tmp_path / 'hub/checkpoints/missing.pth'):
        mmengine_checkpoint._load_checkpoint(missing)


def test_inferencer_refuses_config_text_that_runs_a_command(trained, tmp_path):
    """MMEngine's inferencers execute the text when they get no config."""
    trace = tmp_path / 'trace'
    evil = rewritten(
        trained[1],
        tmp_path / 'evil.pth',
        lambda c: c['message_hub']['runtime_info'].update(
            cfg=f'x = [].__class__.__base__.y("touch {trace}")'
        ),
    )
    with raises_naming(UnsafePickleError, evil, '`[].__class__.__base__.y('):
        BaseInferencer._init_model(None, {}, evil)
    assert not trace.exists()


@pytest.fixture
def work_dir(tmp_path):
    """A folder of checkpoints, from the oldest to the newest."""
    for i, name in enumerate(('epoch_9.pth', 'epoch_1.pth', 'epoch_2.pth', 'a.pth')):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (i, i))
    return tmp_path


@pytest.mark.parametrize(
    ('named', 'expected'),
    [
        (None, 'epoch_2.pth'),
        ('', 'epoch_2.pth'),
        ('{folder}/gone.pth', 'epoch_2.pth'),
        ('{folder}', 'epoch_2.pth'),
        ('.', 'epoch_2.pth'),
        ('\0', 'epoch_2.pth'),
        # It was written before the file was updated.
        ('{folder}/epoch_1.pth', 'epoch_2.pth'),
        ('{folder}/epoch_2.pth', 'epoch_2.pth'),
        ('{folder}/epoch_9.pth', 'epoch_9.pth'),
        ('{folder}/a.pth', 'a.pth'),
        # The folder was moved.
        ('/elsewhere/epoch_9.pth', 'epoch_9.pth'),
    ],
)
def test_last_checkpoint_is_the_newest_of_a_training(work_dir, named, expected):
    """A kill may leave an old `last_checkpoint`; epoch_9 is of an earlier training."""
    if named is not None:
        text = named.format(folder=work_dir)
        (work_dir / 'last_checkpoint').write_text(text)
    found = mmengine_runner.find_latest_checkpoint(str(work_dir))
    assert found == str(work_dir / expected)


def test_last_checkpoint_of_a_copied_folder_is_its_own(work_dir):
    """Even if the original is still there."""
    copy = work_dir / 'copy'
    copy.mkdir()
    (copy / 'epoch_2.pth').touch()
    (copy / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
    found = mmengine_runner.find_latest_checkpoint(str(copy))
    assert found == str(copy / 'epoch_2.pth')


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='a system without pipes')
def test_pipe_that_should_name_the_last_checkpoint_is_not_waited_for(work_dir):
    os.mkfifo(work_dir / 'last_checkpoint')
    found = mmengine_runner.find_latest_checkpoint(str(work_dir))
    assert found == str(work_dir / 'epoch_2.pth')


def test_folder_without_checkpoints_has_no_last_one(tmp_path):
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'epoch_2.pth'))
    assert mmengine_runner.find_latest_checkpoint(str(tmp_path)) is None
    assert mmengine_runner.find_latest_checkpoint(str(tmp_path / 'none')) is None


def test_safetensors_keep_weights_and_metadata(tmp_path):
    """Also those that share memory, and of other types."""
    shared = torch.arange(6.0).view(2, 3)
    state = {'a': shared, 'b': shared.t(), 'c': torch.ones(2, dtype=torch.bfloat16)}
    meta = {'cfg': 'lr = 0.1\n', 'dataset_meta': {'classes': ['Ärger', 'b']}, 'seed': 0}
    path = tmp_path / 'a.safetensors'
    reading.save_weights(path, state, meta)
    loaded = reading.load_checkpoint(path)
    assert loaded['meta'] == meta
    torch.testing.assert_close(loaded['state_dict'], state, rtol=0, atol=0)
    line = Line()
    reading.save_weights(path, line.state_dict(), {})
    other = Line()
    load_checkpoint(other, str(path))
    torch.testing.assert_close(other.state_dict(), line.state_dict())


def test_safetensors_keep_metadata_that_json_has_no_type_for(tmp_path):
    """An annotation file may hold any, and a fit must not fail at its end."""
    meta = {'dataset_meta': {'mine': np.ones((2, 1)), 3: {'a'}, 'fps': np.float32(5)}}
    path = tmp_path / 'a.safetensors'
    reading.save_weights(path, {'a': torch.ones(1)}, {**meta, 'b': b'c'})
    assert reading.load_checkpoint(path)['meta'] == {
        'dataset_meta': {'mine': [[1], [1]], '3': ['a'], 'fps': 5}, 'b': "b'c'"
    }  # fmt: skip


def test_safetensors_of_other_programs_are_read_as_weights(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_file({'a': torch.ones(2)}, path, {'format': 'pt'})
    loaded = reading.load_checkpoint(path)
    assert loaded['meta'] == {}
    assert loaded['state_dict']['a'].tolist() == [1, 1]


@pytest.mark.parametrize(
    'text', ['import os', 'x = os.system("true")', '[' * 9999, '\0']
)
def test_config_text_in_safetensors_is_reduced_too(tmp_path, text):
    path = tmp_path / 'a.safetensors'
    reading.save_weights(path, {'a': torch.ones(1)}, {'cfg': text})
    with raises_naming(UnsafePickleError, path, 'its config'):
        reading.load_checkpoint(path)


@pytest.mark.parametrize('text', ['[' * 99999, '{', '3', '[]'])
def test_damaged_metadata_of_safetensors_are_refused(tmp_path, text):
    path = tmp_path / 'a.safetensors'
    save_file({'a': torch.ones(1)}, path, {'mmskelseg': text})
    with raises_naming(UserError, path):
        reading.load_checkpoint(path)


ENDLESS = torch.zeros(1).expand(1 << 24, 1)
REBUILD = torch._utils._rebuild_tensor_v2
STORAGE = torch.zeros(1).storage()
CRAFTED = {
    'pairs that are a tensor': Call(OrderedDict, ENDLESS),
    'size that is a tensor': Call(torch.Size, ENDLESS),
    'strides that are a tensor': Call(REBUILD, STORAGE, 0, ENDLESS, ENDLESS),
    'shape of many axes': Call(REBUILD, STORAGE, 0, (1,) * 99999, (0,) * 99999),
    'shape that never ends': Call(REBUILD, STORAGE, 0, (1 << 99,) * 999, (0,) * 999),
    'tensor before its storage': Call(REBUILD, STORAGE, -1, (1,), (1,)),
    'tensor beyond its storage': Call(REBUILD, STORAGE, 1, (1,), (1,)),
    'steps backwards': Call(REBUILD, STORAGE, 0, (2,), (-1,)),
    'parameter of no tensor': Call(torch._utils._rebuild_parameter, 1, True, {}),
    'no device': Call(torch.device, 'zzz'),
}


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('use_zip', [True, False], ids=['zip', 'legacy'])
@pytest.mark.parametrize('program', CRAFTED.values(), ids=CRAFTED)
def test_checkpoint_refuses_programs_that_no_tensor_has(tmp_path, program, use_zip):
    """Of a few bytes, which would take very long or much memory, or read beyond."""
    path = save(tmp_path / 'a.pth', program, _use_new_zipfile_serialization=use_zip)
    with raises_naming(UserError, path):
        reading.load_checkpoint(path)


def test_history_of_unequal_lengths_is_refused(tmp_path):
    buffer = HistoryBuffer([1.0], [1])
    buffer._count_history = np.ones(2)
    path = save(tmp_path / 'a.pth', buffer)
    with raises_naming(UserError, path):
        reading.load_checkpoint(path)
