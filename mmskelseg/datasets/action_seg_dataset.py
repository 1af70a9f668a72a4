"""Untrimmed videos with a label for every frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import BaseDataset, Compose

from mmskelseg.datasets.annotations import load_annotations, videos_of_split
from mmskelseg.datasets.stretches import with_labels_in
from mmskelseg.datasets.transforms.augment import SKELETON_KEYS
from mmskelseg.features.recipe import FeatureRecipe, with_skeleton
from mmskelseg.features.store import ensure_features
from mmskelseg.registry import DATASETS, TRANSFORMS

# What a video's entry keeps, and its skeletons where features are made online.
_KEPT = ('frame_dir', 'total_frames', 'img_shape', 'fps', 'filename', 'label', 'risk')


@DATASETS.register_module()
class ActionSegDataset(BaseDataset):
    """One item for each untrimmed video of a split, with its frame features.

    Building it makes the features that are not there yet, into the folder ``features``
    beside the annotation file; see :func:`mmskelseg.features.ensure_features`.

    An item holds ``label`` (T,), int64, -1 where a frame has no label; ``frame_dir``,
    ``total_frames``, ``fps``; ``feature_files``, the paths for each modality, one for
    each copy; ``online``, a :class:`~mmskelseg.features.FeatureRecipe` for each
    modality whose features are made when they are asked for, and with these the
    video's skeletons, which transforms of the pipeline may change before; ``classes``,
    their names; ``epoch`` and ``run_seed``, by which transforms draw anew; and
    ``dataset``, this one, for those that mix videos.

    ``metainfo``, which checkpoints keep, is that of the annotation file, and ``fps`` if
    all videos of the split have the same.

    Args:
        ann_file: An annotation file; docs/data_format.md describes it.
        split: ``train``, ``test``, or of a fold ``<fold>/train``, ``<fold>/test``.
        features: For each modality ``render``, as a rule ``encoder`` and, if wanted,
            ``transforms`` of the video before. Parts that take a ``skeleton`` get the
            one that the annotation file names, unless they are told another. With
            ``dtype='float16'``, files take half the space. With ``copies``, features
            are made as often, each time with the ``seed`` of the transforms raised by
            1, and epochs take turns at reading them. With ``online=True`` there are no
            files: features are made each time that an item is read.
        pipeline: Transforms of an item, told the skeleton in the same way.
        data_root: Folder of ``ann_file`` where that is relative.
        data_prefix: ``video``, the folder that each ``filename`` is in; by default the
            one of the annotation file.
        labelled: A file of stretches, as ``mmskelseg suggest`` writes it, to find out
            what fewer labels would give: labels outside of them do not count, and
            videos without any are left out.
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
        labelled: str | None = None,
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        self.split = split
        self.features = features
        self.labelled = labelled
        # Shared with the workers of a loader, which live on from epoch to epoch.
        self._epoch = torch.zeros(2, dtype=torch.int64).share_memory_()
        self._steps = pipeline
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            data_prefix=dict(data_prefix or {}),
            pipeline=[],
            indices=indices,
            test_mode=test_mode,
            lazy_init=lazy_init,
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotations and make sure of the features."""
        data = load_annotations(self.ann_file)
        self._metainfo.update(data['metainfo'])
        # Built here, where the skeleton is known, and not by MMEngine, which would look
        # for them in the default scope.
        self.pipeline = Compose(
            [
                TRANSFORMS.build(with_skeleton(step, data['metainfo']['skeleton']))
                if isinstance(step, dict)
                else step
                for step in self._steps
            ]
        )
        prefix = self.data_prefix.get('video')
        videos = videos_of_split(data, self.split, self.ann_file, prefix)
        if self.labelled is not None:
            videos = with_labels_in(videos, self.labelled)
        rates = {float(video['fps']) for video in videos}
        if len(rates) == 1:
            (self._metainfo['fps'],) = rates
        folder = Path(self.ann_file).parent
        recipes = {
            modality: FeatureRecipe.copies_from_config(
                modality, config, data['metainfo']['skeleton']
            )
            for modality, config in self.features.items()
        }
        self._online = {
            m: copies[0] for m, copies in recipes.items() if copies[0].online
        }
        kept = (*_KEPT, *SKELETON_KEYS) if self._online else _KEPT
        items = [{key: v[key] for key in kept if key in v} for v in videos]
        for recipe in self._online.values():
            recipe.load()
            for video in videos:
                recipe.check(video)
        for item in items:
            item['feature_files'] = {}
        for modality, copies_of in recipes.items():
            if modality in self._online:
                continue
            copies = [
                ensure_features(folder / 'features', r, videos) for r in copies_of
            ]
            for item, *files in zip(items, *copies, strict=True):
                item['feature_files'][modality] = [str(file) for file in files]
        return items

    def set_epoch(self, epoch: int, seed: int = 0) -> None:
        """Tell the transforms of an item a training's epoch, from 0, and seed."""
        self._epoch.copy_(torch.tensor([epoch, seed]))

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return an item as the pipeline gets it."""
        return {
            **super().get_data_info(idx),
            'dataset': self,
            'online': self._online,
            'classes': self._metainfo['classes'],
            'epoch': int(self._epoch[0]),
            'run_seed': int(self._epoch[1]),
        }
