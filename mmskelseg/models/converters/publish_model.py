"""Leaves of a checkpoint what others need to use its model, and nothing else.

    python tools/model_converters/publish_model.py epoch_77.pth mine.pth

DST has the weights (averaged ones, if training averages), what the model was trained
on, and of the config what the model is built from and what its features are made by:
no optimizer, no history and no paths. It needs no config beside it: where a command
takes a config and a checkpoint, Python's API takes None and DST.
"""

import argparse
from pathlib import Path
from typing import Any

from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.utils.command_line import command

# Of the data, what its notes say is of no use without it.
_NOTES = ('notes',)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('src', type=Path, help='checkpoint of a training')
    parser.add_argument('dst', type=Path, help='checkpoint to write')


def _run(args: argparse.Namespace) -> None:
    # Not with --help, since it takes seconds.
    import torch
    from mmengine.config import Config

    from mmskelseg.fileio.checkpoints import load_checkpoint, meta_of, tensors_of
    from mmskelseg.utils.errors import UserError
    from mmskelseg.version import __version__

    content = load_checkpoint(args.src)
    meta = meta_of(content)
    if not isinstance(meta.get('cfg'), str) or 'dataset_meta' not in meta:
        raise UserError(
            f'{args.src}: does not say with which config and data it was trained; '
            'take one that `mmskelseg train` wrote.'
        )
    cfg = Config.fromstring(meta['cfg'], '.py')
    loader, dataset = cfg.test_dataloader, cfg.test_dataloader.dataset
    kept = {key: dataset[key] for key in ('type', 'features', 'pipeline')}
    test: dict[str, Any] = {'dataset': kept}
    if 'collate_fn' in loader:
        test['collate_fn'] = loader.collate_fn
    text = Config({'model': cfg.model, 'test_dataloader': test}).pretty_text
    data = {k: v for k, v in meta['dataset_meta'].items() if k not in _NOTES}
    short: dict[str, Any] = {
        'cfg': text,
        'dataset_meta': data,
        'mmskelseg_version': __version__,
        **{key: meta[key] for key in ('epoch', 'seed') if key in meta},
    }
    state = dict(tensors_of(content, args.src))
    with atomic_write(args.dst) as file:
        torch.save({'meta': short, 'state_dict': state}, file)
    size = args.dst.stat().st_size / 2**20
    print(f'{args.dst}: {len(state)} tensors, {size:.1f} MiB')


main = command(__doc__, _add_arguments, _run)
