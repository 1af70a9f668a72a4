"""A user of MMAction2 trains a network and data of their own by what they know."""

import json
import pickle
from pathlib import Path

import mmaction
import pytest

from tests.small_data import small_annotations
from tests.test_docs import python_block

pytestmark = pytest.mark.slow
# MMAction2's own script, which `mim train mmaction2` runs.
THEIRS = Path(mmaction.__path__[0], '.mim', 'tools', 'train.py')
CONFIG = """
loader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(ann_file='data/mine/annotations.pkl'),
)
train_dataloader = loader
val_dataloader = loader
test_dataloader = loader
val_evaluator = dict(num_classes=3)
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=2)
"""


def test_own_backbone_and_data_under_their_own_script(tmp_path, run_tool):
    # Annotations as MMAction2 keeps them, with a label a frame.
    data = tmp_path / 'data' / 'mine' / 'annotations.pkl'
    data.parent.mkdir(parents=True)
    data.write_bytes(pickle.dumps(small_annotations()))

    # A network of one's own, and a config that names it, as docs/extending.md shows.
    (tmp_path / 'my_package').mkdir()
    (tmp_path / 'my_package' / 'gru.py').write_text(
        python_block('extending.md', 'class GRUBackbone')
    )
    config = python_block('extending.md', 'custom_imports')
    assert "_base_ = 'mmskelseg::" in config
    config = config.replace('uwiom_joint_limb', 'toy_joint_limb')
    config = config.replace('in_channels=2048', 'in_channels=196')
    config = config.replace('model = dict(', 'model = dict(num_classes=3, ')
    (tmp_path / 'mine.py').write_text(config + CONFIG)

    for script, folder in ((THEIRS, 'by_mim'), ('tools/train.py', 'by_tools')):
        run_tool(script, 'mine.py', '--work-dir', folder)
        assert (tmp_path / folder / 'epoch_2.pth').is_file()

    # The model goes where a checkpoint goes, and comes back with scores and segments.
    run_tool('tools/test.py', 'mine.py', 'by_mim')
    (scores,) = tmp_path.glob('work_dirs/mine/metrics.json')
    assert set(json.loads(scores.read_text())) >= {'seg/acc', 'seg/f1@50'}
    run_tool(
        *('demo/demo.py', data, 'mine.py', 'by_mim', '--split', 'test'),
        *('--out', 'out', '--formats', 'csv'),
    )
    assert (tmp_path / 'out' / 'segments.csv').is_file()
