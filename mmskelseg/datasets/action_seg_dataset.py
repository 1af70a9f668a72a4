"""Untrimmed videos with a label for every frame."""

from __future__ import annotations

import os.path as osp
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    ``total_frames``, ``fps``; and ``feature_files``, the path for each modality.

    Args:
        ann_file: An annotation file; docs/data_format.md describes it.
        split: ``train``, ``test``, or of a fold ``<fold>/train``, ``<fold>/test``.
        features: For each modality ``render``, ``encoder`` and, if wanted,
            ``transforms`` of the video before. Renderer and transforms get the
            ``skeleton`` that the annotation file names, unless they are told another.
        pipeline: Transforms of an item.
        data_root: Folder of ``ann_file`` where that is relative.
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
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        self.split = split
        self.features = features
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
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
        videos = [by_name[name] for name in names]
        items = [{key: v[key] for key in _KEPT if key in v} for v in videos]
        for item in items:
            item['feature_files'] = {}
        skeleton = {'skeleton': data['metainfo']['skeleton']}
        for modality, config in self.features.items():
            filled = {**config, 'render': {**skeleton, **config['render']}}
            if 'transforms' in config:
                filled['transforms'] = [
                    {**skeleton, **transform} for transform in config['transforms']
                ]
            files = ensure_features(
                Path(osp.dirname(self.ann_file)) / 'features', modality, filled, videos
            )
            for item, file in zip(items, files, strict=True):
                item['feature_files'][modality] = str(file)
        return items
