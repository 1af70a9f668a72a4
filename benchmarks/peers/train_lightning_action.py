"""Labels test recordings by a dilated TCN of lightning-action.

Settings are those of configs/ibl.yaml in its repository, with the learning rate of its
README. Coordinates of all individuals are inputs; gaps are interpolated.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from lightning_action.api import Model
from lightning_action.data import compute_sequence_pad

LAYERS, LAGS = 2, 4
data, out = Path(sys.argv[1]), Path(sys.argv[2])
facts = json.loads((data / 'set.json').read_text())
classes = facts['classes']
arrays = {name: np.load(data / f'{name}.npz') for name in facts['train']}
# A recording shorter than a sequence would be left out.
length = min(500, *(len(one['label']) for one in arrays.values()))
context = compute_sequence_pad('dtcn', num_layers=LAYERS, num_lags=LAGS)


def write(folder: str, name: str, table: pd.DataFrame) -> None:
    """Write a CSV file whose last frame is repeated.

    lightning-action 1.1 drops the frames after the last whole sequence, and cannot read
    a recording of one sequence without context after it.
    """
    frames = -(-len(table) // length) * length + context
    Path(folder).mkdir(parents=True, exist_ok=True)
    rows = np.minimum(np.arange(frames), len(table) - 1)
    table.iloc[rows].reset_index(drop=True).to_csv(f'{folder}/{name}.csv')


lengths = {}
for part in ('train', 'test'):
    for name in facts[part]:
        recording = np.load(data / f'{name}.npz')
        points = recording['keypoint'].swapaxes(0, 1)
        lengths[name] = len(points)
        table = pd.DataFrame(points.reshape(len(points), -1))
        table = table.interpolate(limit_direction='both').fillna(0)
        write(f'{part}/features', name, table)
        if part == 'train':
            label = recording['label']
            assert (label >= 0).all(), name
            one_hot = np.eye(len(classes), dtype=int)[label]
            write('train/labels', name, pd.DataFrame(one_hot, columns=classes))

config = {
    'data': {
        'data_path': str(Path('train').absolute()),
        'input_dir': 'features',
        'transforms': ['VelocityConcat', 'ZScore'],
        'ignore_index': -100,
        'weight_classes': True,
        'seed': 0,
    },
    'model': {
        'input_size': table.shape[1],
        'output_size': len(classes),
        'head': 'dtcn',
        'num_hid_units': 32,
        'num_layers': LAYERS,
        'num_lags': LAGS,
        'seed': 0,
    },
    'optimizer': {'type': 'Adam', 'lr': 1e-3, 'wd': 0, 'scheduler': None},
    'training': {
        'seed': 0,
        'device': 'cpu',
        'num_epochs': 200,
        'sequence_length': length,
        'sequence_pad': context,
        'batch_size': 8,
        'num_workers': 1,
        'train_probability': 1.0,
        'val_probability': 0.0,
        'checkpointing': False,
        'progress_bar': False,
    },
}
found_dir = Path('found').absolute()
model = Model.from_config(config)
model.train(output_dir=str(Path('run').absolute()), post_inference=False)
model.predict(
    data_path=Path('test').absolute(), input_dir='features', output_dir=found_dir
)
found = {}
for name in facts['test']:
    scores = pd.read_csv(found_dir / f'{name}_predictions.csv', index_col=0).to_numpy()
    found[name] = scores[: lengths[name]].argmax(axis=1)
np.savez(out, **found)
