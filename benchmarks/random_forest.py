"""Scores a random forest of single frames."""

from dataclasses import dataclass
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
from mmskelseg.runtime.jobs.command_line import seed
from mmskelseg.runtime.jobs.events import Events
from mmskelseg.runtime.jobs.job import Job
from mmskelseg.runtime.messages.dependencies import import_optional
from mmskelseg.runtime.messages.options import Count, argument, option
from mmskelseg.runtime.messages.tables import text_table
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


@dataclass(frozen=True, kw_only=True)
class RandomForest(Job[None]):
    """Scores a random forest of single frames, as tools without a network do.

        mmskelseg convert subtle data/subtle/raw data/subtle
        python -m benchmarks.random_forest data/subtle/annotations.pkl

    Features of a frame are the distances between all joints and the speeds of each, and
    their means and standard deviations in windows of half a second and two seconds
    around it. Labels are smoothed by a median filter of half a second. It needs
    scikit-learn.
    """

    annotations: Path = argument('annotation file with folds')
    seed: int = option('default: %(default)s', 0, type=seed)
    trees: Count = option('default: %(default)s', 100)

    def run(self, events: Events) -> None:
        """Print the scores of each fold, and their means."""
        ensemble = import_optional('sklearn.ensemble', 'a random forest')
        data = load_annotations(self.annotations)
        classes = data['metainfo']['classes']
        background = resolve_background(data['metainfo']['background'], classes)
        rows = {}
        for i, fold in enumerate(names := folds(data)):
            events.progress(fold, i, len(names))
            train, test = (
                videos_of_split(data, f'{fold}/{part}', self.annotations)
                for part in ('train', 'test')
            )
            labels = np.concatenate([video['label'] for video in train])
            forest = ensemble.RandomForestClassifier(
                self.trees, random_state=self.seed, min_samples_leaf=5
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
            rows[fold] = [scores[name] for name in _NAMES]
        rows['mean'] = np.mean([*rows.values()], axis=0)
        shown = [[name, *(f'{x:.2f}' for x in row)] for name, row in rows.items()]
        events.note('\n'.join(text_table([['', *_NAMES], *shown])))


if __name__ == '__main__':
    RandomForest.main()
