"""What a checkpoint says of its model, and whether it is that of a config."""

from __future__ import annotations

from collections.abc import Mapping
from logging import WARNING
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from torch import nn

from mmskelseg.datasets.annotations import load_annotations
from mmskelseg.structures import is_data_layout
from mmskelseg.utils.errors import UserError
from mmskelseg.utils.settings import flat_settings


def load_weights(model: nn.Module, checkpoint: Mapping[str, Any], source: str) -> None:
    """Load all weights of a model, or none.

    Args:
        model: The model of a config.
        checkpoint: What its file holds.
        source: The file, for messages.

    Raises:
        ValueError: If the checkpoint has others, or in other shapes.
    """
    if not isinstance(checkpoint, dict):
        raise UserError(
            f'{source}: holds {type(checkpoint).__name__}, not a checkpoint; name a '
            'file that training wrote.'
        )
    state = checkpoint.get('state_dict', checkpoint)
    state = {key.removeprefix('module.'): value for key, value in state.items()}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise UserError(
            f'{source}: not a checkpoint of the model of the config '
            f'({first[0].strip().rstrip(".")[:200]}); use the config that it was '
            'trained with, which lies in its work folder.'
        ) from None


def model_metainfo(
    cfg: ConfigDict, checkpoint: Mapping[str, Any], model: nn.Module, source: str
) -> dict[str, Any]:
    """Return ``classes`` and ``skeleton`` of the data that a model was trained on.

    They stand in the checkpoint, or else in the annotation file of the config.

    Args:
        cfg: The config.
        checkpoint: What its file holds.
        model: The model.
        source: The file, for messages.

    Raises:
        ValueError: If there are none, or not as many as the model has.
    """
    meta = checkpoint.get('meta', {}).get('dataset_meta') or {}
    if not {'classes', 'skeleton'} <= set(meta):
        dataset = cfg.test_dataloader.dataset
        path = Path(dataset.get('data_root', ''), dataset.ann_file)
        if not path.is_file():
            raise UserError(
                f'{source}: does not say which classes and skeleton it was trained '
                f'with, and {path}, the annotation file of the config, is missing; '
                'put it there.'
            )
        meta, source = load_annotations(path)['metainfo'], str(path)
    elif not is_data_layout(meta['skeleton']):
        raise UserError(
            f'{source}: refused: its skeleton is {meta["skeleton"]!r}, expected the '
            'name of a layout or a dict of one; the path of a file could run code.'
        )
    count = getattr(model, 'num_classes', None)
    if count is not None and count != len(meta['classes']):
        raise UserError(
            f'{source}: names {len(meta["classes"])} classes, but the model of the '
            f'config has {count}; use the config that it was trained with.'
        )
    return dict(meta)


def check_features(cfg: ConfigDict, checkpoint: Mapping[str, Any]) -> None:
    """Warn where features of a config differ from those that were trained on.

    Raises:
        ValueError: If the config makes no features.
    """
    now = cfg.test_dataloader.dataset.get('features')
    if not now:
        raise UserError(
            'The config has no dataset.features, since features come from files; a '
            'video without such files cannot be segmented.'
        )
    text = checkpoint.get('meta', {}).get('cfg')
    if not isinstance(text, str):
        return
    then = Config.fromstring(text, '.py').test_dataloader.dataset.get('features', {})
    before, after = (
        {key: _without_folder(value) for key, value in flat_settings(features)}
        for features in (then, now)
    )
    changed = [
        f'{key} was {before.get(key)!r} and is {after.get(key)!r}'
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and not key.endswith('batch_size')
    ]
    if changed:
        print_log(
            'The model was trained on other features than the config makes, so its '
            f'labels may be wrong: {"; ".join(changed[:3])}'
            f'{"; ..." if len(changed) > 3 else ""}.',
            'current',
            WARNING,
        )


def _without_folder(value: Any) -> Any:
    """Return a file's name, since the same weights may lie elsewhere."""
    return Path(value).name if isinstance(value, str) else value
