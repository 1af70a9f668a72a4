"""Ensembles of several trained models of one config."""

import copy
import os
from collections.abc import Mapping, Sequence

from mmaction.structures import ActionDataSample
from mmengine.model import BaseModel, ModuleList
from torch import Tensor, nn

from mmskelseg.checkpoints.reading import load_checkpoint, seed_of
from mmskelseg.checkpoints.weights import (
    changed_features,
    check_visible_frames,
    load_weights,
    trained_data,
    trained_features,
)
from mmskelseg.evaluation.ensembles import (
    average_predictions,
    labelled,
    predicted_fields,
)
from mmskelseg.models.segmentors.action_segmentor import ActionSegmentor
from mmskelseg.registry import MODELS
from mmskelseg_io.messages.errors import UserError


@MODELS.register_module()
class ActionSegmentorEnsemble(BaseModel):
    """The mean of the probabilities of several trained models, such as of seeds.

    It only predicts and cannot be trained. The models run one after another, so that
    it needs the memory of one model plus all weights and predictions. ``seeds`` are the
    seeds of the trainings, None if a checkpoint does not state its seed.

    Args:
        model: Config of the models.
        checkpoints: The checkpoints of the trainings. They are loaded here, since a
            test does not call ``init_weights``.

    Raises:
        FileNotFoundError: If a checkpoint is missing.
        ValueError: If a checkpoint does not fit the model, was trained on other classes
            or features than the first one, or is given twice.
    """

    def __init__(
        self, model: Mapping[str, object], checkpoints: Sequence[str | os.PathLike]
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
        first: object = None
        for file in self.checkpoints:
            content = load_checkpoint(file)
            member = MODELS.build(copy.deepcopy(model))
            load_weights(member, content, file)
            check_visible_frames(model.get('branches'), content, file)
            first = content if first is None else first
            _check_same(content, file, first, self.checkpoints[0])
            self.members.append(member)
            self.seeds.append(seed_of(content))
        # The classes that the members were trained on, and the file that names them.
        file = self.checkpoints[0]
        self.trained = (trained_data(first, file).get('classes', ()), file)
        # Taken from the segmentor, since a config may leave it out.
        self.data_preprocessor = self.members[0].data_preprocessor
        self.num_classes = getattr(self.members[0], 'num_classes', None)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence[ActionDataSample],
        mode: str = 'predict',
    ) -> list[ActionDataSample]:
        """Return the samples with the mean predictions of the members.

        Samples get the fields of
        :func:`mmskelseg.evaluation.ensembles.average_predictions`, labels after the
        post-processing of the first model, and ``members``, a list with the fields that
        each member predicts. The only mode is ``predict``.

        Raises:
            ValueError: For any other mode.
        """
        if mode != 'predict':
            raise UserError(
                f"mode={mode!r}, but an ensemble only knows 'predict'; train its "
                'members one by one.'
            )
        predicted: list[list[dict[str, Tensor]]] = [[] for _ in data_samples]
        for member in self.members:
            samples = member(inputs, data_samples, mode='predict')
            for kept, sample in zip(predicted, samples, strict=True):
                kept.append(predicted_fields(sample))
        for sample, members in zip(data_samples, predicted, strict=True):
            averaged = average_predictions(members)
            first = self.members[0]
            tiers = getattr(first, 'tiers', None)
            steps = getattr(first, 'steps_of_tiers', ())
            for key, value in labelled(averaged, tiers, steps).items():
                sample.set_field(value, key, dtype=Tensor)
            sample.set_field(members, 'members', dtype=list)
        return list(data_samples)


def segmentors_of(model: nn.Module) -> list[ActionSegmentor]:
    """Return the members of an ensemble, or the model itself, as segmentors.

    Raises:
        UserError: If a model is of another type.
    """
    parts = model.members if isinstance(model, ActionSegmentorEnsemble) else [model]
    for part in parts:
        if not isinstance(part, ActionSegmentor):
            raise UserError(
                f'model.type is {type(part).__name__}, but streams and exported models '
                'need an ActionSegmentor.'
            )
    return list(parts)


def _check_same(checkpoint: object, file: str, first: object, first_file: str) -> None:
    """Raise an error if checkpoints state different classes or features."""
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
