"""Weights of a checkpoint into a model, and what they were trained on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor, nn

from mmskelseg.fileio.checkpoints import meta_of, tensors_of
from mmskelseg.utils.errors import UserError, shown
from mmskelseg.utils.settings import flat_settings


def load_weights(model: nn.Module, checkpoint: Any, source: str) -> None:
    """Load all weights of a model, or none, from the content of the file ``source``.

    Raises:
        ValueError: If the checkpoint has others, or in other shapes.
    """
    state = tensors_of(checkpoint, source)
    check_finite(state, source)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise UserError(
            f'{source}: not a checkpoint of the model of the config '
            f'({first[0].strip().rstrip(".")[:200]}); use the config that it was '
            'trained with, which lies in its work folder.'
        ) from None


def check_finite(state: Mapping[str, Any], source: str) -> None:
    """Raise a UserError that names a tensor which has values that are not finite."""
    for key, value in state.items():
        if not isinstance(value, Tensor) or not value.is_floating_point():
            continue
        wrong = int((~value.isfinite()).sum())
        if wrong:
            raise UserError(
                f'{source}: {wrong} of the {value.numel()} values of {key} are not '
                'finite, so that the model predicts nothing; its training diverged. '
                'Take an earlier checkpoint, or train again at a lower learning rate.'
            )


def trained_features(checkpoint: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return ``dataset.features`` that a model was trained on; None if not stated."""
    text = meta_of(checkpoint).get('cfg')
    if not isinstance(text, str):
        return None
    features: Any = Config.fromstring(text, '.py')._cfg_dict
    for key in ('test_dataloader', 'dataset', 'features'):
        features = features.get(key) or {}
        if not isinstance(features, Mapping):
            return None
    return features


def trained_data(checkpoint: Any, source: str) -> dict[str, Any]:
    """Return the metainfo of the data that a model was trained on; {} if not stated.

    Raises:
        UserError: If it has classes that are no names.
    """
    meta = meta_of(checkpoint).get('dataset_meta')
    if not isinstance(meta, dict):
        return {}
    names = meta.get('classes', ())
    if not isinstance(names, list | tuple) or not all(
        isinstance(n, str) for n in names
    ):
        raise UserError(
            f'{source}: says that the classes are {shown(names)}, expected a list of '
            'names; train again, or take another checkpoint.'
        )
    return meta


def changed_features(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in words in what two ``dataset.features`` differ, '' if in nothing.

    Batch sizes do not count, nor the folders that files lie in, nor whether features
    are made online.
    """
    before, after = (
        {key: _without_folder(value) for key, value in flat_settings(features)}
        for features in (then, now)
    )
    same = ('batch_size', '.online')
    changed = [
        f'{key} was {before.get(key)!r} and is {after.get(key)!r}'
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and not key.endswith(same)
    ]
    return '; '.join(changed[:3]) + ('; ...' if len(changed) > 3 else '')


def _without_folder(value: Any) -> Any:
    """Return a file's name, since the same weights may lie elsewhere."""
    return Path(value).name if isinstance(value, str) else value
