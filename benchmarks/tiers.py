"""Reads the tiers of UW-IOM back as its 17 classes, and scores these."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmskelseg.converters.uwiom import CLASSES, TIERS, tiers_of_class
from mmskelseg.evaluation.predictions import load_samples
from mmskelseg_behaviour.functional.report import evaluate_videos
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_io.files.annotations import load_annotations, videos_of_split
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.options import argument, option
from mmskelseg_io.messages.tables import text_table
from mmskelseg_io.structures.segments import segment_table
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.decoding import decode

# The class within each tier of each of the 17, (17, G).
_PARTS = np.array([tiers_of_class(name) for name in CLASSES])
_NAMES = ('acc', 'edit', 'f1@10', 'f1@50', 'mAP')


def read_back(score: np.ndarray, *, least: bool = False) -> np.ndarray:
    """Return the probabilities of the 17 classes, (17, T), of those of tiers (K, T)."""
    rows = [tier.rows.start for tier in tiers_of({'tiers': TIERS})]
    parts = score[_PARTS + rows]
    found = parts.min(axis=1) if least else parts.prod(axis=1)
    return found / found.sum(axis=0)


def classes_of(label: np.ndarray) -> np.ndarray:
    """Return which of the 17 classes labels of tiers (G, T) are, (T,)."""
    same = (_PARTS[:, :, None] == label).all(axis=1)
    assert (same.sum(axis=0) == 1).all(), 'labels are those of a class'
    return same.argmax(axis=0)


@dataclass(frozen=True, kw_only=True)
class Tiers(Job[None]):
    """Reads the tiers of UW-IOM back as its 17 classes, and scores these.

        mmskelseg convert uwiom data/uwiom/raw data/uwiom_tiers --folds 3 --tiers
        mmskelseg make-config data/uwiom_tiers/annotations.pkl tiers.py --fold fold1
        mmskelseg cross-validate tiers.py --folds fold1 fold2 fold3 --work-dir runs
        python -m benchmarks.tiers data/uwiom_tiers/annotations.pkl runs

    The probability of a class is the product of those of its parts, or with --least the
    least of them, divided by their sum over the 17 classes. Labels are decoded as
    `make-config` decodes those of one tier, by a minimum duration that is the 5th
    percentile in training.
    """

    annotations: Path = argument('annotation file with tiers')
    runs: Path = argument('folder of the cross-validation')
    least: bool = option('the least probability, not the product', False)

    def run(self, events: Events) -> None:
        """Print the scores of each seed, and their means."""
        data = load_annotations(self.annotations)
        by_seed: dict[str, list[list[float]]] = {}
        for file in sorted(self.runs.glob('*/seed_*/predictions.pkl')):
            fold, seed = file.parts[-3:-1]
            train = videos_of_split(data, f'{fold}/train', self.annotations)
            tables = [segment_table(classes_of(video['label'])) for video in train]
            durations = np.concatenate([table[:, 1] - table[:, 0] for table in tables])
            frames = max(1, int(np.percentile(durations, 5)))
            videos = {}
            for name, sample in load_samples(file).items():
                score = np.asarray(sample['pred_score'], np.float64)
                score = read_back(score, least=self.least)
                steps = [{'type': 'MinDuration', 'frames': frames}]
                decoded = decode({'pred_score': score}, steps=[steps])
                true = classes_of(np.asarray(sample['gt_label']))
                videos[name] = Video(decoded['pred_label'], true, score)
            scores = evaluate_videos(videos, CLASSES)['metrics']
            by_seed.setdefault(seed, []).append([scores[name] for name in _NAMES])
        means = {seed: np.mean(rows, axis=0) for seed, rows in by_seed.items()}
        means['mean'] = np.mean([*means.values()], axis=0)
        rows = [[name, *(f'{x:.2f}' for x in row)] for name, row in means.items()]
        events.note('\n'.join(text_table([['', *_NAMES], *rows])))


if __name__ == '__main__':
    Tiers.main()
