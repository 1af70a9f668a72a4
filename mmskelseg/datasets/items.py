"""The item of a data set, which transforms turn into inputs of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mmskelseg_io.structures.objects import ObjectKinds
from mmskelseg_io.structures.tiers import Tier
from mmskelseg_runtime.features.recipe import FeatureRecipe, RenderedVideo

if TYPE_CHECKING:
    from mmaction.structures import ActionDataSample
    from torch import Tensor


class ItemSource(Protocol):
    """A data set whose items can be read before their transforms."""

    def __len__(self) -> int:
        """Return the number of items."""

    def get_data_info(self, idx: int) -> Item:
        """Return an item as passed to the pipeline."""

    def videos(self) -> Iterator[tuple[int, Item]]:
        """Yield each whole video, with its index."""

    def video(self, index: int) -> Item:
        """Return a whole video."""


class Item(RenderedVideo, total=False):
    """A video on its way through the pipeline of a data set.

    The data set gives it the keys of the annotation, with skeletons only for online
    features; ``feature_files``, the paths of each modality, one per copy; ``online``,
    the recipe of each modality with features computed on the fly; ``classes``, their
    names, ``tiers``, to which they belong, and ``kinds``, those of objects with the
    names of their points; ``epoch`` and ``run_seed``, on which
    random transforms depend; ``up``, the direction of ``keypoint_3d`` that points up,
    None if unknown; and ``dataset``, the data set itself, for transforms that mix
    videos. A recording may have several items, crops around its labels: ``crop`` is the
    number of the item, from 0, ``crops`` is how many there are, and ``crop_frames`` is
    their length, or None if videos stay whole.

    Transforms add ``features``, an array (C, T, ...) for each modality;
    ``source_frames`` (T,), the kept frames of a video, and ``source_length``, its
    length; and finally ``inputs`` and ``data_samples``.
    """

    feature_files: dict[str, list[str]]
    online: Mapping[str, FeatureRecipe]
    classes: Sequence[str]
    tiers: Sequence[Tier]
    kinds: ObjectKinds
    epoch: int
    run_seed: int
    up: str | None
    dataset: ItemSource
    crop: int
    crops: int
    crop_frames: int | None
    features: dict[str, np.ndarray]
    source_frames: np.ndarray
    source_length: int
    inputs: dict[str, Tensor]
    data_samples: ActionDataSample
