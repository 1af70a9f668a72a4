"""The features of a modality, made where they are not there yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import barrier, get_rank, get_world_size
from mmengine.logging import print_log

from mmskelseg.features.store import FeatureStore, load_features
from mmskelseg.registry import MODELS, TRANSFORMS
from mmskelseg.utils.progress import progress_bar

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
        config: ``render``, a transform that makes images of a video in blocks, such as
            heatmaps of its skeletons or the frames of its file; ``encoder``, which
            makes features of them, and without which what ``render`` makes are the
            features; and, if wanted, ``transforms``, which change a video's annotation
            before, and ``dtype``, the type of the features in their files: ``float32``
            (default), or ``float16``, which takes half the space.
        videos: Annotations of the videos.

    Raises:
        FileNotFoundError: If a video file is missing.
        ValueError: If the configuration, a video or a feature file is at fault.
    """
    transforms, render, encoder = build_parts(modality, config)
    dtype = config.get('dtype', 'float32')
    settings = {'render': render.settings()}
    if encoder is not None:
        settings['encoder'] = encoder.settings()
    if transforms:
        settings['transforms'] = [transform.settings() for transform in transforms]
    if dtype != 'float32':
        settings['dtype'] = dtype
    store = FeatureStore(root, modality, settings)
    paths = []
    for video in videos:
        with _naming(video):
            source = render.source(video)
        if transforms:
            source.append(np.array(video['img_shape']))
        paths.append(store.path(video['frame_dir'], source))
    # Shared by place among all videos, since another rank may be making some already.
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    mine = [i for i in missing if i % get_world_size() == get_rank()]
    if hasattr(render, 'check'):
        for i in missing:
            render.check(videos[i])
    if mine:
        if encoder is not None:
            encoder.load()
        frames = sum(videos[i]['total_frames'] for i in mine)
        print_log(
            f'Making {modality} features of {len(mine)} videos ({frames} frames) in '
            f'{store.folder}; later runs find them there.',
            logger='current',
        )
        # One bar, since the processes of a run write into one terminal.
        shown = get_rank() == 0
        with progress_bar(f'Making {modality} features', frames, shown) as count:
            for i in mine:
                blocks = make_features(
                    videos[i], transforms, render, encoder, count, dtype
                )
                store.write(paths[i], videos[i]['total_frames'], blocks)
    barrier()
    for path, video in zip(paths, videos, strict=True):
        _check(path, video)
    return paths


def build_parts(
    modality: str, config: Mapping[str, Any]
) -> tuple[list[Any], Any, Any | None]:
    """Return transforms, renderer and encoder, or None where there is no encoder.

    Args:
        modality: Key of the modality.
        config: As for :func:`ensure_features`.

    Raises:
        ValueError: If the configuration is at fault.
    """
    if not {'render'} <= set(config) <= {'render', 'encoder', 'transforms', 'dtype'}:
        raise ValueError(
            f'features.{modality} has the keys {sorted(config)}, but needs `render`, '
            'and may have `encoder`, `dtype`, `transforms` and, with these, `copies`.'
        )
    if config.get('dtype', 'float32') not in ('float32', 'float16'):
        raise ValueError(
            f"features.{modality}.dtype is {config['dtype']!r}, but must be 'float32' "
            "or 'float16'."
        )
    return (
        [TRANSFORMS.build(part) for part in config.get('transforms', ())],
        TRANSFORMS.build(config['render']),
        MODELS.build(config['encoder']) if 'encoder' in config else None,
    )


def make_features(
    video: Mapping[str, Any],
    transforms: Sequence[Any],
    render: Any,
    encoder: Any,
    count: Callable[[int], None] | None = None,
    dtype: str = 'float32',
) -> Iterator[np.ndarray]:
    """Yield the features of a video's frames in turn, (n, C) or (n, C, V).

    Args:
        video: Its annotation, of which labels are not needed.
        transforms: These and the next two as :func:`build_parts` returns them.
        render: What makes images of the video.
        encoder: What makes features of them, or None.
        count: Called with the number of frames that were done since its last call.
        dtype: ``float32``, or ``float16``.

    Raises:
        ValueError: If the video is at fault.
    """
    with _naming(video):
        changed = dict(video)
        for transform in transforms:
            changed = transform(changed)
        blocks = render.blocks(changed, _FRAMES_AT_A_TIME)
        if hasattr(encoder, 'encode_video'):
            blocks = encoder.encode_video(blocks, video['total_frames'])
        elif encoder is not None:
            blocks = map(encoder.encode, blocks)
        for features in blocks:
            yield features if dtype == 'float32' else _halved(features)
            if count is not None:
                count(len(features))


def _halved(features: np.ndarray) -> np.ndarray:
    """Return features in half precision.

    Raises:
        ValueError: If one is too large for it.
    """
    largest = np.finfo(np.float16).max
    if np.abs(features).max(initial=0) > largest:
        raise ValueError(
            f'a feature is {np.abs(features).max():g}, but float16 holds up to '
            f"{largest:g}; set dtype='float32' for these features."
        )
    return features.astype(np.float16)


@contextmanager
def _naming(video: Mapping[str, Any]) -> Iterator[None]:
    """Put the video's id before the message of an error."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f'{video["frame_dir"]}: {error}') from error


def _check(path: Path, video: Mapping[str, Any]) -> None:
    features = load_features(path)
    if features.ndim < 2 or len(features) != video['total_frames']:
        raise ValueError(
            f'{path}: holds an array of shape {features.shape}, but video '
            f'{video["frame_dir"]} needs {video["total_frames"]} frames of features; '
            'delete the file, and it is made again.'
        )
