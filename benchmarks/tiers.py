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

import argparse
from pathlib import Path

import numpy as np

from mmskelseg.converters.uwiom import CLASSES, TIERS, tiers_of_class
from mmskelseg.evaluation import Video, evaluate_videos
from mmskelseg.evaluation.predictions import load_samples
from mmskelseg.runtime.decoding import decode
from mmskelseg.runtime.files.annotations import load_annotations, videos_of_split
from mmskelseg.runtime.jobs.command_line import command
from mmskelseg.runtime.structures.segments import segment_table
from mmskelseg.runtime.structures.tiers import tiers_of

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


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('annotations', type=Path, help='annotation file with tiers')
    parser.add_argument('runs', type=Path, help='folder of the cross-validation')
    parser.add_argument(
        '--least', action='store_true', help='the least probability, not the product'
    )


def _run(args: argparse.Namespace) -> None:
    data = load_annotations(args.annotations)
    by_seed: dict[str, list[list[float]]] = {}
    for file in sorted(args.runs.glob('*/seed_*/predictions.pkl')):
        fold, seed = file.parts[-3:-1]
        train = videos_of_split(data, f'{fold}/train', args.annotations)
        tables = [segment_table(classes_of(video['label'])) for video in train]
        durations = np.concatenate([table[:, 1] - table[:, 0] for table in tables])
        frames = max(1, int(np.percentile(durations, 5)))
        videos = {}
        for name, sample in load_samples(file).items():
            score = np.asarray(sample['pred_score'], np.float64)
            score = read_back(score, least=args.least)
            steps = [{'type': 'MinDuration', 'frames': frames}]
            decoded = decode({'pred_score': score}, steps=[steps])
            true = classes_of(np.asarray(sample['gt_label']))
            videos[name] = Video(decoded['pred_label'], true, score)
        scores = evaluate_videos(videos, CLASSES)['metrics']
        by_seed.setdefault(seed, []).append([scores[name] for name in _NAMES])
    print('seed', *_NAMES)
    for seed, rows in by_seed.items():
        means = np.mean(rows, axis=0)
        print(seed, len(rows), *(f'{mean:.2f}' for mean in means))
    means = np.mean([np.mean(rows, axis=0) for rows in by_seed.values()], axis=0)
    print('mean', *(f'{mean:.2f}' for mean in means))


main = command(__doc__, _add_arguments, _run)

if __name__ == '__main__':
    main()
