"""Untrimmed videos with a label for every frame."""

from __future__ import annotations

import inspect
import os.path as osp
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import BaseDataset

from mmskelseg.datasets.annotations import load_annotations, split_names
from mmskelseg.features.extraction import ensure_features
from mmskelseg.registry import DATASETS, TRANSFORMS

# What a video's entry keeps; its skeleton has become features by then.
_KEPT = ('frame_dir', 'total_frames', 'img_shape', 'fps', 'filename', 'label', 'risk')


@DATASETS.register_module()
class ActionSegDataset(BaseDataset):
    """One item for each untrimmed video of a split, with its frame features.

    Building it makes the features that are not there yet, into the folder ``features``
    beside the annotation file; see :func:`mmskelseg.features.ensure_features`.

    An item holds ``label`` (T,), int64, -1 where a frame has no label; ``frame_dir``,
    ``total_frames``, ``fps``; ``feature_files``, the paths for each modality, one for
    each copy; and ``epoch``, which says which copy it is the turn of.

    Args:
        ann_file: An annotation file; docs/data_format.md describes it.
        split: ``train``, ``test``, or of a fold ``<fold>/train``, ``<fold>/test``.
        features: For each modality ``render``, as a rule ``encoder`` and, if wanted,
            ``transforms`` of the video before. Parts that take a ``skeleton`` get the
            one that the annotation file names, unless they are told another. With
            ``dtype='float16'``, files take half the space. With ``copies``, features
            are made as often, each time with the ``seed`` of the transforms raised by
            1, and epochs take turns at reading them.
        pipeline: Transforms of an item.
        data_root: Folder of ``ann_file`` where that is relative.
        data_prefix: ``video``, the folder that each ``filename`` is in; by default the
            one of the annotation file.
        indices: The first so many videos, or those of these indices.
        test_mode: Whether the videos are for testing.
        lazy_init: Whether reading and extraction wait until the first item is asked.

    Raises:
        FileNotFoundError: If the annotation file is missing.
        ValueError: If it breaks the format, has no such split, or its features are at
            fault.
    """

    def __init__(
        self,
        ann_file: str,
        split: str,
        *,
        features: Mapping[str, Mapping[str, Any]],
        pipeline: Sequence[Any],
        data_root: str = '',
        data_prefix: Mapping[str, str] | None = None,
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        self.split = split
        self.features = features
        # Shared with the workers of a loader, which live on from epoch to epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=dict(data_prefix or {}),
            # Built here, since MMEngine would look for them in the default scope.
            pipeline=[
                TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline
            ],
            indices=indices,
            test_mode=test_mode,
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotations and make sure of the features."""
        data = load_annotations(self.ann_file)
        self._metainfo.update(data['metainfo'])
        by_name = {video['frame_dir']: video for video in data['annotations']}
        names = split_names(data, self.split, self.ann_file)
        folder = Path(osp.dirname(self.ann_file))
        videos = []
        for name in names:
            video = dict(by_name[name])
            if 'filename' in video:
                place = self.data_prefix.get('video', folder)
                video['filename'] = osp.join(place, video['filename'])
            videos.append(video)
        items = [{key: v[key] for key in _KEPT if key in v} for v in videos]
        for item in items:
            item['feature_files'] = {}
        for modality, config in self.features.items():
            copies = [
                ensure_features(folder / 'features', modality, copy, videos)
                for copy in feature_configs(
                    modality, config, data['metainfo']['skeleton']
                )
            ]
            for item, *files in zip(items, *copies, strict=True):
                item['feature_files'][modality] = [str(file) for file in files]
        return items

    def set_epoch(self, epoch: int) -> None:
        """Tell the transforms of an item the epoch, from 0, that a training is in."""
        self._epoch.fill_(epoch)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return an item as the pipeline gets it."""
        return {**super().get_data_info(idx), 'epoch': int(self._epoch)}


def feature_configs(
    modality: str, config: Mapping[str, Any], skeleton: Any
) -> list[Mapping[str, Any]]:
    """Return what each copy of a modality's features is made by.

    Args:
        modality: Key of the modality.
        config: What stands in ``dataset.features`` under it.
        skeleton: The layout that parts get which take one and name none.

    Raises:
        ValueError: If the copies would not differ.
    """
    told = {
        key: _told(value, skeleton) if key == 'render' else value
        for key, value in config.items()
        if key not in ('copies', 'transforms')
    }
    transforms = [_told(part, skeleton) for part in config.get('transforms', ())]
    copies = config.get('copies', 1)
    if not isinstance(copies, int) or copies < 1 or (copies > 1 and not transforms):
        raise ValueError(
            f'features.{modality}.copies is {copies!r} with {len(transforms)} '
            'transforms, expected a number from 1, and above it transforms that make '
            'the copies differ.'
        )
    if copies == 1:
        return [{**told, 'transforms': transforms}]
    for part in transforms:
        if 'seed' not in _parameters(part):
            raise ValueError(
                f'features.{modality}: {part["type"]} takes no `seed`, so that '
                f'{copies} copies of it would be the same; leave out one of the two.'
            )
    return [
        {
            **told,
            'transforms': [
                {**part, 'seed': part.get('seed', 0) + i} for part in transforms
            ],
        }
        for i in range(copies)
    ]


def _told(part: Mapping[str, Any], skeleton: Any) -> Mapping[str, Any]:
    """Return a part's config with the skeleton, if it takes one and names none."""
    return {'skeleton': skeleton, **part} if 'skeleton' in _parameters(part) else part


def _parameters(part: Mapping[str, Any]) -> Collection[str]:
    """Return the names of a transform's arguments, none where it is not known."""
    kind = part.get('type')
    cls = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
    return inspect.signature(cls).parameters if cls is not None else ()
