"""Labels test recordings by the multi-class XGBoost classifier of JABS.

JABS computes features of its own twelve joints of a mouse. Here, those of its kinds
that any joints have, distances between joints and speeds, get its window statistics. A
window spans about half of a training segment. Short gaps are then stitched and short
bouts merged, as JABS does for single behaviours, at its defaults.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from jabs.behavior.events import BehaviorEvents
from jabs.behavior.postprocessing.stages.stitching_stage import BoutStitchingStage
from jabs.classifier import MultiClassClassifier
from jabs.core.enums import ClassifierType
from jabs.feature_extraction.feature_base_class import Feature

GAP, SHORTEST = 3, 5


class Joints(Feature):
    """Distances between the joints of all individuals, and the speed of each joint."""

    _name = 'joints'

    def per_frame(self, identity: int) -> dict[str, np.ndarray]:
        """Return the features (T,) of a recording."""
        points = self._poses.points
        joints = points.shape[1]
        moved = np.linalg.norm(np.gradient(points, axis=0), axis=-1) * self._fps
        found = {f'speed {i}': moved[:, i] for i in range(joints)}
        for i, j in zip(*np.triu_indices(joints, 1), strict=True):
            distance = np.linalg.norm(points[:, i] - points[:, j], axis=-1)
            found[f'distance {i}-{j}'] = distance
        return found


def features(file: Path, window: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the features of frames, and those of windows around them."""
    with np.load(file) as recording:
        points = np.concatenate(recording['keypoint'], axis=1)
        fps = float(recording['fps'])
    # Distances are in sizes of a body; JABS measures in centimetres.
    first, second = np.triu_indices(points.shape[1], 1)
    apart = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    points /= np.nanmedian(apart)
    joints = Joints(SimpleNamespace(points=points, fps=fps), 1)
    frames = joints.per_frame(0)
    windows = joints._window_standard(window, frames)
    named = {f'{op} {k}': v for op, own in windows.items() for k, v in own.items()}
    return tuple(pd.DataFrame(one).astype(np.float32) for one in (frames, named))


def cleaned(labels: np.ndarray) -> np.ndarray:
    """Return labels without short gaps and short bouts."""
    stage, labels = BoutStitchingStage(max_stitch_gap=GAP), labels.copy()
    for i in np.unique(labels):
        labels[stage.apply((labels == i).astype(np.int8), None) == 1] = i
    bouts = BehaviorEvents.from_vector(labels)
    bouts.delete_bouts(np.flatnonzero(bouts.durations < SHORTEST))
    return bouts.to_vector()


data, out = Path(sys.argv[1]), Path(sys.argv[2])
facts = json.loads((data / 'set.json').read_text())
labels = [np.load(data / f'{name}.npz')['label'] for name in facts['train']]
runs = np.concatenate([BehaviorEvents.from_vector(label).durations for label in labels])
window = max(5, int(np.median(runs)) // 4)
tables = zip(
    *(features(data / f'{n}.npz', window) for n in facts['train']), strict=True
)
frames, windows = (pd.concat(each, ignore_index=True) for each in tables)
label = np.concatenate(labels)
# Its labels are 1 for frames of a behaviour, and 0 for others; "None" is one of them.
present = [i for i in range(len(facts['classes'])) if (label == i).any()]
names = [str(i) for i in present]
model = MultiClassClassifier(names[1:], ClassifierType.XGBOOST)
by_name = zip([model.get_class_names()[0], *names[1:]], present, strict=True)
model.train(
    {
        'per_frame': frames,
        'window': windows,
        'labels_by_behavior': {
            name: (label == i).astype(np.int8) for name, i in by_name
        },
    },
    random_seed=0,
)
found: dict[str, np.ndarray] = {}
for name in facts['test']:
    table = pd.concat(features(data / f'{name}.npz', window), axis=1)
    found[name] = cleaned(np.array(present)[model.predict(table)])
np.savez(out, allow_pickle=False, **found)
