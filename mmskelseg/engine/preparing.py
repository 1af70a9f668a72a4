"""Computations on a data set before or after a training."""

import argparse
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.registry import init_default_scope

from mmskelseg.checkpoints.reading import load_checkpoint, meta_of, tensors_of
from mmskelseg.checkpoints.weights import (
    check_class_order,
    load_weights,
    trained_data,
)
from mmskelseg.engine.config_checks import building
from mmskelseg.engine.dist import init_distributed
from mmskelseg.engine.hooks.fit_statistics_hook import count_labels, labels_of
from mmskelseg.models.layers import Fitted
from mmskelseg.registry import DATASETS, MODELS
from mmskelseg.runtime.files.atomic import atomic_write
from mmskelseg.runtime.messages.counts import counted
from mmskelseg.runtime.messages.errors import UserError


def make_features(cfg: Config, source: str) -> None:
    """Compute the features of all splits of a config, named source in messages."""
    init_default_scope(cfg.default_scope)
    with init_distributed(cfg):
        for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            with building(source):
                dataset = DATASETS.build(cfg[key].dataset)
            made = [m for m, f in dataset.features.items() if not f.get('online')]
            if is_main_process():
                number = counted(dataset.num_videos, 'video')
                what = 'are ready' if made else 'are computed online, when read'
                print(f'{key}: features of {number} {what}.')


def fit_decoder(cfg: Config, args: argparse.Namespace) -> None:
    """Count what decoding needs, with the options of `mmskelseg fit-decoder`."""
    with building(args.config):
        model = MODELS.build(cfg.model)
    steps = getattr(model, 'postprocess', torch.nn.ModuleList())
    counting = [s for s in steps.modules() if isinstance(s, Fitted) and not s.is_fitted]
    if not counting:
        raise UserError(
            f'{cfg.filename}: has no post-processing step that needs statistics; add '
            "model = dict(postprocess=[dict(type='SemiMarkovViterbi')])."
        )
    if not (cfg.get('train_dataloader') or {}).get('dataset'):
        raise UserError(
            f'{cfg.filename}: has no train_dataloader.dataset, whose labels are '
            'counted; name the config of the training.'
        )
    checkpoint = load_checkpoint(args.checkpoint)
    with building(args.config):
        dataset = DATASETS.build(_without_features(cfg.train_dataloader.dataset))
    classes = getattr(dataset, 'metainfo', {}).get('classes')
    data = str(getattr(dataset, 'ann_file', args.config))
    trained = trained_data(checkpoint, str(args.checkpoint)).get('classes', ())
    check_class_order(trained, classes, str(args.checkpoint), data)
    if classes is not None and len(classes) != model.num_classes:
        raise UserError(
            f'{data}: has {len(classes)} classes, but model.num_classes of '
            f'{cfg.filename} is {model.num_classes}; name the data of the training.'
        )
    for step in counting:
        count_labels(step, dataset)
    own = {f'postprocess.{k}': v for k, v in steps.state_dict().items()}
    state = tensors_of(checkpoint, args.checkpoint) | own
    load_weights(model, {'state_dict': state}, str(args.checkpoint))
    meta = meta_of(checkpoint)
    with atomic_write(args.out) as file:
        torch.save({'meta': meta, 'state_dict': state}, file)
    names = ', '.join(dict.fromkeys(type(step).__name__ for step in counting))
    count = sum(1 for _ in labels_of(dataset))
    print(
        f'{args.out}: has the statistics of {names} from '
        f'{counted(count, "training video")}'
    )


def _without_features(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a data set or wrapper, changed to read only labels."""
    changed = dict(dataset)
    if 'dataset' in dataset:
        changed['dataset'] = _without_features(dataset['dataset'])
    if 'datasets' in dataset:
        changed['datasets'] = [_without_features(one) for one in dataset['datasets']]
    nothing: dict[str, Any] = {'features': {}, 'pipeline': []}
    return changed | {key: nothing[key] for key in nothing if key in dataset}
