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
from pathlib import Path

from mmskelseg.commands.arguments import add_config_arguments, load_config
from mmskelseg.utils.command_line import command
from mmskelseg.utils.errors import UserError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, or its name')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of a training run')
    parser.add_argument('out', type=Path, help='checkpoint file to write')
    add_config_arguments(parser)


def _run(args: argparse.Namespace) -> None:
    cfg = load_config(args)

    import numpy as np
    import torch

    from mmskelseg.datasets.annotations import load_annotations, videos_of_split
    from mmskelseg.engine.config_checks import building
    from mmskelseg.fileio.atomic import atomic_write
    from mmskelseg.fileio.checkpoints import (
        load_checkpoint,
        meta_of,
        tensors_of,
    )
    from mmskelseg.fileio.configs import annotation_path
    from mmskelseg.fileio.trained_weights import load_weights
    from mmskelseg.models.layers import Fitted
    from mmskelseg.registry import MODELS

    with building(args.config):
        model = MODELS.build(cfg.model)
    steps = getattr(model, 'postprocess', torch.nn.ModuleList())
    counting = [step for step in steps if isinstance(step, Fitted)]
    if not counting:
        raise UserError(
            f'{cfg.filename}: has no post-processing step that needs statistics; add '
            "model = dict(postprocess=[dict(type='SemiMarkovViterbi')])."
        )
    checkpoint = load_checkpoint(args.checkpoint)
    dataset = cfg.train_dataloader.dataset
    ann_file = annotation_path(dataset)
    videos = videos_of_split(load_annotations(ann_file), dataset.split, ann_file, None)
    labels = [np.asarray(video['label']) for video in videos]
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
        f'{args.out}: has the statistics of {names} from {len(labels)} training videos '
        f'of {dataset.split!r}'
    )


main = command(__doc__, _add_arguments, _run)
