"""The features of a modality, made where they are not there yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import barrier, get_rank, get_world_size
from mmengine.logging import print_log
from mmengine.utils import ProgressBar

from mmskelseg.features.feature_store import FeatureStore, load_features
from mmskelseg.registry import MODELS, TRANSFORMS

_FRAMES_AT_A_TIME = 128


def ensure_features(
    root: Path, modality: str, config: Mapping[str, Any], videos: Sequence[dict]
) -> list[Path]:
    """Return each video's feature file, after making those that are missing.

    An interrupted run loses the video at hand and no more. In a distributed run the
    ranks share the videos.

    Args:
        root: Folder of all features of the data set.
        modality: Key of the modality.
        config: ``render``, a transform that draws ``keypoint`` and ``keypoint_score``
            as images in blocks; ``encoder``, which makes features of them; and, if
            wanted, ``transforms``, which change a video's annotation before.
        videos: Annotations of the videos, with their skeletons.

    Raises:
        ValueError: If the configuration, a skeleton or a feature file is at fault.
    """
    if set(config) - {'transforms'} != {'render', 'encoder'}:
        raise ValueError(
            f'features.{modality} has the keys {sorted(config)}, but needs `render` '
            'and `encoder` (and may have `transforms`).'
        )
    transforms = [TRANSFORMS.build(part) for part in config.get('transforms', ())]
    render = TRANSFORMS.build(config['render'])
    encoder = MODELS.build(config['encoder'])
    settings = {'render': render.settings(), 'encoder': encoder.settings()}
    if transforms:
        settings['transforms'] = [transform.settings() for transform in transforms]
    store = FeatureStore(root, modality, settings)
    paths = [store.path(video['frame_dir'], _source(video)) for video in videos]
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    mine = missing[get_rank() :: get_world_size()]
    if mine:
        encoder.load()
        frames = sum(videos[i]['total_frames'] for i in mine)
        print_log(
            f'Making {modality} features of {len(mine)} videos ({frames} frames) in '
            f'{store.folder}; later runs find them there.',
            logger='current',
        )
        progress = ProgressBar(frames)
        for i in mine:
            blocks = _features(videos[i], transforms, render, encoder, progress)
            store.write(paths[i], videos[i]['total_frames'], blocks)
        progress.file.write('\n')
    barrier()
    for path, video in zip(paths, videos, strict=True):
        _check(path, video)
    return paths


def _source(video: Mapping[str, Any]) -> list[np.ndarray]:
    return [video[key] for key in ('keypoint', 'keypoint_score') if key in video]


def _features(
    video: Mapping[str, Any],
    transforms: Sequence[Any],
    render: Any,
    encoder: Any,
    progress: ProgressBar,
) -> Iterator[np.ndarray]:
    try:
        changed = dict(video)
        for transform in transforms:
            changed = transform(changed)
        for images in render.blocks(changed, _FRAMES_AT_A_TIME):
            yield encoder.encode(images)
            progress.update(len(images))
    except ValueError as error:
        raise ValueError(f'{video["frame_dir"]}: {error}') from error


def _check(path: Path, video: Mapping[str, Any]) -> None:
    features = load_features(path)
    if features.ndim != 2 or len(features) != video['total_frames']:
        raise ValueError(
            f'{path}: holds an array of shape {features.shape}, but video '
            f'{video["frame_dir"]} needs {video["total_frames"]} frames of features; '
            'delete the file, and it is made again.'
        )
