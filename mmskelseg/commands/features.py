"""Makes the frame features of a config ahead of its training.

    %(prog)s configs/skelseg/uwiom_joint_limb.py

Training and testing make what is missing by themselves; this does the same without
them, for all videos of the config's splits. Stopped, it goes on where it was.
"""

import argparse
from collections.abc import Sequence

from mmskelseg.commands.arguments import (
    add_config_arguments,
    command_parser,
    load_config,
)
from mmskelseg.utils.errors import user_errors


def _parse_args(argv: Sequence[str] | None, prog: str | None) -> argparse.Namespace:
    parser = command_parser(__doc__, prog)
    parser.add_argument('config', help='config file, or its name')
    add_config_arguments(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Make the features that are missing."""
    args = _parse_args(argv, prog)
    # Not with --help, since they take seconds.
    from mmengine.dist import is_main_process
    from mmengine.registry import init_default_scope

    from mmskelseg.processes import connected_processes
    from mmskelseg.registry import DATASETS

    with user_errors():
        cfg = load_config(args)
        init_default_scope(cfg.default_scope)
        with connected_processes(cfg):
            for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
                dataset = DATASETS.build(cfg[key].dataset)
                if is_main_process():
                    print(f'{key}: features of {len(dataset)} videos are ready.')
