"""Turns a checkpoint of the reference code of MS-TCN++ into one of ours.

    python tools/model_converters/ms_tcn2.py epoch-100.model ms_tcn2.pth

SRC is a state dict as github.com/sj-li/MS-TCN2 saves it. DST loads into a config whose
model has the same widths, for example:

    python tools/test.py configs/skelseg/uwiom_joint_limb.py ms_tcn2.pth
"""

import argparse
import re
import sys
from pathlib import Path

import torch
from torch import Tensor

from mmskelseg.checkpoint import load_state_dict
from mmskelseg.cli import user_errors
from mmskelseg.files import written_whole

# Names of the reference, and ours within a branch.
RENAMES = {
    r'PG\.conv_1x1_in\.': r'backbone.stages.0.conv_in.',
    r'PG\.conv_dilated_1\.(\d+)\.': r'backbone.stages.0.layers.\1.conv_far.',
    r'PG\.conv_dilated_2\.(\d+)\.': r'backbone.stages.0.layers.\1.conv_near.',
    r'PG\.conv_fusion\.(\d+)\.': r'backbone.stages.0.layers.\1.merge.',
    r'PG\.conv_out\.': r'head.classifiers.0.',
    r'Rs\.(\d+)\.conv_1x1\.': r'backbone.stages.<\1>.conv_in.',
    r'Rs\.(\d+)\.layers\.(\d+)\.conv_dilated\.': (
        r'backbone.stages.<\1>.layers.\2.conv_dilated.'
    ),
    r'Rs\.(\d+)\.layers\.(\d+)\.conv_1x1\.': (
        r'backbone.stages.<\1>.layers.\2.conv_out.'
    ),
    r'Rs\.(\d+)\.conv_out\.': r'head.classifiers.<\1>.',
}


def convert(state: dict[str, Tensor], modality: str) -> dict[str, Tensor]:
    """Return a reference state dict under our names.

    Raises:
        ValueError: If a name is not one of MS-TCN++'s, or its first stage is missing.
    """
    missing = {'PG.conv_1x1_in.weight', 'PG.conv_out.bias'} - state.keys()
    if missing and any(key.startswith(('PG.', 'Rs.')) for key in state):
        raise ValueError(f'{min(missing)!r} is missing, so it is not whole.')
    return {f'branches.{modality}.{_rename(key)}': x for key, x in state.items()}


def _rename(key: str) -> str:
    for theirs, ours in RENAMES.items():
        if re.match(theirs, key):
            renamed = re.sub(f'^{theirs}', ours, key)
            # Our refinement stages are counted from the first stage on.
            return re.sub(r'<(\d+)>', lambda match: str(int(match[1]) + 1), renamed)
    raise ValueError(
        f'{key!r} is not a name of MS-TCN++ (PG.* and Rs.*); convert a state dict that '
        'the code of MS-TCN2 saved.'
    )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', type=Path, help='checkpoint of the reference code')
    parser.add_argument('dst', type=Path, help='checkpoint to write')
    parser.add_argument(
        '--modality', default='heatmap', help='branch that it is for (default: heatmap)'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with user_errors():
        state = load_state_dict(args.src)
    try:
        converted = convert(state, args.modality)
    except ValueError as error:
        sys.exit(f'error: {args.src}: {error}')
    with written_whole(args.dst) as file:
        meta = {'converted_from': args.src.name}
        torch.save({'meta': meta, 'state_dict': converted}, file)
    size = converted[f'branches.{args.modality}.backbone.stages.0.conv_in.weight'].shape
    classes = converted[f'branches.{args.modality}.head.classifiers.0.bias'].shape[0]
    print(
        f'{args.dst}: {len(converted)} tensors; model.num_classes={classes}, '
        f'model.branches.{args.modality}.in_channels={size[1]}, channels={size[0]}.'
    )


if __name__ == '__main__':
    main()
