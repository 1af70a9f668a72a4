"""Predictions of a trained model, by PyTorch, for the features of videos."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import Compose
from mmengine.model import BaseModel

from mmskelseg.encoders.recipes import recipe_from_config
from mmskelseg.evaluation.ensembles import predicted_fields
from mmskelseg.export.opening import TrainedModel
from mmskelseg.registry import FUNCTIONS, TRANSFORMS
from mmskelseg_io.messages.errors import UserError, shown
from mmskelseg_io.structures.annotations import VideoAnnotation
from mmskelseg_io.structures.skeleton import Layout
from mmskelseg_runtime.features.recipe import FeatureRecipe


def check_device(name: str) -> None:
    """Raise a UserError if torch does not know the device or it is not available.

    >>> check_device('cpu')
    """
    try:
        # The copy fails if the device is known but not available.
        torch.empty(0, device=name).to('cpu')
    except (RuntimeError, AssertionError, NotImplementedError, ImportError, TypeError):
        count = torch.cuda.device_count()
        there = ['cpu', *(f'cuda:{i}' for i in range(count))]
        raise UserError(
            f'device {shown(name)}: not available here; choose {" or ".join(there)}.'
        ) from None


def branch_recipe(
    modality: str, dataset: ConfigDict, skeleton: Layout
) -> FeatureRecipe:
    """Return the recipe of the features that a branch of a model reads.

    Raises:
        UserError: If the data set has no features of this name.
    """
    features = dataset['features'].get(modality)
    if features is None:
        raise UserError(
            f'The model has a branch {modality!r}, but dataset.features are '
            f'{", ".join(dataset["features"])}.'
        )
    return recipe_from_config(modality, features, skeleton)


class TorchPredictor:
    """A ``Predictor`` that runs a trained model in PyTorch, on a device.

    Build it in the block of ``trained_model``, since it builds parts of the config.
    """

    def __init__(self, trained: TrainedModel, device: str) -> None:
        self.metainfo = trained.metainfo
        self.name, self.device = ', '.join(trained.checkpoints), device
        self.model = trained.model.to(device).eval()
        loader = trained.cfg.test_dataloader
        self.recipes: Sequence[FeatureRecipe] = [
            recipe_from_config(modality, config, self.metainfo['skeleton'])
            for modality, config in loader.dataset.features.items()
        ]
        for recipe in self.recipes:
            # So that faults in its weights are reported before any work.
            recipe.load(device)
        steps = loader.dataset.pipeline
        self.pipeline = Compose([TRANSFORMS.build(part) for part in steps])
        collate = loader.get('collate_fn') or 'pseudo_collate'
        options = dict(collate) if isinstance(collate, Mapping) else {'type': collate}
        self.collate = partial(FUNCTIONS.get(options.pop('type')), **options)

    def predict(
        self,
        videos: Sequence[VideoAnnotation],
        features: Sequence[Mapping[str, np.ndarray]],
    ) -> list[dict[str, np.ndarray]]:
        """Return the prediction for each video; see ``Predictor``."""
        items = []
        for video, each in zip(videos, features, strict=True):
            own = {name: x.swapaxes(0, 1) for name, x in each.items()}
            items.append(self.pipeline({**video, 'features': own}))
        with torch.no_grad():
            samples = cast(BaseModel, self.model).test_step(self.collate(items))
        return [
            {
                name: value.cpu().numpy()
                for name, value in predicted_fields(sample).items()
                if name not in ('pred_logit', 'raw_label')
            }
            for sample in samples
        ]
