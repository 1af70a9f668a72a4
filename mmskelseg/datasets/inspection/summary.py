"""Counts of what an annotation file holds, as plain values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg.evaluation import IGNORED, to_segments
from mmskelseg.features.renderers.drawing import MIN_SCORE
from mmskelseg.fileio.inputs import is_file
from mmskelseg.structures import Skeleton

Video = Mapping[str, Any]


def seen_joints(video: Video) -> np.ndarray:
    """Return which joints of a video's annotation are drawn, shape (M, T, V)."""
    return video['keypoint_score'] >= MIN_SCORE


def summarize(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return counts of everything in an annotation file, as JSON can hold them.

    Shares are in percent, lengths in frames and seconds.

    Args:
        data: Annotations as ``load_annotations`` returns them.
        folder: Where the video files are that annotations name.
    """
    videos, meta = data['annotations'], data['metainfo']
    skeleton = Skeleton.get(meta['skeleton'])
    seconds = {v['frame_dir']: float(v['total_frames'] / v['fps']) for v in videos}
    frames = sum(int(video['total_frames']) for video in videos)
    classes = summarize_classes(videos, meta['classes'])
    labelled = sum(row['frames'] for row in classes)
    images = ('{1}x{0}'.format(*map(int, video['img_shape'])) for video in videos)
    members = set().union(*data['split'].values())
    named = [video['filename'] for video in videos if video.get('filename')]
    return {
        'dataset': meta['dataset'],
        'skeleton': skeleton.name,
        'background': meta['background'],
        'videos': len(videos),
        'frames': frames,
        'seconds': sum(seconds.values()),
        'shortest': min(seconds.items(), key=lambda item: item[1]),
        'longest': max(seconds.items(), key=lambda item: item[1]),
        'fps': dict(Counter(f'{video["fps"]:g}' for video in videos).most_common()),
        'images': dict(Counter(images).most_common()),
        **summarize_joints(videos, skeleton.joints),
        'classes': classes,
        'segments': sum(row['segments'] for row in classes),
        'imbalance': _imbalance(classes),
        'unlabelled': frames - labelled,
        'splits': summarize_splits(data),
        'without_split': [name for name in seconds if name not in members],
        'files': {
            'named': len(named),
            'missing': [name for name in named if not is_file(folder / name)],
        },
    }


def summarize_joints(videos: Sequence[Video], joints: Sequence[str]) -> dict[str, Any]:
    """Return how many persons there are, and how often their joints are missing.

    A person is there in a frame if one joint is seen; ``missing`` and
    ``missing_by_joint`` are shares of the frames in which a person is there, in
    percent. ``persons`` counts videos by the highest number of persons in one frame.
    """
    persons: Counter[int] = Counter()
    frames = empty = there = 0
    missing = np.zeros(len(joints))
    for video in videos:
        seen = seen_joints(video)
        present = seen.any(axis=2)
        persons[int(present.sum(axis=0).max())] += 1
        frames += present.shape[1]
        empty += int((~present.any(axis=0)).sum())
        there += int(present.sum())
        missing += (~seen[present]).sum(axis=0)
    by_joint = 100 * missing / max(there, 1)
    return {
        'persons': {str(count): persons[count] for count in sorted(persons)},
        'frames_without_person': empty,
        'missing': float(by_joint.mean()),
        'missing_by_joint': dict(zip(joints, by_joint.tolist(), strict=True)),
    }


def summarize_classes(
    videos: Sequence[Video], classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return frames, segments and their lengths of each class, in the order of ids.

    >>> video = {'label': np.array([0, 0, 0, 1, -1, 0]), 'fps': 2}
    >>> rows = summarize_classes([video], ['walk', 'lift', 'hold'])
    >>> [(row['frames'], row['segments'], row['median_frames']) for row in rows]
    [(4, 2, 2.0), (1, 1, 1.0), (0, 0, None)]
    """
    lengths: list[list[int]] = [[] for _ in classes]
    seconds: list[list[float]] = [[] for _ in classes]
    found_in = [0] * len(classes)
    for video in videos:
        segments = to_segments(video['label'])
        for start, end, label in segments:
            lengths[label].append(end - start)
            seconds[label].append(float((end - start) / video['fps']))
        for label in {label for *_, label in segments}:
            found_in[label] += 1
    return [
        {
            'id': label,
            'name': name,
            'frames': sum(lengths[label]),
            'segments': len(lengths[label]),
            'median_frames': _median(lengths[label]),
            'median_seconds': _median(seconds[label]),
            'videos': found_in[label],
        }
        for label, name in enumerate(classes)
    ]


def summarize_splits(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return videos and frames of each split, and which classes of the file it lacks.

    Classes without any frame in the file are not counted as lacking.
    """
    by_name = {video['frame_dir']: video for video in data['annotations']}
    classes = data['metainfo']['classes']
    everywhere = present_classes(data['annotations'])
    splits = {}
    for name, members in data['split'].items():
        videos = [by_name[member] for member in members]
        lacks = sorted(everywhere - present_classes(videos))
        splits[name] = {
            'videos': len(videos),
            'frames': sum(int(video['total_frames']) for video in videos),
            'lacks': [classes[label] for label in lacks],
        }
    return splits


def present_classes(videos: Sequence[Video]) -> set[int]:
    """Return the ids that frames of some videos bear, without -1."""
    present: set[int] = set()
    return present.union(*(video['label'].tolist() for video in videos)) - {IGNORED}


def _imbalance(classes: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the most and the least frequent class that occur, and their ratio."""
    found = [row for row in classes if row['frames']]
    if not found:
        return None
    most = max(found, key=lambda row: row['frames'])
    least = min(found, key=lambda row: row['frames'])
    return {
        'most': most['name'],
        'least': least['name'],
        'ratio': most['frames'] / least['frames'],
    }


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
