"""Recipes of features from their configs."""

import inspect
from collections.abc import Collection
from dataclasses import replace

from mmskelseg.registry import MODELS, TRANSFORMS
from mmskelseg_io.messages.errors import UserError
from mmskelseg_io.messages.options import hints_of, misfits
from mmskelseg_io.structures import Skeleton
from mmskelseg_io.structures.skeleton import SkeletonLike
from mmskelseg_runtime.features.recipe import FeatureConfig, FeatureRecipe, PartConfig


def recipe_from_config(
    modality: str, config: FeatureConfig, skeleton: SkeletonLike
) -> FeatureRecipe:
    """Return the recipe of a modality; the first one if there are several copies.

    Its config is the value of the key ``modality`` in ``dataset.features``. Parts that
    take a ``skeleton`` but do not specify one get that of the data set.

    Raises:
        UserError: If the config is invalid; the message names the key.
        MissingFileError: If a weights file is missing.
    """
    return copies_from_config(modality, config, skeleton)[0]


def copies_from_config(
    modality: str, config: FeatureConfig, skeleton: SkeletonLike
) -> list[FeatureRecipe]:
    """Return a recipe for each of the ``copies`` of a modality's features.

    They differ in the ``seed`` of their transforms. See :func:`recipe_from_config`.

    Raises:
        UserError: If the config is invalid; the message names the key.
    """
    if not {'render'} <= set(config) <= set(FeatureConfig.__annotations__):
        raise UserError(
            f'features.{modality} has the keys {sorted(config)}, but needs '
            '`render`, and may have `encoder`, `dtype`, `online`, `transforms` '
            'and, only with `transforms`, `copies`.'
        )
    for problem in misfits(hints_of(FeatureConfig), config):
        raise UserError(f'features.{modality}.{problem}')
    transforms = [with_skeleton(t, skeleton) for t in config.get('transforms', ())]
    copies = config.get('copies', 1)
    if copies > 1 and not transforms:
        raise UserError(
            f'features.{modality}.copies is {copies}, but there are no transforms that '
            'make the copies differ; leave it out.'
        )
    if copies > 1 and config.get('online'):
        raise UserError(
            f'features.{modality} has copies={copies} and online=True, but online '
            'features are computed anew in each epoch; remove `copies`.'
        )
    for part in transforms:
        if copies > 1 and 'seed' not in _parameters(part):
            raise UserError(
                f'features.{modality}: {part["type"]} takes no `seed`, so all '
                f'{copies} copies would be equal; remove `copies` or this transform.'
            )
    render = with_skeleton(config['render'], skeleton)
    first = FeatureRecipe(
        modality,
        TRANSFORMS.build(render),
        MODELS.build(config['encoder']) if 'encoder' in config else None,
        [TRANSFORMS.build(part) for part in transforms],
        config.get('dtype', 'float32'),
        Skeleton.get(render.get('skeleton', skeleton)).num_joints,
        config.get('online', False),
    )
    recipes = [first]
    for i in range(1, copies):
        seeded = [{**p, 'seed': p.get('seed', 0) + i} for p in transforms]
        others = [TRANSFORMS.build(part) for part in seeded]
        recipes.append(replace(first, transforms=others))
    return recipes


def with_skeleton(part: PartConfig, skeleton: SkeletonLike) -> PartConfig:
    """Return a part's config, with the skeleton added if it takes one and lacks it."""
    return {'skeleton': skeleton, **part} if 'skeleton' in _parameters(part) else part


def _parameters(part: PartConfig) -> Collection[str]:
    """Return the names of a transform's arguments, none if it is not registered."""
    kind = part.get('type')
    cls = TRANSFORMS.get(kind) if isinstance(kind, str) else kind
    return inspect.signature(cls).parameters if cls is not None else ()
