"""A user of MMAction2 trains a network and data of their own by what they know."""

import json
import pickle
from pathlib import Path

import mmaction
import numpy as np
import pytest
from mmaction.datasets import PoseDataset

from tests.clip_files import CLIPS, in_2d, write, write_raw
from tests.errors import assert_names
from tests.small_data import small_annotations
from tests.test_docs import python_block

pytestmark = pytest.mark.slow
# MMAction2's own script, which `mim train mmaction2` runs.
TOOLS = Path(mmaction.__path__[0], '.mim', 'tools')
THEIRS = TOOLS / 'train.py'
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


def test_own_clips_label_a_long_recording_and_go_back(tmp_path, run_tool, call_tool):
    """A pickle as MMAction2's tools make it, and a label map beside it, unedited."""
    clips = write(in_2d(), tmp_path / 'data' / 'mine.pkl')
    (tmp_path / 'data' / 'label_map.txt').write_text('drink\neat\nbrush teeth\n')
    seen = call_tool('mmskelseg', 'doctor', clips).stdout
    assert_names(seen, '24 clips | brush teeth | coco17 | fps: 30 | xsub_val (12)')

    # What doctor proposes.
    told = run_tool('tools/make_config.py', clips, 'mine.py', '--epochs', '2').stdout
    assert_names(told, 'xsub_train | xsub_val | 3 classes')
    loader = [f'{mode}_dataloader.{setting}' for mode in ('train', 'val', 'test')
              for setting in ('num_workers=0', 'persistent_workers=False')]  # fmt: skip
    run_tool('tools/train.py', 'mine.py', '--cfg-options', *loader)

    # A long recording of one's own has its joints in a file of any pose estimator.
    poses = [clip['keypoint'] for clip in in_2d()['annotations'][:3]]
    video = np.concatenate(poses, axis=1).astype(np.float32)
    score = np.ones(video.shape[:3], np.float32)
    np.savez('long.npz', keypoint=video, keypoint_score=score, fps=30.0)
    run_tool(
        *('demo/long_video_demo.py', 'mine.py', 'work_dirs/mine'),
        *(tmp_path / 'long.npz', 'out.mp4', '--formats', 'csv'),
    )
    labels = (tmp_path / 'out' / 'segments.csv').read_text()
    assert any(name in labels for name in ('drink', 'eat', 'brush teeth'))

    # Recordings become clips again, which MMAction2's data set reads.
    call_tool('mmskelseg', 'convert', 'clips', clips, tmp_path / 'clips.pkl')
    theirs = PoseDataset('clips.pkl', pipeline=[], split='xsub_val')
    held_out = [k for name, k in CLIPS if 'P003' in name or 'P004' in name]
    assert [theirs.get_data_info(i)['label'] for i in range(len(theirs))] == held_out


def test_file_that_their_script_makes_of_ntu_trains_in_3d(tmp_path, call_tool):
    write_raw(tmp_path / 'raw')
    (tmp_path / 'ignored.txt').touch()
    call_tool(
        *(TOOLS / 'data/skeleton/gen_ntu_rgbd_raw.py', '--data-path', 'raw'),
        *('--ignored-sample-path', 'ignored.txt', '--out-folder', '.'),
    )
    told = call_tool('mmskelseg', 'make-config', 'ntu60_3d.pkl', 'mine.py').stdout
    assert_names(told, 'pose3d | xsub_train | xsub_val | clips')
    with Path('mine.py').open('a', encoding='utf-8') as file:
        file.write("model['members'] = 1\n")
    loader = [f'train_dataloader.{key}' for key in (
        'num_workers=0', 'persistent_workers=False')]  # fmt: skip
    call_tool(
        *('mmskelseg', 'train', 'mine.py', '--no-validate'),
        *('--cfg-options', 'train_cfg.max_epochs=1', *loader),
    )
    call_tool('mmskelseg', 'export', 'mine.py', 'mine.onnx')
    call_tool(
        *('mmskelseg', 'segment', 'ntu60_3d.pkl', 'mine.onnx', '--split', 'xsub_val'),
        *('--out', 'out', '--formats', 'csv'),
    )
    assert len([*tmp_path.glob('out/*_segments.csv')]) == 6
