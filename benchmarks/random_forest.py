"""Scores a random forest of single frames, as tools for behaviour without a network do.

    mmskelseg convert subtle data/subtle/raw data/subtle
    python -m benchmarks.random_forest data/subtle/annotations.pkl

Features of a frame are the distances between all joints and the speeds of each, and
their means and standard deviations in windows of half a second and two seconds around
it. Labels are smoothed by a median filter of half a second. It needs scikit-learn.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from mmskelseg.evaluation import Video, evaluate_videos, resolve_background
from mmskelseg.runtime.decoding import median_filter
from mmskelseg.runtime.files.annotations import (
    folds,
    load_annotations,
    videos_of_split,
)
from mmskelseg.runtime.jobs.command_line import command
from mmskelseg.runtime.messages.dependencies import import_optional
from mmskelseg.runtime.structures.annotations import VideoAnnotation

_WINDOWS = (0.5, 2.0)
_FILTER = 0.5
_NAMES = ('f1@10', 'f1@25', 'f1@50', 'edit', 'mAP', 'acc')


def features(video: VideoAnnotation) -> np.ndarray:
    """Return the features (T, C) of the first individual, in 3D if it has that."""
    points = video.get('keypoint_3d', video['keypoint'])[0].astype(np.float64)
    first, second = np.triu_indices(points.shape[1], 1)
    distances = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    moved = np.diff(points, axis=0, prepend=points[:1])
    now = np.concatenate([distances, np.linalg.norm(moved, axis=-1)], axis=1)
    parts = [now]
    for seconds in _WINDOWS:
        size = max(1, round(seconds * video['fps']))
        mean = uniform_filter1d(now, size, axis=0)
        square = uniform_filter1d(now**2, size, axis=0)
        parts += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('annotations', type=Path, help='annotation file with folds')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--trees', type=int, default=100)


def _run(args: argparse.Namespace) -> None:
    ensemble = import_optional('sklearn.ensemble', 'a random forest')
    data = load_annotations(args.annotations)
    classes = data['metainfo']['classes']
    background = resolve_background(data['metainfo']['background'], classes)
    print('fold', *_NAMES)
    rows = []
    for fold in folds(data):
        train, test = (
            videos_of_split(data, f'{fold}/{part}', args.annotations)
            for part in ('train', 'test')
        )
        labels = np.concatenate([video['label'] for video in train])
        forest = ensemble.RandomForestClassifier(
            args.trees, random_state=args.seed, min_samples_leaf=5
        )
        seen = np.concatenate([features(video) for video in train])
        forest.fit(seen[labels >= 0], labels[labels >= 0])
        videos = {}
        for video in test:
            score = np.zeros((len(classes), video['total_frames']))
            score[forest.classes_] = forest.predict_proba(features(video)).T
            frames = round(_FILTER * video['fps']) // 2 * 2 + 1
            found = median_filter(score.argmax(axis=0), frames)
            videos[video['frame_dir']] = Video(found, video['label'], score)
        scores = evaluate_videos(videos, classes, background=background)['metrics']
        rows.append([scores[name] for name in _NAMES])
        print(fold, *(f'{value:.2f}' for value in rows[-1]), flush=True)
    print('mean', *(f'{value:.2f}' for value in np.mean(rows, axis=0)))


main = command(__doc__, _add_arguments, _run)

if __name__ == '__main__':
    main()
