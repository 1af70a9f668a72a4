"""The features of a modality, made where they are not there yet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, get_rank, get_world_size
from mmengine.logging import print_log

from mmskelseg.features.recipe import FeatureRecipe
from mmskelseg.features.store import FeatureStore, load_features
from mmskelseg.utils.errors import UserError
from mmskelseg.utils.progress import progress_bar


def ensure_features(
    root: Path, recipe: FeatureRecipe, videos: Sequence[Mapping[str, Any]]
) -> list[Path]:
    """Return each video's feature file, after making those that are missing.

    An interrupted run loses the video at hand and no more. In a distributed run the
    ranks share the videos.

    Args:
        root: Folder of all features of the data set.
        recipe: Makes the features.
        videos: Annotations of the videos.

    Raises:
        MissingFileError: If a video file is missing.
        UserError: If a video or a feature file is at fault.
    """
    store = FeatureStore(root, recipe.modality, recipe.settings())
    paths = [store.path(v['frame_dir'], recipe.source(v)) for v in videos]
    # Shared by place among all videos, since another rank may be making some already.
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    mine = [i for i in missing if i % get_world_size() == get_rank()]
    for i in missing:
        recipe.check(videos[i])
    if mine:
        recipe.load()
        frames = sum(videos[i]['total_frames'] for i in mine)
        print_log(
            f'Making {recipe.modality} features of {len(mine)} videos ({frames} '
            f'frames) in {store.folder}; later runs find them there.',
            logger='current',
        )
        # One bar, since the processes of a run write into one terminal.
        title, shown = f'Making {recipe.modality} features', get_rank() == 0
        with progress_bar(title, frames, shown) as count:
            for i in mine:
                blocks = recipe.make(videos[i], count)
                store.write(paths[i], videos[i]['total_frames'], blocks)
    barrier()
    for path, video in zip(paths, videos, strict=True):
        _check(path, video)
    return paths


def _check(path: Path, video: Mapping[str, Any]) -> None:
    features = load_features(path)
    if features.ndim < 2 or len(features) != video['total_frames']:
        raise UserError(
            f'{path}: holds an array of shape {features.shape}, but video '
            f'{video["frame_dir"]} needs {video["total_frames"]} frames of features; '
            'delete the file, and it is made again.'
        )
