"""Makes the frame features of a config ahead of its training.

    python tools/extract_features.py configs/skelseg/uwiom_joint_limb.py

Training and testing make what is missing by themselves; this does the same without
them, for all videos of the config's splits. Stopped, it goes on where it was.
"""

import argparse

from mmskelseg.cli import add_config_arguments, load_config, user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    add_config_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    # Not with --help, since they take seconds.
    from mmengine.dist import is_main_process
    from mmengine.registry import init_default_scope

    from mmskelseg.registry import DATASETS
    from mmskelseg.utils.dist import init_distributed

    with user_errors():
        cfg = load_config(args)
        init_default_scope(cfg.default_scope)
        with init_distributed(cfg):
            for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
                dataset = DATASETS.build(cfg[key].dataset)
                if is_main_process():
                    print(f'{key}: features of {len(dataset)} videos are ready.')


if __name__ == '__main__':
    main()
