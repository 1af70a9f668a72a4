"""Labels test recordings by DLC2Action's C2F-TCN on its kinematic features.

All individuals are given as one with more joints, since the labels are those of a
recording. Nothing is mirrored, since some classes are those of a side. Its batches of
64 segments would be whole data sets here.
"""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from dlc2action.project import Project

EPOCHS, BATCH, SEGMENT, OVERLAP = 100, 8, 512, 384
# Five to seven minutes, somewhat longer than the default of mmskelseg takes.
FRAMES = 1_000_000
data, out = Path(sys.argv[1]), Path(sys.argv[2])
facts = json.loads((data / 'set.json').read_text())
# It has a class of its own, "other", for frames without a bout.
rest = facts['classes'][facts['background'] or 0]
behaviors = [name for name in facts['classes'] if name != rest]
torch.manual_seed(0)
np.random.seed(0)
torch.set_num_threads(1)


def write(name: str, part: str) -> int:
    """Write a recording as DeepLabCut does; return its frames."""
    folder = Path(part)
    folder.mkdir(exist_ok=True)
    with np.load(data / f'{name}.npz') as recording:
        points = np.concatenate(recording['keypoint'], axis=1)
        likelihood = np.concatenate(recording['score'], axis=1)[..., None]
        label = recording['label'] if part == 'train' else None
    frames, joints, _ = points.shape
    flat = pd.DataFrame(points.reshape(frames, -1))
    points = flat.interpolate(limit_direction='both').fillna(0).to_numpy()
    rows = np.concatenate([points.reshape(frames, joints, 2), likelihood], axis=-1)
    names = [f'joint{i}' for i in range(joints)], ['x', 'y', 'likelihood']
    columns = pd.MultiIndex.from_product(
        [['peers'], *names], names=['scorer', 'bodyparts', 'coords']
    )
    table = pd.DataFrame(rows.reshape(frames, -1), columns=columns)
    table.to_csv(folder / f'{name}_poses.csv')
    if label is not None:
        assert (label >= 0).all(), name
        ends = np.flatnonzero(np.diff(label, append=-2)) + 1
        starts = [0, *ends[:-1]]
        classes = [facts['classes'][label[start]] for start in starts]
        bouts = pd.DataFrame({'start': starts, 'end': ends, 'class': classes})
        bouts = bouts[bouts['class'] != rest]
        bouts.to_csv(folder / f'{name}_labels.csv', index=False)
    return frames


def seen(frames: int) -> int:
    """Return the frames of the segments of a recording."""
    return SEGMENT * (1 + max(0, frames - SEGMENT) // (SEGMENT - OVERLAP))


total = sum(seen(write(name, 'train')) for name in facts['train'])
lengths = {name: write(name, 'test') for name in facts['test']}
height, width = facts['img_shape']
here = str(Path.cwd())
project = Project(
    'peer',
    data_type='dlc_track',
    annotation_type='csv',
    data_path=f'{here}/train',
    annotation_path=f'{here}/train',
    projects_path=f'{here}/projects',
)
project.update_parameters(
    {
        'data': {
            'data_suffix': {'_poses.csv'},
            'annotation_suffix': '_labels.csv',
            'canvas_shape': [width, height],
            'behaviors': behaviors,
            'min_frames_action': 0,
        },
        'general': {
            'exclusive': True,
            'model_name': 'c2f_tcn',
            'len_segment': SEGMENT,
            'overlap': OVERLAP,
            'num_cpus': 1,
        },
        'training': {
            'device': 'cpu',
            'num_epochs': min(EPOCHS, max(1, FRAMES // total)),
            'batch_size': BATCH,
            'val_frac': 0,
            'to_ram': True,
        },
        'augmentations': {
            'augmentations': {'add_noise', 'shift'},
            'use_default_augmentations': False,
        },
    }
)
project.run_episode('run', force=True)
project.run_prediction('found', ['run'], data_path=f'{here}/test', force=True)
order = np.array([facts['classes'].index(name) for name in (rest, *behaviors)])
found = {}
for file in Path(project.prediction_path('found')).iterdir():
    # Version 1.0 puts the score of each class in the row of the next one.
    scores = np.roll(pickle.loads(file.read_bytes())['ind0'], -1, axis=0)
    name = file.name.removesuffix('_found_prediction.pickle')
    found[name] = order[scores.argmax(axis=0)]
    assert len(found[name]) == lengths[name], name
np.savez(out, **found)
