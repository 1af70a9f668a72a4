"""The data set of untrimmed videos with a label for every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
from mmengine.dataset import BaseDataset, Compose, force_full_init

from mmskelseg.datasets.intervals import with_labels_in
from mmskelseg.datasets.items import Item
from mmskelseg.datasets.transforms.join_clips import JoinClips
from mmskelseg.encoders.recipes import copies_from_config, with_skeleton
from mmskelseg.encoders.store import ensure_features
from mmskelseg.engine.crops import crops_of
from mmskelseg.engine.lengths import CROP_FRAMES
from mmskelseg.registry import DATASETS, TRANSFORMS
from mmskelseg_io.files.annotations import (
    labelled_videos,
    load_annotations,
    videos_of_split,
)
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.structures.annotations import (
    SKELETON_KEYS,
    AnnotationFile,
    VideoAnnotation,
)
from mmskelseg_io.structures.bodies import up_direction
from mmskelseg_io.structures.individuals import alone
from mmskelseg_io.structures.observers import votes
from mmskelseg_io.structures.places import tracked
from mmskelseg_io.structures.segments import IGNORED
from mmskelseg_io.structures.tiers import tiers_of
from mmskelseg_runtime.features.recipe import FeatureConfig, PartConfig

# The keys that an item keeps, besides skeletons and objects for online features.
_KEPT = (
    'frame_dir', 'total_frames', 'img_shape', 'fps', 'filename', 'label', 'risk',
    'individual', 'votes', 'person',
)  # fmt: skip


@DATASETS.register_module()
class ActionSegDataset(BaseDataset):
    """A data set with an item for each untrimmed video of a split, or for each crop.

    With :class:`JoinClips` in its pipeline, there is an item for each recording into
    which clips of one action each are joined, in place of the clips.

    Unless it is for testing, videos without a label are left out.

    Building it computes missing features, in the folder ``features`` beside the
    annotation file; see :func:`mmskelseg.encoders.store.ensure_features`.

    :class:`~mmskelseg.datasets.items.Item` lists the keys of an item. The metainfo,
    which is stored in checkpoints, is that of the annotation file, plus ``videos``, the
    number of those of the split, and ``fps`` if all have the same frame rate.

    Args:
        ann_file: An annotation file; docs/data_format.md describes it.
        split: ``train`` or ``test``, or ``<fold>/train`` or ``<fold>/test``.
        features: The config of each modality: ``render``, usually ``encoder`` and
            optionally ``transforms`` that change the video first. Parts that take a
            ``skeleton`` get the one of the annotation file unless they specify another.
            ``dtype='float16'`` halves the size of the files. ``copies`` makes several
            versions of the features, with the ``seed`` of the transforms increased by 1
            each time; epochs read them in turn. With ``online=True`` there are no files
            and features are computed each time an item is read.
        pipeline: Transforms of an item, which get the skeleton in the same way.
        data_root: Folder to which ``ann_file`` is relative.
        data_prefix: ``video`` is the folder to which each ``filename`` is relative; by
            default the folder of the annotation file.
        crop_frames: For training: longer recordings are cropped to this many frames at
            random places around their labels; each epoch takes as many crops as cover
            what is labelled. Time and memory of a step then do not depend on the length
            of a recording.
        labelled: A file of intervals, as written by ``mmskelseg suggest``. Other labels
            are ignored, to test how well fewer labels do; an epoch then has fewer
            steps.
        observers: What is learned from labels of several observers: ``majority``, the
            label that most of them give a frame, or ``shares``, the share of them that
            gives it each class. Scores are those of ``label`` either way.
        indices: The number of videos to use, counted from the first, or their indices.
        test_mode: Whether the videos are for testing.
        lazy_init: Whether to delay reading and extraction until the first item is
            needed.

    Raises:
        FileNotFoundError: If the annotation file is missing.
        ValueError: If the file violates the format or lacks the split, the split has no
            label, the file no observers whose shares to learn, or the features are
            faulty.

    An item is a video with its features and labels::

        dataset = DATASETS.build(
            dict(
                type='ActionSegDataset',
                ann_file='data/mine/annotations.pkl',
                split='train',
                features=dict(
                    pose2d=dict(
                        render=dict(type='SkeletonCoordinates', dims=2, flatten=True),
                        online=True,
                    )
                ),
                pipeline=[dict(type='LoadFrameFeatures'), dict(type='PackSegInputs')],
            )
        )
        dataset[0]['inputs']['pose2d']  # (C, T)
    """

    def __init__(
        self,
        ann_file: str,
        split: str,
        *,
        features: Mapping[str, FeatureConfig],
        pipeline: Sequence[PartConfig | Callable[[Item], Item]],
        data_root: str = '',
        data_prefix: Mapping[str, str] | None = None,
        crop_frames: int | None = None,
        labelled: str | None = None,
        observers: Literal['majority', 'shares'] = 'majority',
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        self.split = split
        self.features = features
        self.crop_frames = crop_frames
        self.labelled = labelled
        self.observers = observers
        # In shared memory, since workers of a dataloader may persist over epochs.
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

    def load_data_list(self) -> list[Item]:
        """Read the annotations and make missing features."""
        shares = self.observers == 'shares'
        data = load_annotations(self.ann_file, observers=shares)
        self._metainfo.update(data['metainfo'])
        skeleton = data['metainfo']['skeleton']
        # Built here, where the skeleton is known, and not by MMEngine, which would
        # search the default scope.
        steps = list(self._steps)
        if self.crop_frames is not None:
            crop = {'type': 'RandomCropFrames', 'num_frames': self.crop_frames}
            steps.insert(0, crop)
        parts = [
            TRANSFORMS.build(with_skeleton(s, skeleton)) if isinstance(s, dict) else s
            for s in steps
        ]
        self.pipeline = Compose(parts)
        prefix = self.data_prefix.get('video')
        videos = videos_of_split(data, self.split, self.ann_file, prefix)
        if shares:
            self._add_votes(videos, data)
        if self.labelled is not None:
            videos = with_labels_in(videos, self.labelled)
        if not self.test_mode:
            videos = labelled_videos(videos, self.split, self.ann_file)
        self._metainfo['videos'] = len(videos)
        self._up = None
        if all('keypoint_3d' in video for video in videos):
            self._up, _ = up_direction(data['metainfo'], videos)
        rates = {float(video['fps']) for video in videos}
        if len(rates) == 1:
            (self._metainfo['fps'],) = rates
        recipes = {
            modality: copies_from_config(modality, config, skeleton)
            for modality, config in self.features.items()
        }
        if not any(made[0].sees_others for made in recipes.values()):
            videos = [alone(video) for video in videos]
        self._online = {m: made[0] for m, made in recipes.items() if made[0].online}
        for recipe in self._online.values():
            recipe.load()
            for video in videos:
                recipe.check(video)
        folder = Path(self.ann_file).parent / 'features'
        # The files of all videos for each copy of each modality.
        files = {
            modality: [ensure_features(folder, recipe, videos) for recipe in copies]
            for modality, copies in recipes.items()
            if modality not in self._online
        }
        kept = (*_KEPT, *SKELETON_KEYS, 'objects', 'places') if self._online else _KEPT
        items = []
        for i, video in enumerate(videos):
            item = cast(Item, {k: value for k, value in video.items() if k in kept})
            own = {m: [str(paths[i]) for paths in made] for m, made in files.items()}
            items.append(cast(Item, {**item, 'feature_files': own}))
        return items

    def _add_votes(self, videos: list[VideoAnnotation], data: AnnotationFile) -> None:
        """Add how many observers give each frame each class, 0 without observers."""
        tiers = tiers_of(self._metainfo)
        if not any('observers' in video for video in data['annotations']):
            raise UserError(
                f"{self.ann_file}: observers='shares', but no video has `observers`; "
                "add their labels, or leave out observers='shares'."
            )
        for video in videos:
            nobody = {'': np.full_like(video['label'], IGNORED)}
            own = video.pop('observers', nobody)
            video['votes'] = votes([*own.values()], tiers)

    def set_epoch(self, epoch: int, seed: int = 0) -> None:
        """Set the epoch, from 0, and the seed on which transforms of items depend."""
        self._epoch.copy_(torch.tensor([epoch, seed]))

    def full_init(self) -> None:
        """Read the annotations, and count the items of each recording."""
        if self._fully_initialized:
            return
        super().full_init()
        joins = any(isinstance(step, JoinClips) for step in self.pipeline.transforms)
        joined = (self.crop_frames or CROP_FRAMES) if joins else None
        videos = (video for _, video in self.videos())
        self._crops = crops_of(videos, self.crop_frames, joined)

    @force_full_init
    def __len__(self) -> int:
        """Return the number of items; a long recording has several."""
        return len(self._crops)

    @property
    def num_videos(self) -> int:
        """The number of whole videos."""
        return super().__len__()

    def videos(self) -> Iterator[tuple[int, Item]]:
        """Yield each whole video, with its index."""
        return ((i, self.video(i)) for i in range(self.num_videos))

    @force_full_init
    def get_data_info(self, idx: int) -> Item:
        """Return an item as passed to the pipeline, which crops it."""
        video, crop, crops = self._crops[idx]
        return {**self.video(video), 'crop': crop, 'crops': crops}

    def video(self, index: int) -> Item:
        """Return a whole video."""
        item = super().get_data_info(index)
        if 'places' in item:
            frames = item['total_frames']
            item['places'] = tracked(item['places'], frames, self._up)
        return {
            **item,
            'crop_frames': self.crop_frames,
            'dataset': self,
            'online': self._online,
            'classes': self._metainfo['classes'],
            'tiers': tiers_of(self._metainfo),
            'kinds': self._metainfo.get('objects', {}),
            'up': self._up,
            'epoch': int(self._epoch[0]),
            'run_seed': int(self._epoch[1]),
        }
