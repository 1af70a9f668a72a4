"""A published checkpoint gives what the training's gave, and holds nothing else."""

import numpy as np
import pytest
import torch

from mmskelseg.checkpoints.reading import load_checkpoint
from mmskelseg.converters.checkpoints.publish_model import PublishModel
from mmskelseg_io.files.annotations import load_annotations
from mmskelseg_io.jobs.events import PrintedEvents
from mmskelseg_io.messages.errors import UserError
from tests.errors import raises_naming
from tests.inferring import inferencer_of
from tests.small_data import small_annotations

TOOL = 'tools/model_converters/publish_model.py'


@pytest.mark.parametrize('name', ['mine.pth', 'mine.safetensors'])
def test_published_model_segments_without_its_config(
    small_data, tmp_path, call_tool, name
):
    """With averaged weights, and without paths, history and optimizer."""
    call_tool('tools/make_config.py', small_data, tmp_path / 'mine.py', '--epochs', 2)
    options = ['model.members=1', 'model.branches.pose2d.channels=8']
    call_tool(
        'tools/train.py', tmp_path / 'mine.py', '--work-dir', tmp_path / 'work',
        '--no-validate', '--cfg-options', *options,
    )  # fmt: skip
    source = tmp_path / 'work' / 'epoch_2.pth'
    done = call_tool(TOOL, source, tmp_path / name)
    assert f'{name}: ' in done.stdout
    content = load_checkpoint(tmp_path / name)
    assert set(content) == {'meta', 'state_dict'}
    meta = content['meta']
    assert str(tmp_path) not in str(meta)
    assert meta['dataset_meta']['classes'] == ['class_0', 'class_1', 'class_2']
    assert (tmp_path / name).stat().st_size < source.stat().st_size / 2
    video = {
        **load_annotations(small_data)['annotations'][2],
        'skeleton': small_annotations()['metainfo']['skeleton'],
    }
    scores = [
        inferencer_of(config, file)(dict(video))['predictions'][0]['pred_score']
        for config, file in (
            (str(tmp_path / 'work' / 'mine.py'), source),
            (None, tmp_path / name),
        )
    ]
    np.testing.assert_array_equal(*scores)


def test_checkpoint_without_config_is_refused(tmp_path, run_tool):
    torch.save({'state_dict': {'a': torch.zeros(1)}, 'meta': {}}, tmp_path / 'a.pth')
    done = run_tool(TOOL, tmp_path / 'a.pth', tmp_path / 'b.pth', code=1)
    assert 'a.pth: does not say with which config and data' in done.stderr
    assert not (tmp_path / 'b.pth').exists()


@pytest.mark.parametrize('cfg', [
    '', 'model = 3', "model = dict(type='x')\ntest_dataloader = dict(dataset=3)",
    "model = dict(type='x')\ntest_dataloader = dict(dataset=dict(type=1))",
])  # fmt: skip
def test_checkpoint_of_another_config_is_named(tmp_path, cfg):
    path = tmp_path / 'a.pth'
    meta = {'cfg': cfg, 'dataset_meta': {'classes': ['a']}}
    torch.save({'meta': meta, 'state_dict': {'a': torch.ones(1)}}, path)
    with raises_naming(UserError, path):
        PublishModel(src=path, dst=tmp_path / 'b.pth').run(PrintedEvents())


def test_published_model_names_no_persons_and_no_paths(tmp_path):
    """The choice of a person may be a name, and a pose estimator has files."""
    cfg = (
        "model = dict(type='x')\n"
        'test_dataloader = dict(dataset=dict(type=1, features={}, pipeline=[]))'
    )
    estimator = {'type': 'MMPosePoseEstimator', 'weights': '/home/ann/net.pth'}
    data = {
        'classes': ['a'], 'person': 'ann', 'notes': ['/home/ann/a.csv: short'],
        'pose_estimator': estimator,
    }  # fmt: skip
    content = {'meta': {'cfg': cfg, 'dataset_meta': data}, 'state_dict': {}}
    content['state_dict']['a'] = torch.ones(1)
    torch.save(content, tmp_path / 'a.pth')
    job = PublishModel(src=tmp_path / 'a.pth', dst=tmp_path / 'b.safetensors')
    meta = load_checkpoint(job.run(PrintedEvents()))['meta']
    assert meta['dataset_meta'] == {'classes': ['a']}
