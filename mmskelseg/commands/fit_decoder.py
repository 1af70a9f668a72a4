"""Adds transition and duration statistics of the training labels to a checkpoint.

    %(prog)s viterbi.py work_dirs/mine/epoch_120.pth with_decoder.pth

The config is that of the training, with a post-processing step that needs statistics:

    _base_ = 'mine.py'
    model = dict(postprocess=[dict(type='SemiMarkovViterbi')])

Training with such a config computes the statistics itself; this command is for models
that were trained without them. The new checkpoint can be used to test and to segment,
but not to resume training.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.runtime.cli.command_line import command
from mmskelseg.runtime.files.atomic import atomic_write
from mmskelseg.runtime.messages.counts import counted
from mmskelseg.runtime.messages.errors import UserError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of a training run')
    parser.add_argument('out', type=Path, help='checkpoint file to write')
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    if args.out.suffix != '.pth':
        raise UserError(f'{args.out}: the name of a checkpoint must end in .pth.')
    if args.out.resolve() == args.checkpoint.resolve():
        raise UserError(
            f'{args.out}: is the checkpoint of the training, which would be replaced; '
            'name another file.'
        )
    cfg = load_config(args)

    import torch

    from mmskelseg.engine.config_checks import building
    from mmskelseg.engine.hooks.fit_statistics_hook import labels_of
    from mmskelseg.fileio.checkpoints import (
        load_checkpoint,
        meta_of,
        tensors_of,
    )
    from mmskelseg.fileio.trained_weights import (
        check_class_order,
        load_weights,
        trained_data,
    )
    from mmskelseg.models.layers import Fitted
    from mmskelseg.registry import DATASETS, MODELS

    with building(args.config):
        model = MODELS.build(cfg.model)
    steps = getattr(model, 'postprocess', torch.nn.ModuleList())
    counting = [step for step in steps if isinstance(step, Fitted)]
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
    labels = list(labels_of(dataset))
    for step in counting:
        step.fit(labels)
    own = {f'postprocess.{k}': v for k, v in steps.state_dict().items()}
    state = tensors_of(checkpoint, args.checkpoint) | own
    load_weights(model, {'state_dict': state}, str(args.checkpoint))
    meta = meta_of(checkpoint)
    with atomic_write(args.out) as file:
        torch.save({'meta': meta, 'state_dict': state}, file)
    names = ', '.join(type(step).__name__ for step in counting)
    print(
        f'{args.out}: has the statistics of {names} from '
        f'{counted(len(labels), "training video")}'
    )


def _without_features(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a data set, or of one around others, that reads labels."""
    own: dict[str, Any] = {'features': {}, 'pipeline': []}
    return {
        key: _without_features(value)
        if key == 'dataset'
        else [_without_features(one) for one in value]
        if key == 'datasets'
        else own.get(key, value)
        for key, value in dataset.items()
    }


main = command(__doc__, _add_arguments, _run)
