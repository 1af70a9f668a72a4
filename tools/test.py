"""Scores a trained segmentor.

    python tools/test.py configs/skelseg/toy_joint_limb.py \\
        work_dirs/toy_joint_limb/epoch_30.pth

Prints the scores, also by class, and writes into the work folder metrics.json, the
confusion matrix, and a timeline of each test video.
"""

import argparse
import sys

from mmengine.config import Config

from mmskelseg.cli import add_config_arguments, load_config, user_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--dump', help='keep the predictions in this pickle file')
    parser.add_argument('--show-dir', help='folder for the timelines')
    parser.add_argument(
        '--show', action='store_true', help='show the timelines in a window'
    )
    parser.add_argument(
        '--interval', type=int, default=1, help='draw each so manyth video'
    )
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds that a window stays'
    )
    add_config_arguments(parser)
    args = parser.parse_args()
    if args.dump is not None and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump {args.dump}: the name must end in .pkl or .pickle')
    return args


def merge_args(cfg: Config, args: argparse.Namespace) -> None:
    cfg.load_from = args.checkpoint
    cfg.resume = False
    visualization = cfg.default_hooks.get('visualization')
    if visualization is not None:
        visualization.update(
            show=args.show, wait_time=args.wait_time, interval=args.interval
        )
        if args.show_dir is not None:
            visualization.out_dir = args.show_dir
    elif args.show or args.show_dir is not None:
        sys.exit(
            f'error: {args.config}: --show and --show-dir need a hook of the name '
            '`visualization` in default_hooks.'
        )
    if args.dump is not None:
        evaluators = cfg.test_evaluator
        if not isinstance(evaluators, list):
            evaluators = [evaluators]
        dump = dict(type='DumpResults', out_file_path=args.dump)
        cfg.test_evaluator = [*evaluators, dump]


def main() -> None:
    args = parse_args()
    # Not with --help, since they take seconds.
    from mmengine.runner import Runner

    from mmskelseg.utils.dist import init_distributed

    with user_errors():
        cfg = load_config(args)
        merge_args(cfg, args)
        with init_distributed(cfg):
            Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    main()
