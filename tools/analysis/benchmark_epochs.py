"""The `epochs` command of benchmark.py: epochs of a config beside a plain loop."""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import processor

from mmskelseg.cli import SettingsAction

DESCRIPTION = """\
Times epochs of a config with one modality and MS-TCN++ by the Runner, as tools/train.py
runs it without validation, beside a plain network and loop: nn.Conv1d, PyTorch's
dropout, features loaded with numpy.load for each video of each epoch. The data set and
its features must be there. Times are of the clock, so that nothing else should run on
the machine.

    python tools/analysis/benchmark.py epochs configs/skelseg/uwiom_joint_limb.py
"""


def add_epochs_command(commands: Any) -> None:
    """Add the command to those of benchmark.py."""
    command = commands.add_parser(
        'epochs',
        help='epochs of a config beside a plain loop',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument('config', help='config file')
    command.add_argument('--epochs', type=int, default=10, help='default: %(default)s')
    command.add_argument('--threads', type=int, default=2, help='default: %(default)s')
    command.add_argument(
        '--cfg-options',
        nargs='+',
        action=SettingsAction,
        default={},
        help='settings that replace those of the config, as key=value',
    )
    command.set_defaults(run=epochs)


def epochs(args: argparse.Namespace) -> None:
    """Print both times, and their ratio."""
    if min(args.epochs, args.threads) < 1:
        sys.exit('error: every number must be at least 1.')
    # Not with --help, since they take seconds.
    import torch
    from mmengine.config import Config

    import mmskelseg  # noqa: F401  (mends MMAction2's imports)
    from mmskelseg.cli import user_errors

    if not Path(args.config).is_file():
        sys.exit(f'error: {args.config}: there is no such config file.')
    torch.set_num_threads(args.threads)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    with user_errors(), tempfile.TemporaryDirectory(prefix='benchmark-') as folder:
        ours = run_config(cfg, args, folder)
        plain, videos, frames = run_plainly(cfg, args)
    print(
        f'{args.config}: {args.epochs} epochs of {videos} videos, {frames} frames, '
        f'{args.threads} thread(s), {processor()}, torch {torch.__version__}'
    )
    for name, seconds in (('plain network and loop', plain), ('Runner', ours)):
        print(f'  {name:<24}{seconds / args.epochs:7.2f} s an epoch')
    print(f'  ratio                   {plain / ours:7.2f}')


def run_config(cfg: Any, args: argparse.Namespace, folder: str) -> float:
    """Return the seconds of the Runner's epochs, after a first one."""
    from mmengine.hooks import Hook
    from mmengine.runner import Runner

    ends = []

    class Clock(Hook):
        # Checkpoints are saved after it.
        priority = 'VERY_HIGH'

        def after_train_epoch(self, runner: Runner) -> None:
            ends.append(time.perf_counter())

    cfg = cfg.copy()
    cfg.work_dir = folder
    cfg.train_cfg.max_epochs = args.epochs + 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.randomness = {'seed': 0}
    runner = Runner.from_cfg(cfg)
    runner.register_hook(Clock())
    runner.train()
    return ends[-1] - ends[0]


def run_plainly(cfg: Any, args: argparse.Namespace) -> tuple[float, int, int]:
    """Return the seconds of as many plain epochs, the videos and their frames."""
    import numpy as np
    import torch
    from plain_ms_tcn import PlainMSTCN, plain_loss

    from mmskelseg.registry import DATASETS, MODELS

    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    network = PlainMSTCN(MODELS.build(cfg.model)).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    rng = np.random.default_rng(0)
    for epoch in range(args.epochs + 1):
        if epoch == 1:
            begin = time.perf_counter()
        for i in rng.permutation(len(infos)):
            (files,) = infos[i]['feature_files'].values()
            x = torch.from_numpy(np.ascontiguousarray(np.load(files[0]).T))
            labels = torch.from_numpy(infos[i]['label'])
            optimizer.zero_grad()
            loss = plain_loss(network(x[None]), labels[None])
            loss.backward()
            optimizer.step()
            loss.item()
    seconds = time.perf_counter() - begin
    return seconds, len(infos), sum(info['total_frames'] for info in infos)
