"""Checkpoints of random weights."""

import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmskelseg.registry import MODELS


@pytest.fixture(scope='session')
def untrained():
    """Save a checkpoint of random weights for a config file, beside it."""

    def save(config, meta, **model):
        init_default_scope('mmskelseg')
        cfg = Config.fromfile(config)
        cfg.model.update(model)
        torch.manual_seed(0)
        network = MODELS.build(cfg.model)
        for name, buffer in network.named_buffers():
            if 'standardizer' in name:
                buffer.fill_(1)
        path = config.with_suffix('.pth')
        content = {'state_dict': network.state_dict(), 'meta': {'dataset_meta': meta}}
        torch.save(content, path)
        return path

    return save


@pytest.fixture
def call(tmp_path, capsys, request):
    """Run what a test module imports as ``main``, into the folder `out`.

    Returns what it prints, or ends with.
    """

    def run(*args):
        words = [*map(str, args), '--out', str(tmp_path / 'out')]
        try:
            request.module.main(words, prog='command')
        except SystemExit as end:
            return end.code
        return capsys.readouterr().out

    return run


@pytest.fixture
def stop_early(tmp_path):
    """Copy a training of four epochs, as if it had been stopped after two."""

    def copy(name, to):
        folder = shutil.copytree(tmp_path / name, tmp_path / to)
        for epoch in (3, 4):
            (folder / f'epoch_{epoch}.pth').unlink()
        (folder / 'last_checkpoint').write_text(str(folder / 'epoch_2.pth'))

    return copy
