"""Scores boosted trees of windows of frames."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import uniform_filter1d

from mmskelseg_behaviour.functional.report import evaluate_videos
from mmskelseg_behaviour.functional.videos import Video
from mmskelseg_io.files.annotations import folds, load_annotations, videos_of_split
from mmskelseg_io.jobs.command_line import seed
from mmskelseg_io.jobs.events import Events
from mmskelseg_io.jobs.job import Job
from mmskelseg_io.messages.dependencies import import_optional
from mmskelseg_io.messages.options import Count, argument, option
from mmskelseg_io.messages.tables import text_table
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.segments import resolve_background

# Seconds before and after a frame.
_REACHES = (0.1, 0.25, 0.5, 1.0, 2.0)
_FILTER = 0.25
_NAMES = ('f1@10', 'f1@25', 'f1@50', 'edit', 'mAP', 'acc')


def median_filter(labels: np.ndarray, frames: int) -> np.ndarray:
    """Return the majority class (T,) in an odd number of frames around each frame.

    If no class has more than half of the window, a frame keeps its label. Windows are
    truncated at the ends of the video.
    """
    result, half = labels.copy(), frames // 2
    ends = np.arange(len(labels))
    first, last = np.maximum(ends - half, 0), np.minimum(ends + half + 1, len(labels))
    for label in np.unique(labels):
        counts = np.concatenate([[0], np.cumsum(labels == label)])
        result[2 * (counts[last] - counts[first]) > last - first] = label
    return result


def features(video: VideoAnnotation) -> np.ndarray:
    """Return the features (T, C) of the first individual, in 3D if it has that."""
    points = video.get('keypoint_3d', video['keypoint'])[0].astype(np.float64)
    first, second = np.triu_indices(points.shape[1], 1)
    distances = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    heights = points[..., -1]
    moved = np.diff(points, axis=0, prepend=points[:1])
    now = np.concatenate([heights, np.linalg.norm(moved, axis=-1)], axis=1)
    parts = [distances, heights]
    frames = np.arange(len(points))
    for seconds in _REACHES:
        reach = max(1, round(seconds * video['fps']))
        before = np.maximum(frames - reach, 0)
        after = np.minimum(frames + reach, len(points) - 1)
        parts += [
            uniform_filter1d(now, 2 * reach + 1, axis=0),
            np.linalg.norm(points[after] - points[before], axis=-1),
            distances[after] - distances[before],
        ]
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class BoostedTrees(Job[None]):
    """Scores boosted trees of windows of frames, as tools without a network do.

        mmskelseg convert subtle data/subtle/raw data/subtle
        python -m benchmarks.boosted_trees data/subtle/annotations.pkl

    Features of a frame are the distances between all joints and the height of each;
    and, within 0.1 to 2 seconds before and after it, the change of these distances, how
    far each joint gets, and its mean speed and height. Probabilities are averaged over
    five frames, and labels are smoothed by a median filter of a quarter of a second. It
    needs scikit-learn.
    """

    annotations: Path = argument('annotation file with folds')
    seed: int = option('default: %(default)s', 0, type=seed)
    trees: Count = option('for each class (default: %(default)s)', 150)

    def run(self, events: Events) -> None:
        """Print the scores of each fold, and their means."""
        ensemble = import_optional('sklearn.ensemble', 'boosted trees')
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
            trees = ensemble.HistGradientBoostingClassifier(
                max_iter=self.trees,
                learning_rate=0.08,
                max_leaf_nodes=15,
                l2_regularization=1.0,
                random_state=self.seed,
            )
            seen = np.concatenate([features(video) for video in train])
            trees.fit(seen[labels >= 0], labels[labels >= 0])
            videos = {}
            for video in test:
                score = np.zeros((len(classes), video['total_frames']))
                score[trees.classes_] = trees.predict_proba(features(video)).T
                score = uniform_filter1d(score, 5, axis=1)
                frames = round(_FILTER * video['fps']) // 2 * 2 + 1
                found = median_filter(score.argmax(axis=0), frames)
                videos[video['frame_dir']] = Video(found, video['label'], score)
            scores = evaluate_videos(videos, classes, background=background)['metrics']
            rows[fold] = [scores[name] for name in _NAMES]
        rows['mean'] = np.mean([*rows.values()], axis=0)
        shown = [[name, *(f'{x:.2f}' for x in row)] for name, row in rows.items()]
        events.note('\n'.join(text_table([['', *_NAMES], *shown])))


if __name__ == '__main__':
    BoostedTrees.main()
