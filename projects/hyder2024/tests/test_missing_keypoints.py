"""The table of missing keypoints, as a user makes it, on a small annotation file."""

import json
import pickle

import numpy as np
import pytest
from mmengine.config import Config

from mmskelseg_io.files.pickles import load_pickle
from tests.small_data import TOY

TOOL = 'projects/hyder2024/missing_keypoints.py'


@pytest.fixture
def arguments(small_config, small_options, checkpoint):
    """The toy config on the small data, and a checkpoint of a small model."""
    return [TOY, checkpoint(small_config), '--cfg-options', *small_options]


@pytest.mark.slow
def test_missing_keypoints_makes_the_table(run_tool, tmp_path, small_data, arguments):
    done = run_tool(TOOL, *arguments, '--p', 100, 0, '--seeds', 4, 1)
    work_dir = tmp_path / 'work_dirs' / 'toy_joint_limb'
    content = json.loads((work_dir / 'missing_keypoints.json').read_text())
    runs = content['runs']
    cases = [(run['p'], run['seed']) for run in runs]
    assert cases == [(0, None), (100, 1), (100, 4)]
    f1 = [run['metrics']['f1@10'] for run in runs]
    whole, lost = (content['table'][p]['f1@10'] for p in ('0', '100'))
    assert whole == {'mean': f1[0], 'std_seeds': None, 'std_videos': 0}
    assert lost['mean'] == pytest.approx((f1[1] + f1[2]) / 2)
    assert lost['std_seeds'] == pytest.approx(abs(f1[1] - f1[2]) / 2)
    for name, value in zip(('p0', 'p100_seed1', 'p100_seed4'), f1, strict=True):
        file = work_dir / 'missing_keypoints' / name / 'metrics.json'
        assert json.loads(file.read_text())['seg/f1@10'] == value

    text = (work_dir / 'missing_keypoints.md').read_text()
    assert text in done.stdout
    lines = ([x.strip() for x in row.split('|')] for row in text.splitlines())
    rows = {row[1]: row[2:-1] for row in lines if len(row) > 2}
    assert 'F1@10, std over videos' not in rows  # There is one video.
    drop = float(rows['F1@10, drop against p = 0'][1])
    assert drop == pytest.approx(f1[0] - lost['mean'], abs=0.006)
    assert rows['Ours, F1@10 on UW-IOM †'] == ['93.82 ± 2.90', '91.28 ± 2.65']

    drops = [
        json.loads(file.read_text()).get('transforms')
        for file in small_data.parent.glob('features/*/settings.json')
    ]
    assert sorted(d[0]['seed'] for d in drops if d) == [1, 4]
    assert drops.count(None) == 1
    made = {f: f.stat().st_mtime_ns for f in small_data.parent.glob('features/*/*.npy')}
    assert len(made) == 3
    arrays = [np.load(file) for file in made]
    assert not any(np.array_equal(arrays[i], arrays[i - 1]) for i in range(3))
    run_tool(TOOL, *arguments, '--p', 100, '--seeds', 1)
    assert made == {file: file.stat().st_mtime_ns for file in made}
    assert 'drop against' not in (work_dir / 'missing_keypoints.md').read_text()


def test_missing_keypoints_needs_limbs_with_names(run_tool, small_data, arguments):
    data = load_pickle(small_data)
    joints = {'name': 'plain', 'joints': 17, 'limbs': [[0, 1]]}
    data['metainfo']['skeleton'] = joints
    small_data.write_bytes(pickle.dumps(data))
    done = run_tool(TOOL, *arguments, '--p', 50, '--seeds', 0, code=1)
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("error: DropLimb: skeleton 'plain' has no drop groups")


def test_missing_keypoints_takes_percentages(run_tool):
    error = run_tool(TOOL, 'no.py', 'no.pth', '--p', 101, code=2).stderr
    assert '101 is not from 0 to 100 percent' in error


def test_limbs_are_dropped_where_poses_are_read(small_data, tool):
    """A modality is known by what its renderer reads, whatever it is called."""
    cfg = Config.fromfile(TOY)
    dataset = cfg.test_dataloader.dataset
    dataset.ann_file = str(small_data)
    dataset.features = {
        'rgb': dataset.features.heatmap,
        'camera': {
            'render': {'type': 'ReadVideoFrames'},
            'encoder': {'type': 'GridEncoder', 'channels': 3},
        },
    }
    cfg.work_dir = 'work_dir'
    dropped = tool.with_drops(cfg, 'model.pth', 50, 1).test_dataloader.dataset.features
    assert dropped.rgb.transforms == [{'type': 'DropLimb', 'p': 0.5, 'seed': 1}]
    assert 'transforms' not in dropped.camera
