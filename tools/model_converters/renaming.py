"""What converters of checkpoints have in common."""

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmskelseg.cli import user_errors
from mmskelseg.fileio.atomic import atomic_write
from mmskelseg.fileio.checkpoints import load_state_dict


def run(
    doc: str, modality: str, renames: Mapping[str, str], needed: set[str], model: str
) -> None:
    """Convert the checkpoint that the command line names.

    Args:
        doc: What ``--help`` shows.
        modality: The branch that the weights are for, unless another is asked for.
        renames: For a pattern of the reference's names ours within a branch. Numbers in
            angle brackets count refinement stages, from 0.
        needed: Names that a whole checkpoint has.
        model: What to call the network and its names in messages.
    """
    args = _parse_args(doc, modality)
    with user_errors():
        state = load_state_dict(args.src)
    try:
        branch = convert(state, renames, needed, model)
    except ValueError as error:
        sys.exit(f'error: {args.src}: {error}')
    prefix = f'branches.{args.modality}'
    converted = {f'{prefix}.{key}': value for key, value in branch.items()}
    with atomic_write(args.dst) as file:
        meta = {'converted_from': args.src.name}
        torch.save({'meta': meta, 'state_dict': converted}, file)
    channels, in_channels = branch['backbone.stages.0.conv_in.weight'].shape[:2]
    print(
        f'{args.dst}: {len(converted)} tensors; '
        f'model.num_classes={len(branch["head.classifiers.0.bias"])}, '
        f'model.{prefix}.in_channels={in_channels}, channels={channels}.'
    )


def convert(
    state: Mapping[str, Tensor],
    renames: Mapping[str, str],
    needed: set[str],
    model: str,
) -> dict[str, Tensor]:
    """Return a reference state dict under our names within a branch.

    Raises:
        ValueError: If a name is not one of the model's, or a needed one is missing.
    """
    converted = {_rename(key, renames, model): value for key, value in state.items()}
    missing = needed - state.keys()
    if missing:
        raise ValueError(f'{min(missing)!r} is missing, so it is not whole.')
    return converted


def _rename(key: str, renames: Mapping[str, str], model: str) -> str:
    for theirs, ours in renames.items():
        if re.match(theirs, key):
            renamed = re.sub(f'^{theirs}', ours, key)
            # Our refinement stages are counted from the first stage on.
            return re.sub(r'<(\d+)>', lambda match: str(int(match[1]) + 1), renamed)
    raise ValueError(
        f'{key!r} is not a name of {model}; convert a state dict that the code of the '
        'reference saved.'
    )


def _parse_args(doc: str, modality: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', type=Path, help='checkpoint of the reference code')
    parser.add_argument('dst', type=Path, help='checkpoint to write')
    parser.add_argument(
        '--modality',
        default=modality,
        help=f'branch that it is for (default: {modality})',
    )
    return parser.parse_args()
