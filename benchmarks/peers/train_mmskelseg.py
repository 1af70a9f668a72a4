"""Labels test recordings by the default of `mmskelseg make-config`."""

import json
import pickle
import sys
from pathlib import Path

import numpy as np

from mmskelseg.commands.make_config import main as make_config
from mmskelseg.commands.test import main as test
from mmskelseg.commands.train import main as train

data, out = Path(sys.argv[1]), Path(sys.argv[2])
facts = json.loads((data / 'set.json').read_text())
folder = ['config.py', '--work-dir', 'run']
make_config([facts['annotations'], 'config.py', '--overwrite', '--fold', facts['fold']])
train([*folder, '--no-validate', '--seed', '0'])
test([*folder, '--dump', 'found.pkl'])
found = pickle.loads(Path('found.pkl').read_bytes())
for file, key in (out, 'pred_label'), (Path('raw.npz'), 'raw_label'):
    np.savez(file, **{one['frame_dir']: one[key] for one in found})
