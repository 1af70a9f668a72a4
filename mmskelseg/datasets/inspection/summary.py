"""Statistics of an annotation file, in JSON types."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmskelseg_io.files.inputs import is_file
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.annotations import AnnotationFile, VideoAnnotation
from mmskelseg_io.structures.bodies import camera_view, joints_seen, up_direction
from mmskelseg_io.structures.segments import IGNORED, to_segments
from mmskelseg_io.structures.tiers import label_rows, tiers_of, with_flat_labels

# Statistics by name; see :func:`summarize`.
DataSummary = dict[str, Any]


def summarize(data: AnnotationFile, folder: Path) -> DataSummary:
    """Return statistics of an annotation file, or of all tiers together.

    Shares are in percent, lengths in frames and seconds. ``shortest`` and ``longest``
    are a video's id and its seconds; ``fps`` and ``images`` count videos by their frame
    rate and their image size; ``imbalance`` is None if no frame has a label. The files
    that the annotations name are in ``folder``.
    """
    data = with_flat_labels(data)
    videos, meta = data['annotations'], data['metainfo']
    tiers = tiers_of(meta)
    grounds = [t.classes[t.background] for t in tiers if t.background is not None]
    skeleton = Skeleton.get(meta['skeleton'])
    seconds = {v['frame_dir']: float(v['total_frames'] / v['fps']) for v in videos}
    frames = sum(int(video['total_frames']) for video in videos)
    classes = summarize_classes(videos, meta['classes'])
    labelled = sum(row['frames'] for row in classes)
    images = ('{1}x{0}'.format(*map(int, video['img_shape'])) for video in videos)
    members = set().union(*data['split'].values())
    in_3d = all('keypoint_3d' in video for video in videos)
    named = [video['filename'] for video in videos if video.get('filename')]
    return {
        'dataset': meta['dataset'],
        'skeleton': skeleton.name,
        'background': ', '.join(grounds) or None,
        'tiers': list(meta.get('tiers', ())),
        'view': camera_view(meta, videos)[0],
        'up': up_direction(meta, videos)[0] if in_3d else None,
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
        # The mean over tiers.
        'unlabelled': frames - round(labelled / len(tiers)),
        'splits': summarize_splits(data),
        'without_split': [name for name in seconds if name not in members],
        'files': {
            'named': len(named),
            'missing': [name for name in named if not is_file(folder / name)],
        },
    }


def summarize_joints(
    videos: Sequence[VideoAnnotation], joints: Sequence[str]
) -> DataSummary:
    """Return how many persons there are, and how often their joints are missing.

    A person is present in a frame if any joint is seen. ``missing`` and
    ``missing_by_joint`` are percentages of the frames in which a person is present.
    ``persons`` counts videos by the highest number of persons in one frame.
    """
    persons: Counter[int] = Counter()
    frames = empty = there = 0
    missing = np.zeros(len(joints))
    for video in videos:
        seen = joints_seen(video)
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
    videos: Sequence[VideoAnnotation], classes: Sequence[str]
) -> list[DataSummary]:
    """Return frames, segments and segment lengths of each class, in order of ids.

    >>> video = {'label': np.array([0, 0, 0, 1, -1, 0]), 'fps': 2}
    >>> rows = summarize_classes([video], ['walk', 'lift', 'hold'])
    >>> [(row['frames'], row['segments'], row['median_frames']) for row in rows]
    [(4, 2, 2.0), (1, 1, 1.0), (0, 0, None)]
    """
    lengths: list[list[int]] = [[] for _ in classes]
    seconds: list[list[float]] = [[] for _ in classes]
    found_in = [0] * len(classes)
    for video in videos:
        rows = label_rows(video['label'])
        segments = [segment for row in rows for segment in to_segments(row)]
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


def summarize_splits(data: AnnotationFile) -> dict[str, DataSummary]:
    """Return videos and frames of each split, and which classes it lacks.

    Classes without a frame in the whole file do not count as lacking.
    """
    by_name = {video['frame_dir']: video for video in data['annotations']}
    classes = data['metainfo']['classes']
    everywhere = present_classes(data['annotations'])
    splits: dict[str, DataSummary] = {}
    for name, members in data['split'].items():
        videos = [by_name[member] for member in members]
        lacks = sorted(everywhere - present_classes(videos))
        splits[name] = {
            'videos': len(videos),
            'frames': sum(int(video['total_frames']) for video in videos),
            'lacks': [classes[label] for label in lacks],
        }
    return splits


def present_classes(videos: Sequence[VideoAnnotation]) -> set[int]:
    """Return the class ids that occur in some videos, without -1."""
    present: set[int] = set()
    labels = (np.unique(video['label']).tolist() for video in videos)
    return present.union(*labels) - {IGNORED}


def _imbalance(classes: Sequence[DataSummary]) -> DataSummary | None:
    """Return the most and the least frequent of the classes that occur."""
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
