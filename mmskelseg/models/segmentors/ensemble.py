"""Several trained models of one config as one."""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmaction.structures import ActionDataSample
from mmengine.model import BaseModel, ModuleList
from torch import Tensor

from mmskelseg.evaluation.ensembles import FIELDS, average_predictions
from mmskelseg.fileio.checkpoints import load_checkpoint, meta_of
from mmskelseg.fileio.trained_weights import (
    changed_features,
    load_weights,
    trained_data,
    trained_features,
)
from mmskelseg.models.postprocessors import postprocess
from mmskelseg.registry import MODELS
from mmskelseg.utils.errors import UserError


@MODELS.register_module()
class ActionSegmentorEnsemble(BaseModel):
    """Averages the probabilities that several trained models give, such as of seeds.

    It predicts, and cannot be trained. The models run one after another, so that memory
    is that of one, but for the weights and the predictions. ``seeds`` are those of the
    trainings, None where a checkpoint does not state it.

    Args:
        model: Config of the models.
        checkpoints: The weights of each, as trainings write them. They are read here,
            since a test calls no ``init_weights``.

    Raises:
        FileNotFoundError: If a checkpoint is missing.
        ValueError: If one is not of the model, or was trained on other classes or
            features than the first, or if one is given twice.
    """

    def __init__(
        self, model: Mapping[str, Any], checkpoints: Sequence[str | os.PathLike]
    ) -> None:
        super().__init__()
        self.checkpoints = [str(file) for file in checkpoints]
        for file in self.checkpoints:
            if self.checkpoints.count(file) > 1:
                raise UserError(
                    f'{file}: named twice; name each checkpoint of an ensemble once.'
                )
        self.members = ModuleList()
        self.seeds: list[int | None] = []
        first: dict[str, Any] = {}
        for file in self.checkpoints:
            content = load_checkpoint(file)
            member = MODELS.build(copy.deepcopy(model))
            load_weights(member, content, file)
            first = first or content
            _check_same(content, file, first, self.checkpoints[0])
            self.members.append(member)
            self.seeds.append(meta_of(content).get('seed'))
        # The segmentor's own, which its config need not name.
        self.data_preprocessor = self.members[0].data_preprocessor
        self.num_classes = getattr(self.members[0], 'num_classes', None)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence[ActionDataSample],
        mode: str = 'predict',
    ) -> list[ActionDataSample]:
        """Return predictions: the samples with what the members predict on average.

        Args:
            inputs: As for the members.
            data_samples: As for the members.
            mode: ``predict``: samples get the fields of
                :func:`mmskelseg.evaluation.ensembles.average_predictions`, after the
                post-processing of the first model, and ``members``, a list with the
                fields that each member predicts.

        Raises:
            ValueError: If another mode is asked for.
        """
        if mode != 'predict':
            raise UserError(
                f"mode={mode!r}, but an ensemble knows 'predict' alone; train its "
                'members one by one.'
            )
        predicted: list[list[dict[str, Tensor]]] = [[] for _ in data_samples]
        for member in self.members:
            samples = member(inputs, data_samples, mode='predict')
            for kept, sample in zip(predicted, samples, strict=True):
                kept.append({key: sample.get(key) for key in FIELDS if key in sample})
        for sample, members in zip(data_samples, predicted, strict=True):
            averaged = average_predictions(members)
            steps = getattr(self.members[0], 'postprocess', ())
            for key, value in postprocess(averaged, steps).items():
                sample.set_field(value, key, dtype=Tensor)
            sample.set_field(members, 'members', dtype=list)
        return list(data_samples)


def _check_same(
    checkpoint: Mapping[str, Any], file: str, first: Mapping[str, Any], first_file: str
) -> None:
    """Raise an error if checkpoints state that they learned different things."""
    classes, expected = (
        trained_data(content, source).get('classes')
        for content, source in ((checkpoint, file), (first, first_file))
    )
    if classes and expected and list(classes) != list(expected):
        raise UserError(
            f'{file}: was trained on the classes {", ".join(classes)}, but '
            f'{first_file} on {", ".join(expected)}; name checkpoints of the same data '
            'set.'
        )
    features, others = trained_features(checkpoint), trained_features(first)
    if features is not None and others is not None:
        changed = changed_features(others, features)
        if changed:
            raise UserError(
                f'{file}: was trained on other features than {first_file}: {changed}. '
                'Name checkpoints of one config; tools/ensemble.py averages what '
                'several configs predict.'
            )
