"""Where things are, and annotations small enough to train on in a test."""

import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
#: A PYTHONPATH of all packages and their tests.
PATH = os.pathsep.join(map(str, [ROOT, *sorted(ROOT.glob('packages/*'))]))
VECTORS = ROOT / 'tests' / 'data' / 'vectors'
TOY = ROOT / 'configs' / 'skelseg' / 'toy_joint_limb.py'


def small_annotations(lengths=(60, 45, 50), num_classes=3, seed=0):
    """Return annotations of one walking COCO person a video, in segments of labels."""
    rng = np.random.default_rng(seed)
    videos = []
    for i, length in enumerate(lengths):
        keypoint = rng.normal([320, 240], 60, (1, 1, 17, 2))
        keypoint = keypoint + rng.normal(0, 4, (1, length, 17, 2)).cumsum(axis=1)
        label = (np.arange(length) // 12 + i) % num_classes
        # The class decides where the left wrist is.
        keypoint[0, :, 9] = 100 + 120 * label[:, None]
        videos.append(
            {
                'frame_dir': f'video_{i}',
                'total_frames': length,
                'img_shape': (480, 640),
                'keypoint': keypoint.astype(np.float32),
                'keypoint_score': np.ones((1, length, 17), np.float32),
                'label': label.astype(np.int64),
                'fps': 10.0,
            }
        )
    names = [video['frame_dir'] for video in videos]
    return {
        'annotations': videos,
        'split': {'train': names[:-1], 'test': names[-1:]},
        'metainfo': {
            'classes': [f'class_{k}' for k in range(num_classes)],
            'skeleton': 'coco17',
            'dataset': 'small',
            'background': None,
        },
    }


def with_3d(data):
    """Return annotations whose first person is there in three dimensions as well."""
    for video in data['annotations']:
        depth = np.full((*video['keypoint'].shape[:3], 1), 3, np.float32)
        video['keypoint_3d'] = np.concatenate([video['keypoint'], depth], axis=-1)
    data['metainfo']['up'] = '-y'
    return data


def small_loaders(path):
    """Return settings of all data loaders for an annotation file."""
    return [
        f'{mode}_dataloader.{setting}'
        for mode in ('train', 'val', 'test')
        for setting in (
            f'dataset.ann_file={path}',
            'num_workers=0',
            'persistent_workers=False',
        )
    ]


def small_training(path):
    """Return settings of the toy config for small annotations, with a small model."""
    return [
        *small_loaders(path),
        'val_evaluator.num_classes=3',
        'test_evaluator.num_classes=3',
        'model.num_classes=3',
        'model.branches.heatmap.channels=8',
    ]


def save_poses(path, video):
    """Write the skeletons of a video to an npz file; return it."""
    keys = ('keypoint', 'keypoint_score', 'fps', 'img_shape')
    np.savez(path, **{key: video[key] for key in keys})
    return path
